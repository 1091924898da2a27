// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import JSON
import Linux
import OCI

/// What the three verbs that inspect have in common.
struct InspectOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("-f, --format json|TEMPLATE", "one thing of it, for example '{{.State.Pid}}'") {
                $0.template = $1 == "json" || $1.isEmpty ? nil : try Template($1)
                $0.isCompact = $1 == "json"
            }
        ]
    }

    var template: Template?
    var isCompact = false

    /// Looks at each of `words` and prints a list of all that were found, or a line for each.
    func run(_ words: [String], _ look: (String) throws -> JSONValue) throws -> Int32 {
        var each = Each()
        var found: [JSONValue] = []
        for word in words {
            do {
                let value = try look(word)
                guard let template else {
                    found.append(value)
                    continue
                }
                try Output.standard.write(template.shown(value) + "\n")
            } catch let error as SystemError where error.isBrokenPipe { throw error } catch { each.failed(error) }
        }
        if template == nil {
            try Output.standard.write(json: JSONValue.array(found), isPretty: !isCompact)
        }
        return each.status
    }
}

extension Template {
    /// What a terminal is shown must not drive it.
    func shown(_ value: JSONValue) throws(UsageError) -> String {
        try text(of: Output.standard.isTerminal ? value.visible : value, isStrict: true)
    }
}

struct Inspect: Command {
    static let name: StaticString = "inspect"
    static let summary: StaticString = "show all that is known of containers, images, volumes or networks"
    static let operands: Operands = "NAME [NAME...]"
    static let examples = [
        Example("minictl inspect -f '{{.State.Pid}}' web", "the number of its first process"),
        Example("minictl inspect -f '{{json .Namespaces}}' web", "its namespaces, as the kernel tells of them"),
        Example("minictl inspect --as run web", "the command line that would make it again"),
    ]

    static var options: [CommandOption<Self>] {
        InspectOptions.options.lifted { try $1(&$0.inspect) } + [
            .flag("-s, --size", "of a container, with how much it has written") { $0.withSize = $1 },
            .text("--type container|image|volume|network", "look for nothing else") {
                guard let kind = ObjectKind(rawValue: $1) else { throw UsageError("'\($1)' is not container, image, volume or network") }
                $0.kind = kind
            },
            .text("--as json|run", "run: containers as the command line that would make them again") {
                guard $1 == "json" || $1 == "run" else { throw UsageError("'\($1)' is not json or run") }
                $0.asRun = $1 == "run"
            },
        ]
    }

    var inspect = InspectOptions()
    var withSize = false
    var kind: ObjectKind?
    var asRun = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        if asRun {
            let root = globals.root.map { ["--root", $0] } ?? []
            return try Each.of(arguments, prints: false) { word in
                let words = try ["minictl"] + root + ["run"] + home.container(named: word).request(in: home).words
                try Output.standard.write(words.map { shellQuoted($0, isShown: Output.standard.isTerminal) }.joined(separator: " ") + "\n")
            }
        }
        return try inspect.run(arguments) { try home.description(of: $0, as: kind, withSize: withSize) }
    }
}

struct ContainerInspect: Command {
    static let name: StaticString = "inspect"
    static let summary: StaticString = "show all that is known of containers"
    static let operands: Operands = "CONTAINER [CONTAINER...]"

    static var options: [CommandOption<Self>] {
        InspectOptions.options.lifted { try $1(&$0.inspect) } + [.flag("-s, --size", "with how much it has written") { $0.withSize = $1 }]
    }

    var inspect = InspectOptions()
    var withSize = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try inspect.run(arguments) { try home.description(of: $0, as: .container, withSize: withSize) }
    }
}

struct ImageInspect: Command {
    static let name: StaticString = "inspect"
    static let summary: StaticString = "show all that is known of images"
    static let operands: Operands = "IMAGE [IMAGE...]"
    static var options: [CommandOption<Self>] {
        InspectOptions.options.lifted { try $1(&$0.inspect) } + [
            .text("--platform OS[/ARCH[/VARIANT]]", "docker's; an image here is for this machine alone", hidden: true) {
                try Platform.check($1)
            }
        ]
    }

    var inspect = InspectOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        return try inspect.run(arguments) { try home.description(of: $0, as: .image) }
    }
}

struct VolumeInspect: Command {
    static let name: StaticString = "inspect"
    static let summary: StaticString = "show all that is known of volumes"
    static let operands: Operands = "VOLUME [VOLUME...]"
    static var options: [CommandOption<Self>] { InspectOptions.options.lifted { try $1(&$0.inspect) } }

    var inspect = InspectOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        return try inspect.run(arguments) { try home.description(of: $0, as: .volume) }
    }
}
