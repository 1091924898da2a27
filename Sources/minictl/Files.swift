// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux
import OCI

struct Diff: Command {
    static let name: StaticString = "diff"
    static let summary: StaticString = "list what a container added (A), changed (C) and deleted (D)"
    static let operands: Operands = "CONTAINER"
    static let examples = [Example("minictl diff web", "what it has written since it was made")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let changes = try home.container(named: arguments.first ?? "").changes(in: home)
        try Output.standard.write(changes.map { "\($0.kind.rawValue) \(escapeVisible($0.path))\n" }.joined())
        return 0
    }
}

struct Export: Command {
    static let name: StaticString = "export"
    static let summary: StaticString = "write a container's files as a tar"
    static let operands: Operands = "CONTAINER"
    static let examples = [Example("minictl export web | minictl import - web:snapshot", "an image of one layer")]
    static var options: [CommandOption<Self>] { [.text("-o, --output FILE", "into a file instead of standard output") { $0.file = $1 }] }

    var file: String?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let container = try home.container(named: arguments.first ?? "")
        if file == nil, Output.standard.isTerminal { throw UsageError("a tar is not for a terminal; use -o FILE, or send it into a pipe") }
        let line = ProgressLine("exporting \(container.name)")
        defer { line.end() }
        try container.export(to: Self.open(file), in: home, meter: line.meter)
        return 0
    }

    private static func open(_ file: String?) throws(EngineError) -> FileDescriptor {
        do throws(SystemError) {
            guard let file else { return try FileDescriptor.standardOutput() }
            return try FileDescriptor(opening: file, [.writeOnly, .create, .truncate], mode: 0o600)
        } catch {
            throw .system(doing: "write the tar", error)
        }
    }
}

struct Commit: Command {
    static let name: StaticString = "commit"
    static let summary: StaticString = "make an image of a container and what it wrote"
    static let operands: Operands = "CONTAINER [NAME[:TAG]]"
    static let examples = [Example("minictl commit -m fixed -c 'CMD [\"serve\"]' web web:2", "with a comment, and another command to run")]

    static var options: [CommandOption<Self>] {
        [
            .text("-a, --author TEXT", "who made it") { $0.request.author = $1 },
            .text("-m, --message TEXT", "a comment") { $0.request.comment = $1 },
            .text("-c, --change INSTRUCTION", "how containers run, as in a Dockerfile: CMD, ENTRYPOINT, ENV, …; may be repeated") {
                $0.changes.append($1)
            },
            .flag("--no-pause", "the same as --pause=false", hidden: true) { $0.request.pauses = !$1 },
            .flag("-p, --pause", "let a running container stand still meanwhile (default true)") { $0.request.pauses = $1 },
        ]
    }

    var request = CommitRequest()
    var changes: [String] = []

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var request = request
        if arguments.count > 1 { request.reference = try Reference(arguments[1]) }
        var checked = ImageChanges()
        for change in changes { try checked.add(change) }
        let home = try globals.home()
        try home.sweep()
        let line = ProgressLine("committing \(arguments.first ?? "")")
        defer { line.end() }
        let id = try home.commit(arguments.first ?? "", request, meter: line.meter) { config throws(EngineError) in
            var changed = ImageChanges(config)
            do throws(UsageError) { for change in changes { try changed.add(change) } } catch { throw .refused(error.message) }
            return changed.config
        }
        line.end()
        try Output.standard.write("\(id)\n")
        return 0
    }
}
