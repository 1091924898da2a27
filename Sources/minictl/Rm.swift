// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Rm: Command {
    static let name: StaticString = "rm"
    static let summary: StaticString = "remove containers"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl rm -f $(minictl ps -aq)", "every container, also those that run")]
    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "kill those that run first") { $0.isForced = $1 },
            .flag("-v, --volumes", "with their nameless volumes") { $0.withVolumes = $1 },
        ]
    }

    var isForced = false
    var withVolumes = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        // Ends that can be waited for together.
        let gone = try isForced && arguments.count > 1 ? home.killAll(arguments) : []
        return try Each.of(arguments) { word in
            if !gone.contains(word) { try home.remove(word, force: isForced, volumes: withVolumes) }
        }
    }
}
