// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// One file of an image that is being put together.
enum ImageFile: Equatable {
    case directory(mode_t)
    case link(target: String)
    case text([UInt8], mode_t)
    /// A file of this machine, read when the image is written.
    case copy(of: String, mode_t, size: Int64, modified: Int64)
    /// Another name of a file that the image has already.
    case hardLink(to: String)
}

/// Gathers what a recipe asks for from this machine, and what that in turn needs, without running anything.
///
/// Directories that are links here are links in the image (a merged `/usr`, `lib64`); files that are links become files,
/// so that `/etc/alternatives` need not exist.
struct HostFiles {
    /// By absolute path. Every directory above a path is there too.
    private(set) var files: [String: ImageFile] = [:]
    /// The first path that each file got, by device and inode.
    private var firstPaths: [FileKey: String] = [:]
    private var pending: [String] = []
    private let libraries: LibrarySearch
    /// A program that names the kind of libraries wanted.
    private var sample: ELF?

    private struct FileKey: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    init(_ recipe: Recipe) throws(ImageError) {
        libraries = try attempt { () throws(SystemError) in try LibrarySearch() }
        try makePlain(recipe)
        for name in recipe.commands ?? [] { try addCommand(Ingredient(name)) }
        try addDependencies()
        for name in recipe.libraries ?? [] { try addLibrary(Ingredient(name)) }
        for name in recipe.terminals ?? [] { try addTerminal(Ingredient(name)) }
        for name in recipe.files ?? [] { try addFile(Ingredient(name)) }
        try addDependencies()
        for (path, lines) in recipe.texts ?? [:] {
            let home = try enter(parent(of: path)) + "/" + base(of: path)
            files[home] = .text(lines.flatMap { Array($0.utf8) + [0x0a] }, 0o644)
        }
    }

    /// What the recipe says outright; texts come last, as they stand in for files of the machine.
    private mutating func makePlain(_ recipe: Recipe) throws(ImageError) {
        for (path, text) in recipe.directories ?? [:] {
            guard let mode = mode_t(text, radix: 8), mode <= 0o7777 else {
                throw .invalid("recipe", why: "mode \(text) of \(path) is not an octal number")
            }
            let home = try enter(path)
            if !home.isEmpty { files[home] = .directory(mode) }
        }
        for (path, target) in recipe.links ?? [:] {
            let home = try enter(parent(of: path)) + "/" + base(of: path)
            files[home] = .link(target: target)
        }
    }

    private static let searchPath = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    private mutating func addCommand(_ command: Ingredient) throws(ImageError) {
        let candidates = command.name.contains("/") ? [command.name] : Self.searchPath.map { $0 + "/" + command.name }
        for path in candidates where access(path, X_OK) == 0 {
            if try add(path) { return }
        }
        guard command.isOptional else {
            throw .invalid("recipe", why: "this machine has no command \(command.name); write \(command.name)? if the image can do without")
        }
    }

    private mutating func addLibrary(_ library: Ingredient) throws(ImageError) {
        guard let sample else { throw .invalid("recipe", why: "has libraries but no program to load them") }
        if let path = try attempt({ () throws(SystemError) in try libraries.path(of: library.name, for: sample, at: "/") }) {
            _ = try add(path)
        } else if !library.isOptional {
            throw .invalid("recipe", why: "this machine has no library \(library.name)")
        }
    }

    private mutating func addTerminal(_ terminal: Ingredient) throws(ImageError) {
        guard let first = terminal.name.utf8.first, !terminal.name.contains("/") else {
            throw .invalid("recipe", why: "\(terminal.name) is no terminal type")
        }
        // One letter, or its code in hexadecimal where file names do not tell cases apart (term(5)).
        let folders = [String(decoding: [first], as: UTF8.self), String(first, radix: 16)]
        for top in ["/etc/terminfo", "/lib/terminfo", "/usr/lib/terminfo", "/usr/share/terminfo"] {
            for folder in folders where access("\(top)/\(folder)/\(terminal.name)", R_OK) == 0 {
                _ = try add("\(top)/\(folder)/\(terminal.name)")
                return
            }
        }
        guard terminal.isOptional else { throw .invalid("recipe", why: "this machine does not know the terminal \(terminal.name)") }
    }

    /// A file or a whole directory.
    private mutating func addFile(_ file: Ingredient) throws(ImageError) {
        guard file.name.isAbsolutePath else { throw .invalid("recipe", why: "\(file.name) is not an absolute path") }
        guard access(file.name, F_OK) == 0 else {
            if file.isOptional { return }
            throw .invalid("recipe", why: "this machine has no file \(file.name)")
        }
        var directories = [file.name]
        if try add(file.name) { return }
        // Never deeper than paths can be; links to directories are not followed.
        while let path = directories.popLast() {
            let home = try enter(path)
            let entries = try attempt { () throws(SystemError) in
                try FileDescriptor(opening: path, .directory).entries()
            }
            for entry in entries {
                let child = path + "/" + entry.name
                switch try attempt({ () throws(SystemError) in try Place.current.status(of: child) })?.kind {
                case .directory: directories.append(child)
                case .symlink:
                    let target = try attempt { () throws(SystemError) in try Place.current.readLink(child) }
                    files[home + "/" + entry.name] = .link(target: String(decoding: target, as: UTF8.self))
                case nil: continue
                default: _ = try add(child)
                }
            }
        }
    }
}

extension HostFiles {
    /// Adds the regular file behind a path under that path. False if it is none.
    private mutating func add(_ path: String) throws(ImageError) -> Bool {
        let status = try attempt { () throws(SystemError) in try FileStatus(of: path, followLinks: true) }
        guard status.kind == .regular else { return false }
        let home = try enter(parent(of: path)) + "/" + base(of: path)
        if files[home] != nil { return true }
        guard files.count < 100_000 else { throw .invalid("recipe", why: "asks for more than 100000 files") }
        let key = FileKey(device: status.device, inode: status.inode)
        if let first = firstPaths[key] {
            files[home] = .hardLink(to: first)
            return true
        }
        firstPaths[key] = home
        // Set-id programs keep that only for root, since other owners of this machine mean nothing in the image.
        let bits: mode_t = status.owner == 0 ? 0o4755 : 0o755
        files[home] = .copy(of: path, status.mode & bits, size: status.size, modified: FileTime(status.modified).seconds)
        pending.append(path)
        return true
    }

    /// Looks into every file added so far for what it needs to run.
    private mutating func addDependencies() throws(ImageError) {
        while let path = pending.popLast() {
            let (start, elf) = try look(into: path)
            if let elf {
                if sample == nil, elf.interpreter != nil { sample = elf }
                try addLibraries(of: elf, at: path)
            } else if start.starts(with: [0x23, 0x21]) {  // "#!"
                try addInterpreter(start)
            }
        }
    }

    private func look(into path: String) throws(ImageError) -> ([UInt8], ELF?) {
        try attempt { () throws(SystemError) in
            let file = try FileDescriptor(opening: path, .nonBlocking)
            if let elf = try ELF(file) { return ([], elf) }
            return (try file.read(atMost: 256), nil)
        }
    }

    private mutating func addLibraries(of elf: ELF, at path: String) throws(ImageError) {
        if let interpreter = elf.interpreter, try !add(interpreter) {
            throw .invalid("recipe", why: "\(path) needs the loader \(interpreter), which is not there")
        }
        // $ORIGIN is where the file really lies, not where a link to it does.
        let origin = parent(of: resolved(path))
        for name in elf.needed {
            guard let library = try attempt({ () throws(SystemError) in try libraries.path(of: name, for: elf, at: origin) }) else {
                throw .invalid("recipe", why: "\(path) needs the library \(name), which is not to be found")
            }
            _ = try add(library)
        }
    }

    private mutating func addInterpreter(_ start: [UInt8]) throws(ImageError) {
        let line = String(decoding: start.dropFirst(2).prefix { $0 != 0x0a }, as: UTF8.self)
        let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
        guard let interpreter = words.first else { return }
        try addCommand(Ingredient(interpreter))
        if base(of: interpreter) == "env", let program = words.dropFirst().first(where: { !$0.hasPrefix("-") && !$0.contains("=") }) {
            try addCommand(Ingredient(program))
        }
    }

    /// Adds a directory of this machine and those above it, links as links. Its path without links; empty for `/`.
    private mutating func enter(_ path: String) throws(ImageError) -> String {
        guard path.isEmpty || path.isAbsolutePath else { throw .invalid("recipe", why: "\(path) is not an absolute path") }
        var current = ""
        var rest = path.pathComponents
        var links = 0
        while !rest.isEmpty {
            let component = rest.removeFirst()
            if component == "." { continue }
            if component == ".." {
                current = parent(of: current)
                continue
            }
            let next = current + "/" + component
            if case .link(let target)? = try directory(next) {
                links += 1
                guard links <= 40 else { throw .invalid("recipe", why: "\(path) leads through too many links") }
                if target.isAbsolutePath { current = "" }
                rest = target.pathComponents + rest
            } else {
                current = next
            }
        }
        return current
    }

    /// What a path is in the image that must be a directory: as decided before, else as on this machine, else a new directory.
    private mutating func directory(_ path: String) throws(ImageError) -> ImageFile? {
        if let known = files[path] { return known }
        var file = ImageFile.directory(0o755)
        let status = try attempt { () throws(SystemError) in try Place.current.status(of: path) }
        if status?.kind == .symlink {
            let target = try attempt { () throws(SystemError) in try Place.current.readLink(path) }
            file = .link(target: String(decoding: target, as: UTF8.self))
        }
        files[path] = file
        return file
    }

    private func parent(of path: String) -> String {
        let (folder, _) = path.folderAndName
        return folder == "/" ? "" : folder
    }

    private func base(of path: String) -> String { path.folderAndName.name }

    /// The path without links; the path itself where that cannot be told.
    private func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }
}
