// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Start: Command {
    static let name: StaticString = "start"
    static let summary: StaticString = "start containers that were created or have ended"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl start -ai shell", "with its output and our input, until it ends")]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --attach", "show its output, pass signals on, and exit with its status") { $0.isAttached = $1 },
            .flag("-i, --interactive", "with our standard input too; includes --attach") { $0.isInteractive = $1 },
        ]
    }

    var isAttached = false
    var isInteractive = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard isAttached || isInteractive else {
            let home = try globals.home()
            return try Each.of(arguments) { try home.start($0) }
        }
        guard arguments.count == 1 else { throw UsageError("only one container can be started with its output shown") }
        let outcome = try globals.home().startAttached(arguments[0], input: isInteractive)
        try outcome.report()
        return outcome.exitCode
    }
}

struct Restart: Command {
    static let name: StaticString = "restart"
    static let summary: StaticString = "stop containers and start them again"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl restart -t 3 web", "killed if it has not stopped after three seconds")]
    static var options: [CommandOption<Self>] { StopOptions.options.lifted { try $1(&$0.stop) } }

    var stop = StopOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        return try Each.of(arguments) { word in try home.restart(word, stop.request) { $0.tell() } }
    }
}

struct Rename: Command {
    static let name: StaticString = "rename"
    static let summary: StaticString = "give a container another name"
    static let operands: Operands = "CONTAINER NAME"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let name = try ContainerName(word: arguments.count > 1 ? arguments[1] : "")
        let home = try globals.home()
        try home.sweep()
        try home.rename(arguments.first ?? "", to: name)
        return 0
    }
}
