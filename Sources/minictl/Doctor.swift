// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Doctor: Command {
    static let name: StaticString = "doctor"
    static let summary: StaticString = "try what containers need of this machine, and say what to do about what fails"
    static let operands: Operands = ""
    static let examples = [Example("minictl doctor --format json", "for scripts; the exit status is 1 if something needed fails")]

    static var options: [CommandOption<Self>] {
        [.text("--format table|json|TEMPLATE", "how to print it") { $0.format = try ListFormat($1) }]
    }

    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let findings = try globals.home().examine()
        let failed = findings.count { $0.state == .fails }
        if case .table = format {
            for finding in findings { try Output.standard.write(finding.text) }
            let limited = findings.count { $0.state == .limited }
            let verdict = failed == 0 ? "containers run here" : "containers do not run here as they should"
            try Output.standard.write("\n\(verdict): \(findings.count - failed - limited) ok, \(limited) with limits, \(failed) failed\n")
        } else {
            try Output.standard.write(format.text(findings.map(FindingRow.init), width: Output.standard.tableWidth))
        }
        return failed == 0 ? 0 : 1
    }
}

extension Finding {
    /// A line for people, and below it what to do.
    fileprivate var text: String {
        let colour =
            switch state {
            case .works: "32"
            case .limited: "33"
            case .fails: "31"
            }
        let word = state == .fails ? "FAIL" : state.rawValue
        let mark = Output.standard.isColoured ? "\u{1B}[\(colour)m\(word)\u{1B}[0m" : word
        let head = mark + String(repeating: " ", count: max(1, 6 - word.utf8.count)) + topic
        let gap = String(repeating: " ", count: max(1, 20 - topic.utf8.count))
        let width = Output.standard.isTerminal ? Terminal.width : .max
        let fix = remedy.map { wrapped("fix: " + escapeVisible($0), to: width, indent: 26) } ?? ""
        return head + gap + wrapped(escapeVisible(sentence), to: width, indent: 26).dropFirst(26) + fix
    }
}

private struct FindingRow: ListRow {
    let finding: Finding
    var quiet: String { finding.topic }

    init(_ finding: Finding) { self.finding = finding }

    static var columns: [Column<Self>] {
        [
            Column("STATE", "State") { $0.finding.state.rawValue },
            Column("TOPIC", "Topic") { $0.finding.topic },
            Column("SENTENCE", "Sentence", shrinksTo: 20) { $0.finding.sentence },
            Column("REMEDY", "Remedy", shrinksTo: 10) { $0.finding.remedy ?? "" },
        ]
    }
}
