// SPDX-License-Identifier: Apache-2.0
import CLI
import Linux
import Runtime

struct Kill: Command {
    static let name: StaticString = "kill"
    static let summary: StaticString = "send a signal to a container's first process (default TERM)"
    static let operands: Operands = "CONTAINER [SIGNAL]"
    static var options: [CommandOption<Self>] {
        [.flag("-a, --all", "send it to every process of the container") { $0.isForAll = $1 }]
    }
    var isForAll = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let word = arguments.count > 1 ? arguments[1] : "TERM"
        // 0 asks only whether there is somebody to signal.
        guard let signal = word == "0" ? Signal(rawValue: 0) : Signal(word) else { throw UsageError("unknown signal '\(word)'") }
        try globals.directory().container(RuntimeID(arguments[0]), locked: false).signal(signal, all: isForAll)
        return 0
    }
}

struct Delete: Command {
    static let name: StaticString = "delete"
    static let summary: StaticString = "take away a container that has ended"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] {
        [.flag("-f, --force", "kill what still runs in it; a container that is not there is no error") { $0.isForced = $1 }]
    }
    var isForced = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try globals.directory().delete(RuntimeID(arguments[0]), force: isForced)
        return 0
    }
}
