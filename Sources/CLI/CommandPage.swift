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

extension Program where Globals: OptionGroup {
    /// The page of the program and of every command that is not hidden, in the order of the lists.
    var pages: [CommandPage] { [rootPage] + pages(of: entries, below: name) }

    private func pages(of entries: [CommandEntry<Globals>], below path: String) -> [CommandPage] {
        entries.filter { !$0.isHidden }.flatMap { entry -> [CommandPage] in
            let path = path + " \(entry.name)"
            return switch entry.content {
            case .heading: []
            case .command: [page(of: entry, path: path)]
            case .group(let inner): [page(of: entry, path: path)] + pages(of: inner(), below: path)
            }
        }
    }

    var rootPage: CommandPage {
        CommandPage(
            path: name, summary: summary, operands: "COMMAND", options: Globals.options.spellings(),
            commands: Self.lines(entries), examples: [])
    }

    func page(of entry: CommandEntry<Globals>, path: String) -> CommandPage {
        switch entry.content {
        case .heading: rootPage
        case .group(let entries):
            CommandPage(
                path: path, summary: entry.summary, operands: "COMMAND", options: [],
                commands: Self.lines(entries()), examples: [])
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
