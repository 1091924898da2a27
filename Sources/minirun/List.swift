// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import OCI
import Runtime

struct List: Command {
    static let name: StaticString = "list"
    static let summary: StaticString = "list the containers of the state directory"
    static var options: [CommandOption<Self>] {
        [
            .text("-f, --format table|json", "how to show them (default table)") {
                guard $1 == "table" || $1 == "json" else { throw UsageError("'\($1)' is neither table nor json") }
                $0.isJSON = $1 == "json"
            },
            .flag("-q, --quiet", "show ids only") { $0.isQuiet = $1 },
        ]
    }
    var isJSON = false
    var isQuiet = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let directory = try globals.directory()
        var reports: [StateReport] = []
        // One that goes away while we look, or whose state is damaged, must not hide the others.
        for id in try directory.ids() {
            if let container = try? directory.container(id, locked: false) { reports.append(StateReport(container)) }
        }
        if isQuiet {
            try Output.standard.write(reports.quietText)
        } else if isJSON {
            try Output.standard.write(json: reports)
        } else {
            try Output.standard.write(ListFormat.table.text(reports, isWhole: true, width: nil))
        }
        return 0
    }
}

extension StateReport: ListRow {
    static var columns: [Column<Self>] {
        [
            Column("ID", "ID") { $0.id }, Column("PID", "PID") { "\($0.pid)" }, Column("STATUS", "Status") { $0.status.rawValue },
            Column("BUNDLE", "Bundle") { $0.bundle }, Column("CREATED", "Created") { $0.created }, Column("OWNER", "Owner") { $0.owner },
        ]
    }

    var quiet: String { id }
}
