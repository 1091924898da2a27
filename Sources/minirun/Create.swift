// SPDX-License-Identifier: Apache-2.0
import CLI
import Runtime

/// What `create` and `run` have in common.
struct Creation: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("-b, --bundle DIR", "the bundle: a folder with config.json (default the working directory)") { $0.bundle = $1 },
            .text("-f, --config FILE", "the spec, absolute or in the bundle (default config.json)") { $0.config = $1 },
            .flag("--no-pivot", "accepted for runc's sake: the root is always changed by pivot_root") { _, _ in },
            .flag("--no-new-keyring", "keep the caller's session keyring") { $0.keepsKeyring = $1 },
        ] + Inheritance.options.lifted { try $1(&$0.inheritance) }
    }

    var bundle = "."
    var config = "config.json"
    var keepsKeyring = false
    var inheritance = Inheritance()

    func options(_ globals: Globals) -> CreateOptions {
        var options = CreateOptions()
        options.bundle = bundle
        options.config = config
        options.cgroups = globals.cgroups
        options.hasKeyring = !keepsKeyring
        options.preservedDescriptors = inheritance.total
        options.environment = inheritance.environment
        options.consoleSocket = inheritance.consoleSocket
        options.pidFile = inheritance.pidFile
        options.pidfdSocket = inheritance.pidfdSocket
        return options
    }
}

struct Create: Command {
    static let name: StaticString = "create"
    static let summary: StaticString = "set up a container whose program waits for start"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] { Creation.options.lifted { try $1(&$0.creation) } }
    var creation = Creation()

    mutating func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try Inheritance.seal()
        try creation.inheritance.closeOthers()
        let id = try RuntimeID(arguments[0])
        let created = try globals.directory().create(id, creation.options(globals))
        for warning in created.warnings { globals.log(warning, level: "warning") }
        return 0
    }
}

struct Start: Command {
    static let name: StaticString = "start"
    static let summary: StaticString = "let the program of a created container run"
    static let operands: Operands = "CONTAINER"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try globals.directory().container(RuntimeID(arguments[0]), locked: true).start()
        return 0
    }
}
