// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// One name in a directory, as `getdents64(2)` gives it.
package struct DirectoryEntry: Sendable {
    package let name: String
    package let kind: Kind

    package enum Kind: Sendable { case directory, regular, symlink, other, unknown }
}

extension FileDescriptor {
    /// The names in this directory, without `.` and `..`, in the kernel's order. Names that are not UTF-8 are repaired for display.
    package func entries() throws(SystemError) -> [DirectoryEntry] {
        var entries: [DirectoryEntry] = []
        try forEachEntry { name, kind in
            entries.append(DirectoryEntry(name: String(cString: name), kind: kind))
        }
        return entries
    }

    /// The names as the kernel's own bytes, each with a NUL at its end: they need not be UTF-8, and to Swift's strings two spellings of one
    /// accent are the same name.
    package func names() throws(SystemError) -> [[CChar]] {
        var names: [[CChar]] = []
        try forEachEntry { name, _ in names.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))) }
        return names
    }

    /// Calls `body` with each name as the kernel's own bytes, so that any name survives.
    package func forEachEntry(_ body: (UnsafePointer<CChar>, DirectoryEntry.Kind) -> Void) throws(SystemError) {
        let size = 32768
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 8)
        defer { buffer.deallocate() }
        try check("lseek") { lseek(raw, 0, SEEK_SET) }
        while true {
            let count = try check("getdents64") { linux_getdents64(raw, buffer, size) }
            if count == 0 { return }
            var offset = 0
            while offset < count {
                // struct linux_dirent64: u64 ino, s64 off, u16 reclen, u8 type, char name[]
                let length = Int(buffer.load(fromByteOffset: offset + 16, as: UInt16.self))
                let type = buffer.load(fromByteOffset: offset + 18, as: UInt8.self)
                let name = (buffer + offset + 19).assumingMemoryBound(to: CChar.self)
                if !isDot(name) { body(name, DirectoryEntry.Kind(type)) }
                offset += length
            }
        }
    }

    private func isDot(_ name: UnsafePointer<CChar>) -> Bool {
        let dot = CChar(UInt8(ascii: "."))
        return name[0] == dot && (name[1] == 0 || (name[1] == dot && name[2] == 0))
    }
}

extension DirectoryEntry.Kind {
    init(_ type: UInt8) {
        switch type {
        case 0: self = .unknown
        case 4: self = .directory
        case 8: self = .regular
        case 10: self = .symlink
        default: self = .other
        }
    }
}

/// Directories by name.
package enum Directory {
    /// Makes one directory; one that exists already is fine. The corresponding call is `mkdirat(2)`.
    /// - Parameter exactly: with this mode whatever the caller's umask.
    package static func make(_ path: String, at place: Place = .current, mode: mode_t = 0o700, exactly: Bool = false) throws(SystemError) {
        do throws(SystemError) {
            try check("mkdir", path) { mkdirat(place.raw, path, mode) }
        } catch  where error.errno == EEXIST {}
        if exactly { try check("chmod", path) { fchmodat(place.raw, path, mode, 0) } }
    }

    /// Makes a trusted path and the directories above it that are missing.
    package static func makeAll(_ path: String, mode: mode_t = 0o700) throws(SystemError) {
        do throws(SystemError) {
            try make(path, mode: mode)
        } catch  where error.errno == ENOENT {
            let (folder, _) = path.folderAndName
            guard folder != ".", folder != "/" else { throw error }
            try makeAll(folder, mode: mode)
            try make(path, mode: mode)
        }
    }

    /// Whether a trusted directory bears a mark, which is an extended attribute (`xattr(7)`).
    package static func hasMark(_ path: String, _ mark: StaticString) -> Bool {
        getxattr(path, mark.description, nil, 0) >= 0
    }

    /// Marks a trusted directory. Where that may not be done it stays as it is.
    package static func mark(_ path: String, _ mark: StaticString) { setxattr(path, mark.description, "1", 1, 0) }

    /// Removes a tree, never following a link and never crossing into another mount (which is the error `EBUSY`). Missing is fine.
    package static func removeAll(_ name: String, at place: Place = .current) throws(SystemError) {
        var name = Array(name.utf8CString)
        let result = name.withUnsafeMutableBufferPointer { buffer in
            Result { () throws(SystemError) in
                guard let base = buffer.baseAddress else { return }
                try removeTree(UnsafePointer(base), at: place)
            }
        }
        try result.get()
    }

    /// Depth is bounded by memory, not by the stack: a container may nest directories as deep as it likes.
    private static func removeTree(_ name: UnsafePointer<CChar>, at place: Place) throws(SystemError) {
        if unlinkat(place.raw, name, 0) == 0 || errno == ENOENT { return }
        guard errno == EISDIR else {
            throw SystemError(call: "unlink", subject: String(cString: name), errno: errno)
        }
        if unlinkat(place.raw, name, AT_REMOVEDIR) == 0 || errno == ENOENT { return }
        guard errno == ENOTEMPTY || errno == EEXIST else {
            throw SystemError(call: "rmdir", subject: String(cString: name), errno: errno)
        }
        let top = try FileDescriptor(opening: String(cString: name), at: place, [.directory, .noFollow])
        try empty(top)
        try check("rmdir", String(cString: name)) { unlinkat(place.raw, name, AT_REMOVEDIR) }
    }

    /// Empties a directory: what is found deeper is first moved up to its top under a number, so nothing nests further than one level.
    /// A directory that cannot be moved, as one of an overlay's lower layer (`EXDEV`) or on a full disk, is emptied where it is.
    private static func empty(_ top: borrowing FileDescriptor) throws(SystemError) {
        let home = try mountID(top.raw, "", empty: true)
        var serial = 0
        while true {
            var pending: [[CChar]] = []
            var failure: SystemError?
            try top.forEachEntry { name, kind in
                if kind != .directory {
                    if unlinkat(top.raw, name, 0) == 0 { return }
                    let reason = errno
                    guard reason == EISDIR else {
                        failure = failure ?? SystemError(call: "unlink", subject: String(cString: name), errno: reason)
                        return
                    }
                }
                if unlinkat(top.raw, name, AT_REMOVEDIR) == 0 { return }
                pending.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
            }
            if let failure { throw failure }
            if pending.isEmpty { return }
            for name in pending {
                let subject = name.text
                let child = CInt(try check("open", subject) { linux_openat(top.raw, name, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0) })
                let directory = FileDescriptor(owning: child)
                guard try mountID(directory.raw, "", empty: true) == home else {
                    throw SystemError(call: "rmdir", subject: subject, errno: EBUSY)
                }
                var obstacle: SystemError?
                var immovable: [[CChar]] = []
                try directory.forEachEntry { inner, kind in
                    if kind != .directory, unlinkat(directory.raw, inner, 0) == 0 { return }
                    if unlinkat(directory.raw, inner, AT_REMOVEDIR) == 0 { return }
                    // A free name at the top; names of the container's own that look alike are passed over.
                    repeat { serial += 1 } while renameat2Fresh(directory.raw, inner, top.raw, ".rm\(serial)")
                    // What neither goes nor moves, as something mounted does not, would be met again for ever.
                    if errno == EBUSY || errno == EACCES || errno == EPERM || errno == EROFS {
                        obstacle = SystemError(call: "rmdir", subject: String(cString: inner), errno: errno)
                    } else if errno != 0 {
                        immovable.append(Array(UnsafeBufferPointer(start: inner, count: strlen(inner) + 1)))
                    }
                }
                if let obstacle { throw obstacle }
                if !immovable.isEmpty { try emptyInPlace(directory, of: immovable, home) }
                // A listing may skip names while others leave it: then the next round finds the rest.
                if unlinkat(top.raw, name, AT_REMOVEDIR) != 0, errno != ENOTEMPTY {
                    throw SystemError(call: "rmdir", subject: subject, errno: errno)
                }
            }
        }
    }

    /// Removes directories that cannot be moved up, from the bottom: down by names and up by `..`, so that depth costs nothing but memory.
    /// If somebody moves one meanwhile, the way up leads elsewhere, which is the error `ESTALE`.
    private static func emptyInPlace(
        _ top: borrowing FileDescriptor, of names: [[CChar]], _ home: UInt64
    ) throws(SystemError) {
        var current = try top.duplicate()
        var pending = names
        /// The way down, with what is still to be done on each level.
        var trail: [(name: [CChar], above: FileStatus, pending: [[CChar]])] = []
        while true {
            if let name = pending.popLast() {
                let below = try current.place.open(name, [.directory, .noFollow])
                guard try mountID(below.raw, "", empty: true) == home else {
                    throw SystemError(call: "rmdir", subject: name.text, errno: EBUSY)
                }
                var inner: [[CChar]] = []
                try below.forEachEntry { entry, kind in
                    if kind != .directory, unlinkat(below.raw, entry, 0) == 0 { return }
                    if unlinkat(below.raw, entry, AT_REMOVEDIR) == 0 { return }
                    inner.append(Array(UnsafeBufferPointer(start: entry, count: strlen(entry) + 1)))
                }
                trail.append((name, try current.status(), pending))
                current = below
                pending = inner
            } else {
                guard let level = trail.popLast() else { return }
                let above = try FileDescriptor(opening: "..", at: current.place, [.directory, .noFollow])
                let status = try above.status()
                guard status.inode == level.above.inode, status.device == level.above.device else {
                    throw SystemError(call: "rmdir", subject: level.name.text, errno: ESTALE)
                }
                current = above
                pending = level.pending
                if unlinkat(current.raw, level.name, AT_REMOVEDIR) == 0 || errno == ENOENT { continue }
                // A listing may skip names while others leave it.
                guard errno == ENOTEMPTY else { throw SystemError(call: "rmdir", subject: level.name.text, errno: errno) }
                pending.append(level.name)
            }
        }
    }

    /// True if that name is taken and another must be tried.
    private static func renameat2Fresh(_ from: CInt, _ old: UnsafePointer<CChar>, _ to: CInt, _ name: String) -> Bool {
        errno = 0
        return linux_renameat2(from, old, to, name, UInt32(linux_rename_noreplace)) != 0 && errno == EEXIST
    }

    private static func mountID(_ dir: CInt, _ path: String, empty: Bool) throws(SystemError) -> UInt64 {
        var id: UInt64 = 0
        var attributes: UInt64 = 0
        try check("statx", path) {
            linux_statx_mount(dir, path, empty ? CInt(linux_at_empty_path) : AT_SYMLINK_NOFOLLOW, &id, &attributes)
        }
        return id
    }
}
