// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import Runtime

struct Processes: Command {
    static let name: StaticString = "ps"
    static let summary: StaticString = "list the processes of a container"
    static let operands: Operands = "CONTAINER [PS_OPTION...]"
    static let isInterspersed = false
    static var options: [CommandOption<Self>] {
        [
            .text("-f, --format table|json", "as ps(1) shows them, or their numbers as a JSON list (default table)") {
                guard $1 == "table" || $1 == "json" else { throw UsageError("'\($1)' is neither table nor json") }
                $0.isJSON = $1 == "json"
            }
        ]
    }
    var isJSON = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let processes = try globals.directory().container(RuntimeID(arguments[0]), locked: false).processes()
        if isJSON {
            try Output.standard.write(json: processes)
            return 0
        }
        if processes.isEmpty {
            try Output.standard.write("UID          PID    PPID  C STIME TTY          TIME CMD\n")
            return 0
        }
        // The host's own ps, which knows how to read the options of ps.
        let options = arguments.count > 1 ? Array(arguments.dropFirst()) : ["-f"]
        let words = CStrings(["ps"] + options + ["-p", processes.map { "\($0)" }.joined(separator: ",")])
        let environment = CStrings(
            ["PATH", "LANG", "TERM", "COLUMNS"].compactMap { name in Machine.environment(name).map { "\(name)=\($0)" } })
        for path in ["/bin/ps", "/usr/bin/ps"] { _ = path.withCString { Process.execute($0, words, environment) } }
        throw RuntimeError.refused("this host has no ps; use --format json")
    }
}
