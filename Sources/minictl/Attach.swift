// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux

struct Attach: Command {
    static let name: StaticString = "attach"
    static let summary: StaticString = "see and steer a running container as if it had been started here"
    static let operands: Operands = "CONTAINER"
    static let examples = [
        Example("minictl attach shell", "ctrl-p ctrl-q leaves it again, and it runs on"),
        Example("minictl attach --no-stdin --sig-proxy=false web", "only look; ^C ends the looking"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("--detach-keys KEYS", "keys that leave it (default ctrl-p,ctrl-q); empty for none") {
                $0.keys = try DetachKeys(word: $1)
            },
            .flag("--no-stdin", "without our standard input") { $0.takesNoInput = $1 },
            .flag("--sig-proxy", "pass signals on to it (default true)") { $0.passesSignals = $1 },
        ]
    }

    var keys: DetachKeys? = .standard
    var takesNoInput = false
    var passesSignals = true

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var options = AttachOptions()
        options.keys = keys
        options.takesInput = !takesNoInput
        options.passesSignals = passesSignals
        let outcome = try globals.home().attach(arguments.first ?? "", options)
        try outcome.report()
        return outcome.exitCode
    }
}

extension DetachKeys {
    init(word text: String) throws(UsageError) {
        guard let keys = DetachKeys(text) else {
            throw UsageError("'\(text)' are no keys: use letters, and ctrl- with a letter or one of @[\\]^_, with commas between them")
        }
        self = keys
    }
}

/// Not for people: what takes the place of a monitor that was killed is this program again.
struct ReplaceMonitor: Command {
    static let name: StaticString = "monitor"
    static let summary: StaticString = "take the place of a monitor that was killed"
    static let operands: Operands = "CONTAINER"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard let id = ContainerID(arguments.first ?? "") else { throw UsageError("'\(arguments.first ?? "")' is no container's id") }
        try globals.home().takeOver(id, watch: 3, ready: FileDescriptor.isAnonymousPipe(4) ? 4 : -1)
        return 0
    }
}
