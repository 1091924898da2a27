// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Start: Command {
    static let name: StaticString = "start"
    static let summary: StaticString = "start containers that were created or have ended"
    static let operands: Operands = "[CONTAINER...]"
    static let examples = [
        Example("minictl start -ai shell", "with its output and our input, until it ends"),
        Example("minictl start --all --filter should-start-on-boot=true", "what a machine does as it boots"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --attach", "show its output, pass signals on, and exit with its status") { $0.isAttached = $1 },
            .flag("-i, --interactive", "with our standard input too; includes --attach") { $0.isInteractive = $1 },
            .text("--detach-keys KEYS", "keys that leave its terminal (default ctrl-p,ctrl-q); empty for none") {
                $0.attach.keys = try DetachKeys(word: $1)
            },
            .flag("--sig-proxy", "pass signals on to it (default true)") { $0.attach.passesSignals = $1 },
            .flag("--all", "every container that does not run, or those that --filter leaves") { $0.isAll = $1 },
            .text(
                "-f, --filter KEY=VALUE", "with --all, as of ps: restart-policy=always, should-start-on-boot=true, label=…; may be repeated"
            ) {
                $0.filters.append($1)
            },
            .text("--checkpoint NAME", "docker's", hidden: true) { _, _ in throw UsageError(Self.noCheckpoints) },
            .text("--checkpoint-dir DIR", "docker's", hidden: true) { _, _ in throw UsageError(Self.noCheckpoints) },
        ]
    }

    private static var noCheckpoints: String { "containers are started from their beginning: there are no checkpoints" }

    var isAttached = false
    var isInteractive = false
    var attach = AttachOptions()
    var isAll = false
    var filters: [String] = []

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard isAll || filters.isEmpty else { throw UsageError("--filter chooses among --all") }
        guard isAll == arguments.isEmpty else {
            throw UsageError(isAll ? "--all starts every container; name none besides" : "name the containers to start, or give --all")
        }
        guard isAttached || isInteractive else {
            let home = try globals.home()
            return try Each.of(isAll ? chosen(in: home) : arguments) { try home.start($0) }
        }
        guard arguments.count == 1 else { throw UsageError("only one container can be started with its output shown") }
        var attach = attach
        attach.takesInput = isInteractive
        let outcome = try globals.home().startAttached(arguments[0], attach)
        try outcome.report()
        return outcome.exitCode
    }

    /// Those that do not run, the oldest first: others may need it.
    private func chosen(in home: borrowing Home) throws -> [String] {
        var filter = ContainerFilter()
        for text in filters { try filter.add(text) }
        try home.sweep()
        return try filter.chosen(from: home.listings(), in: home).reversed().filter { $0.status.allows(.start) }.map(\.record.id)
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
        let name = try ContainerName(slashed: arguments.count > 1 ? arguments[1] : "")
        let home = try globals.home()
        try home.sweep()
        try home.rename(arguments.first ?? "", to: name)
        return 0
    }
}
