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
            .flag("-l, --link", "not a container, but a name that one has for another: CONTAINER/NAME") { $0.isLink = $1 },
            .flag("-v, --volumes", "with their nameless volumes") { $0.withVolumes = $1 },
        ]
    }

    var isForced = false
    var withVolumes = false
    var isLink = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        if isLink {
            return try Each.of(arguments) { word in
                let parts = word.split(separator: "/").map(String.init)
                guard parts.count == 2 else { throw UsageError("'\(word)' is no link, which is CONTAINER/NAME") }
                try home.removeLink(parts[1], of: parts[0])
            }
        }
        // Each word is read once, before anything goes: a name that is free again could be the beginning of another container's id.
        let found = arguments.map { word in Result { () throws(EngineError) in try home.find(word) } }
        // Ends that can be waited for together.
        let gone = try isForced && arguments.count > 1 ? home.killAll(found.compactMap { try? $0.get().text }) : []
        var each = Each()
        for (word, id) in zip(arguments, found) {
            do throws(EngineError) {
                let id = try id.get().text
                if !gone.contains(id) { try home.remove(id, force: isForced, volumes: withVolumes) }
            } catch .notFound(_, let near, _) {
                let error = EngineError.notFound(word, near: near)
                // Who insists wants it gone, and it is: said, but no failure, as with docker.
                if isForced { each.note(error) } else { each.failed(error) }
                continue
            } catch {
                each.failed(error)
                continue
            }
            try each.worked(word)
        }
        return each.status
    }
}
