// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Writes a layer's entries below one directory, in the form that overlayfs wants of a lower directory.
///
/// The layer is hostile. Parents are resolved by the kernel with that directory as `/`, so a link may be followed but never out of it;
/// whatever bears an entry's name is removed first; owners, modes and times go through the descriptor of what was just created.
/// The directory is private to this process while the writer works.
final class TreeWriter {
    private let root: FileDescriptor
    /// Where a directory goes that must make room; on the same file system as `root`, and outside it.
    private let staging: Place
    private let budget: Budget
    private var entries = 0
    private var bytes: Int64 = 0
    /// The directory that the entry before lay in: most entries lie in the same.
    private var parentPath: [CChar] = []
    private var parent: FileDescriptor
    /// Directories get their times last, as each name made in them changes it.
    private var directoryTimes: [(path: LayerPath, time: FileTime)] = []
    /// How many device nodes, sockets and extended attributes were left out.
    private(set) var skipped = 0

    init(at root: consuming FileDescriptor, staging: Place, budget: Budget) throws(ImageError) {
        let first = try root.again()
        self.root = root
        parent = first
        self.staging = staging
        self.budget = budget
    }

    func write(_ entry: LayerEntry, from reader: TarReader) throws(ImageError) {
        entries += 1
        guard entries <= budget.entries else { throw .invalid("layer", why: "more than \(budget.entries) entries") }
        // A size is whatever the archive says, and a sum of two may be more than a number holds.
        guard entry.size <= budget.bytes - bytes else {
            throw .invalid("layer", why: "its files are larger than \(budget.bytes >> 30) GiB")
        }
        bytes += entry.size
        if entry.path.isForeign { return }
        do throws(ImageError) {
            if let whiteout = try Whiteout(entry.path.name) {
                try write(whiteout, at: entry.path)
            } else if entry.path.isRoot {
                guard case .directory = entry.kind else { throw .invalid("layer", why: "its root is not a directory") }
                try apply(entry, to: root)
                directoryTimes.append((entry.path, entry.modified))
            } else {
                try writeFile(entry, from: reader)
            }
        } catch .system(let error) {
            guard error.blamesMachine else { throw .invalid("layer entry \(entry.path)", why: "\(error.call): \(error.reason)") }
            throw .system(error.about("\(entry.path) of the layer"))
        }
    }

    /// Sets the times of directories. Nothing may be written after.
    func finish() throws(ImageError) {
        try attempt { () throws(SystemError) in
            for (path, time) in directoryTimes {
                do throws(SystemError) {
                    try root.place.resolve(path.full, [.directory, .noFollow], resolve: Self.inside).setTimes(time)
                } catch  where error.errno == ENOENT || error.errno == ENOTDIR || error.errno == ELOOP {
                    // A later entry has replaced it.
                }
            }
        }
    }
}

extension TreeWriter {
    private static let inside: ResolveFlags = [.inRoot, .noMagicLinks, .noCrossing]

    private func writeFile(_ entry: LayerEntry, from reader: TarReader) throws(ImageError) {
        let place = try enter(entry.path.parent)
        let name = entry.path.name
        let before = try attempt { () throws(SystemError) in try place.status(of: name) }
        switch entry.kind {
        case .directory: try writeDirectory(entry, in: place, replacing: before)
        case .hardLink(let target): try writeHardLink(name, in: place, to: target, replacing: before)
        case .regular:
            try remove(name, before, in: place)
            try writeRegular(entry, in: place, from: reader)
        case .symlink(let target):
            try remove(name, before, in: place)
            try attempt { () throws(SystemError) in
                try place.makeLink(name, target: target)
                try place.setOwner(of: name, entry.owner, entry.group)
                try place.setTimes(of: name, entry.modified)
            }
        case .fifo:
            try remove(name, before, in: place)
            try attempt { () throws(SystemError) in
                try place.makeNode(name, mode: S_IFIFO | 0o600)
                try place.setOwner(of: name, entry.owner, entry.group)
                try place.setPermissions(of: name, entry.permissions)
                try place.setTimes(of: name, entry.modified)
            }
        case .node: skipped += 1
        }
    }

    private func writeDirectory(_ entry: LayerEntry, in place: Place, replacing before: FileStatus?) throws(ImageError) {
        let name = entry.path.name
        if before?.kind != .directory {
            try remove(name, before, in: place)
            try attempt { () throws(SystemError) in try place.makeDirectory(name) }
        }
        let directory = try attempt { () throws(SystemError) in try place.open(name, [.directory, .noFollow]) }
        // The layer first hid the name, then gave it anew: the directories below must not show through.
        if before?.kind == .character { try makeOpaque(directory) }
        try apply(entry, to: directory)
        directoryTimes.append((entry.path, entry.modified))
    }

    private func writeRegular(_ entry: LayerEntry, in place: Place, from reader: TarReader) throws(ImageError) {
        let file = try attempt { () throws(SystemError) in
            try place.open(entry.path.name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        }
        var end: Int64 = 0
        try reader.forEachPiece { (piece, offset) throws(ImageError) in
            end = max(end, try attempt { () throws(SystemError) in try file.writeLeavingHoles(piece, at: offset) })
        }
        if end < entry.size { try attempt { () throws(SystemError) in try file.setSize(entry.size) } }
        try apply(entry, to: file)
        try attempt { () throws(SystemError) in try file.setTimes(entry.modified) }
    }

    private func writeHardLink(
        _ name: [CChar], in place: Place, to target: LayerPath, replacing before: FileStatus?
    ) throws(ImageError) {
        let source = try attempt { () throws(SystemError) in
            try root.place.resolve(target.parent, [.path, .directory], resolve: Self.inside)
        }
        guard let found = try attempt({ () throws(SystemError) in try source.place.status(of: target.name) }) else {
            throw .invalid("layer", why: "hard link to \(target), which is not there")
        }
        guard found.kind != .directory, found.kind != .character else {
            throw .invalid("layer", why: "hard link to \(target), which is not a file")
        }
        // A link to itself: removing the old name would remove the target.
        if let before, before.inode == found.inode, before.device == found.device { return }
        try remove(name, before, in: place)
        try attempt { () throws(SystemError) in try source.place.link(target.name, to: place, name) }
    }

    private func write(_ whiteout: Whiteout, at path: LayerPath) throws(ImageError) {
        let place = try enter(path.parent)
        switch whiteout {
        case .foreign: return
        case .opaque: try makeOpaque(parent)
        case .hides(let name):
            // Only names of the layers below are hidden; what this layer has under that name stays.
            switch try attempt({ () throws(SystemError) in try place.status(of: name) })?.kind {
            case nil: try attempt { () throws(SystemError) in try place.makeNode(name, mode: S_IFCHR) }
            case .directory:
                try makeOpaque(try attempt { () throws(SystemError) in try place.open(name, [.directory, .noFollow]) })
            default: return
            }
        }
    }

    private func makeOpaque(_ directory: borrowing FileDescriptor) throws(ImageError) {
        try setAttribute("trusted.overlay.opaque", [UInt8(ascii: "y")], of: directory)
    }

    private func setAttribute(
        _ name: UnsafePointer<CChar>, _ value: [UInt8], of file: borrowing FileDescriptor
    ) throws(ImageError) {
        let result = value.withUnsafeBytes { bytes in
            Result { () throws(SystemError) in try file.setAttribute(name, bytes) }
        }
        try attempt { () throws(SystemError) in try result.get() }
    }

    /// Owner first, as changing it clears set-id bits and capabilities.
    private func apply(_ entry: LayerEntry, to file: borrowing FileDescriptor) throws(ImageError) {
        try attempt { () throws(SystemError) in
            try file.setOwner(entry.owner, entry.group)
            try file.setPermissions(entry.permissions)
        }
        for (name, value) in entry.attributes {
            guard FileDescriptor.isCarried(name) else {
                skipped += 1
                continue
            }
            do throws(ImageError) {
                try setAttribute(name, value, of: file)
            } catch .system(let error) where error.errno == ENOTSUP {
                skipped += 1
            }
        }
    }

    /// Makes room for an entry.
    private func remove(_ name: [CChar], _ before: FileStatus?, in place: Place) throws(ImageError) {
        guard let before else { return }
        parentPath = []  // It may have led through that name.
        try attempt { () throws(SystemError) in
            guard before.kind == .directory else { return try place.unlink(name) }
            // Under a name of ours, since this one may be of any bytes.
            try place.rename(name, to: staging, "old")
            try Directory.removeAll("old", at: staging)
        }
    }

    /// The directory that entries of that parent go to, made where it is missing.
    private func enter(_ path: [CChar]) throws(ImageError) -> Place {
        if path == parentPath { return parent.place }
        parent = try attempt { () throws(SystemError) in
            do throws(SystemError) {
                return try root.place.resolve(path, .directory, resolve: Self.inside)
            } catch  where error.errno == ENOENT {
                return try makeParents(path)
            }
        }
        parentPath = path
        return parent.place
    }

    private func makeParents(_ path: [CChar]) throws(SystemError) -> FileDescriptor {
        var current = try root.duplicate()
        for end in path.indices where path[end] == CChar(UInt8(ascii: "/")) || path[end] == 0 {
            let prefix = Array(path[..<end])
            do throws(SystemError) {
                current = try root.place.resolve(prefix + [0], .directory, resolve: Self.inside)
            } catch  where error.errno == ENOENT {
                let start = prefix.lastIndex(of: CChar(UInt8(ascii: "/"))).map { $0 + 1 } ?? 0
                let name = Array(prefix[start...]) + [0]
                try current.place.makeDirectory(name, mode: 0o755)
                current = try current.place.open(name, [.directory, .noFollow])
                try current.setPermissions(0o755)
            }
        }
        return current
    }
}

extension FileDescriptor {
    fileprivate borrowing func again() throws(ImageError) -> FileDescriptor {
        do throws(SystemError) {
            return try duplicate()
        } catch {
            throw .system(error)
        }
    }
}
