// SPDX-License-Identifier: Apache-2.0
import CLI
import Linux
import Runtime

struct Run: Command {
    static let name: StaticString = "run"
    static let summary: StaticString = "create a container, start it, and wait for its end"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] {
        Creation.options.lifted { try $1(&$0.creation) } + [
            .flag("-d, --detach", "do not wait") { $0.isDetached = $1 },
            .flag("--keep", "keep the container's state when it has ended") { $0.isKept = $1 },
            .flag("--no-subreaper", "accepted for runc's sake", hidden: true) { _, _ in },
        ]
    }
    var creation = Creation()
    var isDetached = false
    var isKept = false

    mutating func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try Inheritance.seal()
        try creation.inheritance.closeOthers()
        let id = try RuntimeID(arguments[0])
        let directory = try globals.directory()
        var options = creation.options(globals)
        options.isForeground = !isDetached
        options.windowSize = FileDescriptor.windowSize(of: 0)
        var created = try directory.create(id, options)
        for warning in created.warnings { globals.log(warning, level: "warning") }
        do {
            try created.container.start()
        } catch {
            try? created.container.delete(force: true)
            throw error
        }
        created.container.unlock()
        if isDetached { return 0 }
        let end = try created.process.waitInForeground(terminal: created.terminal.take())
        if !isKept { try directory.delete(id, force: true) }
        return end.exitCode
    }
}
