// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Copies a tree by descriptors: nothing outside `source` is read, nothing outside `target` is written, no link is followed.
package struct TreeCopy {
    private let source: Place
    private let target: Place
    /// Files with several names, by device and inode: where the first copy is.
    private var copied: [FileIdentity: [CChar]] = [:]

    private struct FileIdentity: Hashable {
        let device: dev_t
        let inode: ino_t
    }

    /// Copies what `source` holds into `target`: contents, owners, modes, times, links, and the extended attributes that belong to files
    /// rather than to a file system's own bookkeeping. Sockets and devices are left out.
    package static func contents(of source: borrowing FileDescriptor, into target: borrowing FileDescriptor) throws(SystemError) {
        var copy = TreeCopy(source: source.place, target: target.place)
        // Paths from the top, so that depth costs memory and neither stack nor descriptors.
        var pending: [[CChar]] = [Self.path([])]
        while let folder = pending.popLast() { pending += try copy.folder(folder) }
    }

    private init(source: Place, target: Place) {
        self.source = source
        self.target = target
    }

    /// Copies one folder's entries and gives back those that are folders themselves.
    private mutating func folder(_ path: [CChar]) throws(SystemError) -> [[CChar]] {
        let from = try source.resolve(path, [.directory], resolve: [.beneath, .noSymlinks])
        let to = try target.resolve(path, [.directory], resolve: [.beneath, .noSymlinks])
        var folders: [[CChar]] = []
        for name in try from.names() {
            let inner = Self.path(path.dropLast() + [CChar(UInt8(ascii: "/"))] + name.dropLast())
            if try entry(name, inner, from, to) == .directory { folders.append(inner) }
        }
        // Each name that was added has set it to now.
        try to.setTimes(FileTime(from.status().modified))
        return folders
    }

    private static func path(_ text: some Collection<CChar>) -> [CChar] { text.isEmpty ? [CChar(UInt8(ascii: ".")), 0] : text + [0] }

    private mutating func entry(
        _ name: [CChar], _ path: [CChar], _ from: borrowing FileDescriptor, _ to: borrowing FileDescriptor
    ) throws(SystemError) -> FileStatus.Kind {
        guard let status = try from.place.status(of: name) else { return .socket }  // gone meanwhile: nothing to copy
        switch status.kind {
        case .directory:
            try to.place.makeDirectory(name)
            try finish(to.place.open(name, [.directory, .noFollow]), like: from.place.open(name, [.directory, .noFollow]), status)
        case .regular: try file(name, path, status, from, to)
        case .symlink:
            let text = try from.place.readLink(name)
            try to.place.makeLink(name, target: text.map { CChar(bitPattern: $0) } + [0])
            try to.place.setOwner(of: name, status.owner, status.group)
        case .fifo:
            try to.place.makeNode(name, mode: status.mode)
            try to.place.setOwner(of: name, status.owner, status.group)
        case .socket, .character, .block: break
        }
        return status.kind
    }

    private mutating func file(
        _ name: [CChar], _ path: [CChar], _ status: FileStatus, _ from: borrowing FileDescriptor, _ to: borrowing FileDescriptor
    ) throws(SystemError) {
        let identity = FileIdentity(device: status.device, inode: status.inode)
        if status.links > 1, let first = copied[identity] {
            // Who shares the target may have put a link in the way since.
            let (folder, original) = first.parts
            let above = try target.resolve(folder, [.path, .directory], resolve: [.beneath, .noSymlinks])
            return try above.place.link(original, to: to.place, name)
        }
        let reader = try from.place.open(name, [.noFollow, .nonBlocking])
        // A disk may have taken the name since.
        guard try reader.status().kind == .regular else { throw SystemError(call: "open", errno: ESTALE) }
        let writer = try to.place.open(name, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
        try Self.copy(reader, to: writer)
        try finish(writer, like: reader, status)
        if status.links > 1 { copied[identity] = path }
    }

    /// What is written of a file, and the holes between as holes. The corresponding call is `sendfile(2)`.
    private static func copy(_ reader: borrowing FileDescriptor, to writer: borrowing FileDescriptor) throws(SystemError) {
        var end: Int64 = 0
        while let extent = try reader.extent(from: end) {
            end = extent.upperBound
            for descriptor in [reader.raw, writer.raw] { try check("lseek") { lseek(descriptor, off_t(extent.lowerBound), SEEK_SET) } }
            var rest = extent.count
            while rest > 0 {
                let count = try check("sendfile") { sendfile(writer.raw, reader.raw, nil, min(rest, 1 << 20)) }
                if count == 0 { break }
                rest -= count
            }
        }
        try writer.setSize(try reader.status().size)
    }

    private func finish(
        _ made: borrowing FileDescriptor, like original: borrowing FileDescriptor, _ status: FileStatus
    ) throws(SystemError) {
        // In this order: a change of owner takes set-id bits and file capabilities away.
        try made.setOwner(status.owner, status.group)
        try made.setPermissions(status.permissions)
        for attribute in try original.carriedAttributes() {
            try made.setAttribute(attribute.name, attribute.value)
        }
        try made.setTimes(FileTime(status.modified))
    }
}
