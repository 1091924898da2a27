// SPDX-License-Identifier: Apache-2.0

/// All that is told about one command or group, for help, manual pages and completion alike.
struct CommandPage {
    let path: String
    let summary: StaticString
    /// What follows the path and `[OPTIONS]`.
    let operands: Operands
    let options: [OptionSpelling]
    /// Headings have no summary.
    let commands: [Line]
    let examples: [Example]

    /// One line of a list of commands.
    struct Line {
        let name: String
        let summary: StaticString
        let isHeading: Bool
    }
}

extension Program {
    var rootPage: CommandPage {
        CommandPage(
            path: name, summary: summary, operands: "COMMAND", options: Globals.options.map { $0.spelling },
            commands: Self.lines(entries), examples: [])
    }

    func page(of entry: CommandEntry<Globals>, path: String) -> CommandPage {
        switch entry.content {
        case .heading: rootPage
        case .group(let entries):
            CommandPage(
                path: path, summary: entry.summary, operands: "COMMAND", options: [],
                commands: Self.lines(entries), examples: [])
        case .command(let verb): verb.page(path)
        }
    }

    private static func lines(_ entries: [CommandEntry<Globals>]) -> [CommandPage.Line] {
        entries.filter { !$0.isHidden }.map { entry in
            let isHeading = if case .heading = entry.content { true } else { false }
            return CommandPage.Line(name: "\(entry.name)", summary: entry.summary, isHeading: isHeading)
        }
    }
}
