// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// The tar of a tree on the disk, made as it is read.
///
/// The tree may be changed by somebody hostile meanwhile. Everything is opened below one directory and no link is followed, so nothing
/// outside is read; what vanishes, and what is neither file, directory, link nor FIFO, is left out.
package final class TreeTar: ByteSource {
    /// How a tree is told in an archive.
    package struct Style: Sendable {
        /// In place of the name of what is archived; nil for its contents alone, under `./`.
        package var name: [UInt8]?
        /// From the ids on the disk to those in the archive; empty for the same.
        package var users: [IDRange] = []
        package var groups: [IDRange] = []
        /// For a layer: what overlayfs notes about names that are gone becomes whiteouts (image-spec, "Whiteouts").
        package var isLayer = false
        /// Goes into what is mounted below. Else a mount point is an empty directory, or nothing.
        package var crossesMounts = false
        /// Tells where files have holes. Not in a layer, which docker and podman could unpack and never put together again, and not in what
        /// may be imported as one.
        package var tellsHoles = false

        package init() {}
    }

    private struct Pending {
        /// Relative to the root, with a NUL at its end.
        let path: [CChar]
    }

    package var meter: ByteMeter?
    private let root: FileDescriptor
    private let style: Style
    private let inside: ResolveFlags
    /// Whether one name of the root was asked for.
    private let isSingle: Bool
    private var pending: [Pending] = []
    /// The first name of each file that has several.
    private var names: [FileKey: [UInt8]] = [:]
    /// The file that is being copied, and what follows it.
    private var contents: TarContents?
    private var padding = 0
    private var out: [UInt8] = []
    private var isFinished = false
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)

    private struct FileKey: Hashable {
        let device: UInt
        let inode: UInt
    }

    /// - Parameters:
    ///   - root: the directory to read.
    ///   - child: of what is in it, this one alone; of any bytes but `/`.
    package init(of root: consuming FileDescriptor, only child: [CChar]? = nil, _ style: Style) throws(ImageError) {
        self.root = root
        self.style = style
        var inside: ResolveFlags = [.beneath, .noSymlinks, .noMagicLinks]
        if !style.crossesMounts { inside.insert(.noCrossing) }
        self.inside = inside
        let dot: [CChar] = [CChar(UInt8(ascii: ".")), 0]
        isSingle = child != nil
        pending = [Pending(path: child ?? dot)]
    }

    deinit { buffer.deallocate() }

    /// Writes all of it to a descriptor. In a file, holes become holes again.
    package func write(to target: borrowing FileDescriptor) throws(ImageError) {
        var leavesHoles = true
        while true {
            if leavesHoles, out.isEmpty, let contents, let count = contents.zeros(), count > 1 << 16 {
                leavesHoles = try attempt { () throws(SystemError) in try target.leaveHole(count) }
                if leavesHoles { contents.skip(count) }
            }
            let piece = try next()
            if piece.isEmpty { return }
            try attempt { () throws(SystemError) in try target.write(piece) }
        }
    }

    func next() throws(ImageError) -> UnsafeRawBufferPointer {
        while true {
            if !out.isEmpty {
                let count = min(out.count, buffer.count)
                buffer.copyBytes(from: out[..<count])
                out.removeFirst(count)
                return UnsafeRawBufferPointer(rebasing: buffer[..<count])
            }
            if let contents {
                let count = try attempt { () throws(SystemError) in try contents.next(into: buffer) }
                meter?.pass(count)
                if count > 0 { return UnsafeRawBufferPointer(rebasing: buffer[..<count]) }
                out = [UInt8](repeating: 0, count: padding)
                self.contents = nil
                continue
            }
            guard let entry = pending.popLast() else {
                if isFinished { return UnsafeRawBufferPointer(start: nil, count: 0) }
                // Two empty blocks end a tar.
                isFinished = true
                out = [UInt8](repeating: 0, count: 1024)
                continue
            }
            do throws(SystemError) {
                try start(entry)
            } catch  where [ENOENT, ENOTDIR, ELOOP, EXDEV, ESTALE].contains(error.errno) {
                // Gone, or something else by now.
            } catch {
                throw .system(error)
            }
        }
    }

    private func start(_ entry: Pending) throws(SystemError) {
        guard let status = try status(of: entry) else { return }
        let name = entry.path.split(separator: CChar(UInt8(ascii: "/"))).last.map { Array($0) } ?? entry.path
        if style.isLayer {
            if status.kind == .character, status.rawDevice == 0 {
                out += whiteout(of: entry.path)
                return
            }
            // A file of the container's that looks like a whiteout would become one.
            if Whiteout.marks(name) { return }
        }
        switch status.kind {
        case .directory: try startDirectory(entry, status)
        case .regular: try startFile(entry)
        case .symlink:
            var header = header(entry, .symlink, status)
            header.target = try readLink(entry)
            out += header.bytes
        case .fifo: out += header(entry, .fifo, status).bytes
        case .socket, .character, .block: return
        }
    }

    private func status(of entry: Pending) throws(SystemError) -> FileStatus? {
        let (folder, name) = entry.path.parts
        let directory = try open(folder)
        return try directory.place.status(of: name)
    }

    private func readLink(_ entry: Pending) throws(SystemError) -> [UInt8] {
        let (folder, name) = entry.path.parts
        let directory = try open(folder)
        return try directory.place.readLink(name)
    }

    private func open(_ folder: [CChar]) throws(SystemError) -> FileDescriptor {
        try root.place.resolve(folder, [.path, .directory], resolve: inside)
    }

    private func startDirectory(_ entry: Pending, _ status: FileStatus) throws(SystemError) {
        var header = header(entry, .directory, status)
        header.path.append(UInt8(ascii: "/"))
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try root.place.resolve(entry.path, [.directory, .nonBlocking], resolve: inside)
        } catch  where error.errno == EXDEV {
            // Something is mounted on it, and what it looks like is that's.
            header.mode = 0o755
            (header.owner, header.group, header.modified) = (0, 0, 0)
            out += header.bytes
            return
        }
        header.attributes = try directory.carriedAttributes()
        out += header.bytes
        if style.isLayer, try directory.attribute("trusted.overlay.opaque")?.first == UInt8(ascii: "y") {
            out += TarHeader(header.path + Array(".wh..wh..opq".utf8), .regular, mode: 0o644).bytes
        }
        for name in try directory.names().sorted(by: { $1.lexicographicallyPrecedes($0) }) {
            let path = entry.path.isDot ? name : entry.path.dropLast() + [CChar(UInt8(ascii: "/"))] + name
            // The kernel resolves no longer ones, here or anywhere.
            if path.count <= Int(PATH_MAX) { pending.append(Pending(path: path)) }
        }
    }

    private func startFile(_ entry: Pending) throws(SystemError) {
        let file = try root.place.resolve(entry.path, [.noFollow, .nonBlocking], resolve: inside)
        let status = try file.status()
        guard status.kind == .regular else { return }
        var header = header(entry, .regular, status)
        if status.links > 1 {
            let key = FileKey(device: UInt(status.device), inode: UInt(status.inode))
            if let first = names[key] {
                header.kind = .hardLink
                header.target = first
                out += header.bytes
                return
            }
            names[key] = header.path
        }
        header.attributes = try file.carriedAttributes()
        let contents = TarContents(consume file, status, tellsHoles: style.tellsHoles)
        let map = contents.tell(&header)
        out += header.bytes + map
        padding = TarHeader.padding(after: header.size)
        self.contents = contents
    }
}

// MARK: - Headers

extension TreeTar {
    private func header(_ entry: Pending, _ kind: TarHeader.Kind, _ status: FileStatus) -> TarHeader {
        var header = TarHeader(name(of: entry.path), kind, mode: status.permissions)
        header.owner = style.users.mapped(status.owner)
        header.group = style.groups.mapped(status.group)
        header.modified = status.modifiedSeconds
        return header
    }

    /// The name in the archive.
    private func name(of path: [CChar]) -> [UInt8] {
        let bytes = path.dropLast().map(UInt8.init(bitPattern:))
        guard let name = style.name else { return bytes }
        if path.isDot { return name }
        // What was asked for by its own name has that replaced, else all is below the given name.
        let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
        if isSingle { return name + (slash.map { Array(bytes[$0...]) } ?? []) }
        return name + [UInt8(ascii: "/")] + bytes
    }

    private func whiteout(of path: [CChar]) -> [UInt8] {
        let bytes = name(of: path)
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        return TarHeader(bytes[..<start] + Array(".wh.".utf8) + bytes[start...], .regular, mode: 0o644).bytes
    }
}

extension [IDRange] {
    /// The container's id for one of the host's; nobody's where it has none. Without ranges, the same.
    fileprivate func mapped(_ id: UInt32) -> UInt32 {
        if isEmpty { return id }
        for range in self where id >= range.host && id - range.host < range.size { return range.container &+ (id - range.host) }
        return 65534
    }
}

extension [CChar] {
    fileprivate var isDot: Bool { self == [CChar(UInt8(ascii: ".")), 0] }
}
