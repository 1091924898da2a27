// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// One end of a copy, an absolute path below a root: `/a/b`, `/a/b/`, and `/a/b/.` for the contents of a directory.
package struct CopyPath: Sendable {
    let path: String
    package let isContents: Bool
    let mustBeDirectory: Bool

    /// - Parameter folder: where a path that is not absolute begins.
    package init(_ text: String, from folder: String = "/") {
        let whole = text.isAbsolutePath ? text : folder + "/" + text
        let parts = whole.pathComponents.filter { $0 != "." }
        path = "/" + parts.joined(separator: "/")
        isContents = parts.isEmpty || text == "." || text.hasSuffix("/.") || text.hasSuffix("/./")
        mustBeDirectory = isContents || text.hasSuffix("/")
    }

    private init(path: String, like other: CopyPath) {
        self.path = path
        isContents = other.isContents
        mustBeDirectory = other.mustBeDirectory
    }

    /// The directory above, and the last part of the name, which the root has not.
    private var parts: (folder: String, name: String) { path.folderAndName }

    /// The kernel follows links here as whoever lives below the root would see them, and never out of it.
    private static let inside: ResolveFlags = [.inRoot, .noMagicLinks]

    private static func folder(_ path: String, in root: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(resolving: path, in: root.place, [.path, .directory], resolve: inside)
    }
}

extension CopyPath {
    /// The tar of what is there.
    /// - Parameter followsLink: a last component that is a link stands for what it points to.
    package func tar(in root: borrowing FileDescriptor, followsLink: Bool) throws(ImageError) -> TreeTar {
        var style = TreeTar.Style()
        style.crossesMounts = true
        style.tellsHoles = true
        var current = self
        // As many as the kernel follows.
        for _ in 0..<40 {
            let (folder, name) = current.parts
            let above = try attempt { () throws(SystemError) in try Self.folder(folder, in: root) }
            if name.isEmpty { return try TreeTar(of: above, style) }
            guard let status = try attempt({ () throws(SystemError) in try above.place.status(of: name) }) else {
                throw .system(SystemError(call: "open", subject: path, errno: ENOENT))
            }
            if status.kind == .symlink, followsLink || mustBeDirectory {
                let target = try attempt { () throws(SystemError) in String(decoding: try above.place.readLink(name), as: UTF8.self) }
                current = CopyPath(path: target.isAbsolutePath ? target : folder + "/" + target, like: self)
                continue
            }
            guard status.kind == .directory else {
                if mustBeDirectory { throw .system(SystemError(call: "open", subject: path, errno: ENOTDIR)) }
                // In a directory one is left out; asked for by its name, nothing would be left to copy.
                guard status.kind == .regular || status.kind == .symlink else {
                    throw .invalid(path, why: "is a device, FIFO or socket, and these are not copied")
                }
                style.name = Array(parts.name.utf8)
                return try TreeTar(of: above, only: Array(name.utf8CString), style)
            }
            if !isContents { style.name = Array(parts.name.utf8) }
            return try TreeTar(of: try attempt { () throws(SystemError) in try Self.folder(current.path, in: root) }, style)
        }
        throw .system(SystemError(call: "open", subject: path, errno: ELOOP))
    }

    /// Puts what a tar holds there: into a directory that is there, else in its place.
    /// - Parameter contents: the tar has the contents of a directory, without its name.
    package func extract(
        _ archive: borrowing FileDescriptor, contents: Bool, in root: borrowing FileDescriptor, _ style: TreeExtractor.Style,
        meter: ByteMeter? = nil
    ) throws(ImageError) {
        let extractor = try TreeExtractor(from: archive, style, meter: meter)
        guard let isDirectory = try extractor.beginsWithDirectory() else { return }
        let existing = try attempt { () throws(SystemError) in try status(in: root) }
        if existing?.kind == .directory {
            let here = try attempt { () throws(SystemError) in try Self.folder(path, in: root) }
            return try extractor.extract(into: here, top: .kept)
        }
        let (folder, name) = parts
        let above = try attempt { () throws(SystemError) in try Self.folder(folder, in: root) }
        if isDirectory {
            guard existing == nil else { throw .invalid(path, why: "a directory cannot replace what is no directory") }
            let made = try attempt { () throws(SystemError) in
                try above.place.makeDirectory(name, mode: 0o755)
                return try above.place.open(name, [.path, .directory, .noFollow])
            }
            try extractor.extract(into: made, top: contents ? .kept : .dropped)
        } else {
            guard !mustBeDirectory else { throw .invalid(path, why: "there is no such directory") }
            try extractor.extract(into: above, top: .renamed(Array(name.utf8CString)))
        }
    }

    private func status(in root: borrowing FileDescriptor) throws(SystemError) -> FileStatus? {
        do throws(SystemError) {
            return try FileDescriptor(resolving: path, in: root.place, [.path], resolve: Self.inside).status()
        } catch  where error.errno == ENOENT {
            return nil
        }
    }
}

/// Passes on a tar that may be compressed, as a plain one. Whoever extracts it then needs no codecs.
package func decompress(
    _ archive: borrowing FileDescriptor, to target: borrowing FileDescriptor, meter: ByteMeter? = nil
) throws(ImageError) {
    let source = try Decompressor(DescriptorSource(archive, hashing: false, meter: meter), budget: Budget())
    while true {
        let piece = try source.next()
        if piece.isEmpty { return }
        try attempt { () throws(SystemError) in try target.write(piece) }
    }
}
