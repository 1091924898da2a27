// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Takes a tree out of a tar and puts it among files that are there already.
///
/// Archive and place may both be hostile, and the place may change meanwhile. Every directory is resolved by the kernel below one that is held
/// open; a new file is made under a name that was free, and what it gets, it gets through its own descriptor.
package final class TreeExtractor {
    /// What is kept of the tree.
    package struct Style: Sendable {
        /// Whether owners are the archive's; else they are whoever extracts.
        package var keepsOwners = false
        /// Whether set-id bits and extended attributes are kept.
        package var keepsPrivileges = false

        package init() {}
    }

    /// What becomes of the first part of each name.
    enum Top {
        case kept
        case renamed([CChar])
        /// Left out: the contents of a directory go to the root itself.
        case dropped
    }

    private let reader: TarReader
    private var first: LayerEntry?
    private var hasBegun = false
    private let style: Style
    private var root: FileDescriptor
    private var top = Top.kept
    private var directoryTimes: [(path: [CChar], time: FileTime)] = []
    /// FIFOs, devices and sockets, which are not made.
    private(set) var skipped = 0

    /// - Parameters:
    ///   - archive: plain tar; kept open by the caller.
    ///   - root: a directory that nothing leads out of.
    init(from archive: borrowing FileDescriptor, _ style: Style, meter: ByteMeter? = nil) throws(ImageError) {
        reader = try TarReader(DescriptorSource(archive, hashing: false, meter: meter), isLayer: false, budget: Budget())
        self.style = style
        root = try attempt { () throws(SystemError) in try FileDescriptor(opening: "/", [.path, .directory]) }
    }

    /// Whether the first entry is a directory; nil for an archive without entries.
    func beginsWithDirectory() throws(ImageError) -> Bool? {
        if !hasBegun {
            first = try reader.next()
            hasBegun = true
        }
        guard let first else { return nil }
        if case .directory = first.kind { return true }
        return false
    }

    /// Puts all of it into a directory that nothing leads out of.
    func extract(into root: consuming FileDescriptor, top: Top) throws(ImageError) {
        self.root = root
        self.top = top
        guard try beginsWithDirectory() != nil else { return }
        var next = first
        first = nil
        while let entry = next {
            if let path = placed(entry.path) {
                do throws(ImageError) { try write(entry, at: path) } catch .system(let error) {
                    throw .system(error.about(entry.path.description))
                }
            }
            next = try reader.next()
        }
        try attempt { () throws(SystemError) in
            for (path, time) in directoryTimes.reversed() {
                do throws(SystemError) { try open(path).setTimes(time) } catch  where error.errno == ENOENT || error.errno == ENOTDIR {}
            }
        }
    }

    private static let inside: ResolveFlags = [.beneath, .noSymlinks, .noMagicLinks]

    /// Where an entry goes, relative to the root; nil for one that goes nowhere.
    private func placed(_ path: LayerPath) -> [CChar]? {
        let slash = CChar(UInt8(ascii: "/"))
        var parts = path.isRoot ? [] : path.full.dropLast().split(separator: slash).map { Array($0) }
        switch top {
        case .kept: break
        case .dropped: if !parts.isEmpty { parts.removeFirst() }
        case .renamed(let name): if parts.isEmpty { parts = [Array(name.dropLast())] } else { parts[0] = Array(name.dropLast()) }
        }
        if parts.isEmpty { return nil }
        return parts.joined(separator: [slash]) + [0]
    }

    private func write(_ entry: LayerEntry, at path: [CChar]) throws(ImageError) {
        let (folder, name) = path.parts
        let directory = try attempt { () throws(SystemError) in try enter(folder) }
        let place = directory.place
        let before = try attempt { () throws(SystemError) in try place.status(of: name) }
        if case .directory = entry.kind {
            guard before == nil || before?.kind == .directory else {
                throw .invalid(name.text, why: "a directory cannot replace what is no directory")
            }
        } else {
            guard before?.kind != .directory else {
                throw .invalid(name.text, why: "a directory is there, and cannot be replaced by what is none")
            }
        }
        switch entry.kind {
        case .directory: try attempt { () throws(SystemError) in try writeDirectory(entry, name, in: place, isNew: before == nil, path) }
        case .regular: try writeFile(entry, name, in: place)
        case .symlink(let link):
            try attempt { () throws(SystemError) in
                try place.unlink(name)
                try place.makeLink(name, target: link)
                if style.keepsOwners { try place.setOwner(of: name, entry.owner, entry.group) }
                try place.setTimes(of: name, entry.modified)
            }
        case .hardLink(let other):
            guard let source = placed(other) else { throw .invalid(name.text, why: "is a link to nothing") }
            try attempt { () throws(SystemError) in
                let (folder, original) = source.parts
                let from = try root.place.resolve(folder, [.path, .directory], resolve: Self.inside)
                try place.unlink(name)
                try from.place.link(original, to: place, name)
            }
        // A reader of a FIFO would wait for ever.
        case .fifo, .node: skipped += 1
        }
    }

    private func writeDirectory(_ entry: LayerEntry, _ name: [CChar], in place: Place, isNew: Bool, _ path: [CChar]) throws(SystemError) {
        if isNew { try place.makeDirectory(name) }
        let made = try place.open(name, [.directory, .noFollow])
        try apply(entry, to: made)
        directoryTimes.append((path, entry.modified))
    }

    private func writeFile(_ entry: LayerEntry, _ name: [CChar], in place: Place) throws(ImageError) {
        let file = try attempt { () throws(SystemError) in
            try place.unlink(name)
            return try place.open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        }
        var end: Int64 = 0
        try reader.forEachPiece { (piece, offset) throws(ImageError) in
            end = max(end, try attempt { () throws(SystemError) in try file.writeLeavingHoles(piece, at: offset) })
        }
        try attempt { () throws(SystemError) in
            if end < entry.size { try file.setSize(entry.size) }
            try apply(entry, to: file)
            try file.setTimes(entry.modified)
        }
    }

    /// Owner first, as changing it clears set-id bits.
    private func apply(_ entry: LayerEntry, to file: borrowing FileDescriptor) throws(SystemError) {
        if style.keepsOwners { try file.setOwner(entry.owner, entry.group) }
        try file.setPermissions(style.keepsPrivileges ? entry.permissions : entry.permissions & 0o1777)
        guard style.keepsPrivileges else { return }
        for (name, value) in entry.attributes {
            // What this file system or this caller cannot have is left out.
            value.withUnsafeBytes { bytes in try? file.setAttribute(name, bytes) }
        }
    }

    private func open(_ path: [CChar]) throws(SystemError) -> FileDescriptor {
        try root.place.resolve(path, [.directory], resolve: Self.inside)
    }

    /// The directory that entries go to, made where it is missing.
    private func enter(_ path: [CChar]) throws(SystemError) -> FileDescriptor {
        do throws(SystemError) { return try open(path) } catch  where error.errno == ENOENT {}
        let slash = CChar(UInt8(ascii: "/"))
        for end in path.indices where (path[end] == slash || path[end] == 0) && end > 0 {
            let prefix = path[..<end] + [0]
            do throws(SystemError) { _ = try open(Array(prefix)) } catch  where error.errno == ENOENT {
                let (folder, name) = Array(prefix).parts
                let parent = try open(folder)
                try parent.place.makeDirectory(name, mode: 0o755)
            }
        }
        return try open(path)
    }
}
