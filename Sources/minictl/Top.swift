// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Top: Command {
    static let name: StaticString = "top"
    static let summary: StaticString = "list the processes of a container, as ps does"
    static let operands: Operands = "CONTAINER [PS-OPTION...]"
    static let isInterspersed = false
    static let examples = [Example("minictl top web -o pid,rss,args", "with columns of one's own")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let table = try home.container(named: arguments.first ?? "").processes(Array(arguments.dropFirst()))
        let lines = table.map { $0.map(escapeVisible) }
        try Output.standard.write(TextTable(lines: lines).text(width: nil))
        return 0
    }
}
