// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Images
import Linux
import OCI

struct Import: Command {
    static let name: StaticString = "import"
    static let summary: StaticString = "make an image from a tar of a root file system"
    static let operands: Operands = "FILE|- [NAME[:TAG]]"
    static let examples = [
        Example("minictl import rootfs.tar.zst debian:12", "plain, gzip, zstd, xz or bzip2"),
        Example(
            "tar -C root -c . | minictl import - debian:12 -c 'CMD [\"bash\"]'", "from a pipe, with a command to run"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("-c, --change INSTRUCTION", "how containers run, as in a Dockerfile: CMD, ENTRYPOINT, ENV, …; may be repeated") {
                try $0.changes.add($1)
            },
            .text("-m, --message TEXT", "a comment") { $0.message = $1 },
            .text("--platform OS[/ARCH[/VARIANT]]", "what it is for: this machine, or it is an error") {
                try Platform.check($1)
            },
        ]
    }

    var changes = ImageChanges()
    var message: String?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let path = arguments.first ?? ""
        let reference = arguments.count > 1 ? try Reference(arguments[1]) : nil
        if path.hasPrefix("http://") || path.hasPrefix("https://") {
            throw UsageError("this program fetches nothing: use curl \(path) | minictl import - NAME")
        }
        let home = try globals.home()
        let archive = try Self.open(path)
        let config = changes.config
        let comment = message ?? "imported"
        let line = ProgressLine("importing \(path)", total: try? archive.status().size)
        defer { line.end() }
        let image = try home.withImages { (store) throws(ImageError) in
            try store.importRootFileSystem(
                from: archive, as: reference, config: config, comment: comment, meter: line.meter, progress: Progress().show)
        }
        line.end()
        home.tellImage("import", image.id, reference)
        try Output.standard.write("\(image.id)\n")
        return 0
    }
}

extension Import {
    private static func open(_ path: String) throws(EngineError) -> FileDescriptor {
        do throws(SystemError) {
            guard path != "-" else { return try FileDescriptor.standardInput() }
            let file = try FileDescriptor(opening: path)
            guard try file.status().kind != .directory else { throw SystemError(call: "open", subject: path, errno: EISDIR) }
            return file
        } catch {
            throw .system(doing: "read \(path)", error)
        }
    }
}

struct Rmi: Command {
    static let name: StaticString = "rmi"
    static let summary: StaticString = "remove images, or names of them"
    static let operands: Operands = "IMAGE [IMAGE...]"
    static let examples = [Example("minictl rmi web:1", "the name, and with its last name the image")]

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "although a container runs on it, and with all its names") { $0.isForced = $1 },
            .text("--platform OS[/ARCH[/VARIANT]]", "docker's; an image here is for this machine alone", hidden: true) {
                try Platform.check($1)
            },
            .flag("--no-prune", "docker's; there are no untagged parents here", hidden: true) { _, _ in },
        ]
    }

    var isForced = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try Each.of(arguments, prints: false) {
            do {
                try home.removeImage($0, force: isForced).write()
            } catch let error as EngineError where isForced && error.isAbsence {
                // Who insists wants it gone, and it is: said, but no failure, as with docker.
                Each().note(error)
            }
        }
    }
}

extension [Removal] {
    func write() throws(SystemError) {
        for removal in self {
            switch removal {
            case .untagged(let name): try Output.standard.write("Untagged: \(escapeVisible(name))\n")
            case .deleted(let digest): try Output.standard.write("Deleted: \(digest)\n")
            }
        }
    }
}

struct Tag: Command {
    static let name: StaticString = "tag"
    static let summary: StaticString = "give an image one more name"
    static let operands: Operands = "IMAGE NAME[:TAG]"
    static let examples = [Example("minictl tag web:2 web:stable", "both names are the same image")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let target = try Reference(arguments.count > 1 ? arguments[1] : "")
        let home = try globals.home()
        let id = try home.withImages { (store) throws(ImageError) in
            try store.tag(arguments.first ?? "", target)
            return try store.image(named: target.familiar).id
        }
        home.tellImage("tag", id, target)
        return 0
    }
}

struct Assemble: Command {
    static let name: StaticString = "assemble"
    static let summary: StaticString = "make an image of this machine's own programs, with the libraries they need"
    static let operands: Operands = "NAME[:TAG] [COMMAND...]"
    static let examples = [
        Example("minictl image assemble tools --command curl --file /etc/ssl/certs", "an image with curl in it")
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("--command COMMAND", "a program by name or path, with its libraries; may be repeated, the first is what containers run") {
                $0.commands.append($1)
            },
            .text("--file PATH", "a file, or a directory with all it holds; may be repeated") { $0.files.append($1) },
            .text("--recipe FILE", "all of that as JSON, as in images/base.json") { $0.recipe = $1 },
        ]
    }

    var commands: [String] = []
    var files: [String] = []
    var recipe: String?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let reference = try Reference(arguments.first ?? "")
        let commands = commands + arguments.dropFirst()
        var recipe = Recipe(commands: commands, files: files)
        if let path = self.recipe {
            guard commands.isEmpty, files.isEmpty else {
                throw UsageError("with --recipe there are no --command and --file: write them into \(path)")
            }
            let bytes: [UInt8]
            do throws(SystemError) { bytes = try FileDescriptor(opening: path).readAll(limit: 4 << 20) } catch {
                throw EngineError.system(doing: "read the recipe", error)
            }
            recipe = try Recipe(json: bytes)
        } else if commands.isEmpty, files.isEmpty {
            throw UsageError("there is nothing to put into it: name programs with --command, files with --file")
        }
        let home = try globals.home()
        let image = try home.withImages { (store) throws(ImageError) in try store.assemble(reference, recipe, progress: Progress().show) }
        home.tellImage("import", image.id, reference)
        try Output.standard.write("\(image.id)\n")
        return 0
    }
}
