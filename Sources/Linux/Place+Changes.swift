// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// Changes to the names in a directory. Names are the caller's own bytes, since a name from an archive need not be UTF-8;
/// a `String` or a `[CChar]` can be given as it is. The last component is never followed.
extension Place {
    /// What that name is, or nil if there is none.
    package func status(of name: UnsafePointer<CChar>) throws(SystemError) -> FileStatus? {
        var raw = stat()
        do throws(SystemError) {
            try check("stat", String(cString: name)) { fstatat(self.raw, name, &raw, AT_SYMLINK_NOFOLLOW) }
        } catch  where error.errno == ENOENT {
            return nil
        }
        return FileStatus(raw)
    }

    /// Makes a directory. The corresponding call is `mkdirat(2)`.
    package func makeDirectory(_ name: UnsafePointer<CChar>, mode: mode_t = 0o700) throws(SystemError) {
        try check("mkdir", String(cString: name)) { mkdirat(raw, name, mode) }
    }

    /// Makes a symbolic link with any text as its target. The corresponding call is `symlinkat(2)`.
    package func makeLink(_ name: UnsafePointer<CChar>, target: UnsafePointer<CChar>) throws(SystemError) {
        try check("symlink", String(cString: name)) { symlinkat(target, raw, name) }
    }

    /// Makes a FIFO, socket, device or whiteout (a character device 0:0). The corresponding call is `mknodat(2)`.
    package func makeNode(_ name: UnsafePointer<CChar>, mode: mode_t, device: dev_t = 0) throws(SystemError) {
        try check("mknod", String(cString: name)) { mknodat(raw, name, mode, device) }
    }

    /// Gives a file a second name; a symbolic link is linked itself. The corresponding call is `linkat(2)`.
    package func link(_ old: UnsafePointer<CChar>, to place: Place, _ name: UnsafePointer<CChar>) throws(SystemError) {
        try check("link", String(cString: name)) { linkat(raw, old, place.raw, name, 0) }
    }

    /// Renames, replacing what bears the new name. The corresponding call is `renameat(2)`.
    package func rename(_ old: UnsafePointer<CChar>, to place: Place, _ name: UnsafePointer<CChar>) throws(SystemError) {
        try check("rename", String(cString: name)) { renameat(raw, old, place.raw, name) }
    }

    /// Has two names change places. False if the second is missing, or the file system cannot. The corresponding call is
    /// `renameat2(RENAME_EXCHANGE)`, Linux 3.15.
    package func exchange(_ name: UnsafePointer<CChar>, _ place: Place, _ other: UnsafePointer<CChar>) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try check("rename", String(cString: other)) { linux_renameat2(raw, name, place.raw, other, UInt32(linux_rename_exchange)) }
            return true
        } catch  where error.errno == ENOENT || error.errno == EINVAL {
            return false
        }
    }

    /// Renames within this place; a new name that is taken is the error `EEXIST`. The corresponding call is `renameat2(RENAME_NOREPLACE)`, Linux 3.15.
    package func move(_ old: UnsafePointer<CChar>, to new: UnsafePointer<CChar>) throws(SystemError) {
        try check("rename", String(cString: new)) { linux_renameat2(raw, old, raw, new, UInt32(linux_rename_noreplace)) }
    }

    /// Removes one name that is not a directory; missing is fine. The corresponding call is `unlinkat(2)`.
    package func unlink(_ name: UnsafePointer<CChar>) throws(SystemError) {
        do throws(SystemError) {
            try check("unlink", String(cString: name)) { unlinkat(raw, name, 0) }
        } catch  where error.errno == ENOENT {}
    }

    /// The corresponding call is `fchownat(2)`.
    package func setOwner(of name: UnsafePointer<CChar>, _ user: uid_t, _ group: gid_t) throws(SystemError) {
        try check("chown", String(cString: name)) { fchownat(raw, name, user, group, AT_SYMLINK_NOFOLLOW) }
    }

    /// Follows links, as the kernel offers nothing else before 6.6: only for a name that the caller has just made.
    /// The corresponding call is `fchmodat(2)`.
    package func setPermissions(of name: UnsafePointer<CChar>, _ mode: mode_t) throws(SystemError) {
        try check("chmod", String(cString: name)) { fchmodat(raw, name, mode, 0) }
    }

    /// Sets the times of access and change of contents. The corresponding call is `utimensat(2)`.
    package func setTimes(of name: UnsafePointer<CChar>, _ time: FileTime) throws(SystemError) {
        let times = [time.raw, time.raw]
        try check("utimensat", String(cString: name)) { utimensat(raw, name, times, AT_SYMLINK_NOFOLLOW) }
    }

    /// The text of a symbolic link, at most `limit` bytes of it. The corresponding call is `readlinkat(2)`.
    package func readLink(_ name: UnsafePointer<CChar>, limit: Int = 4096) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try check("readlink", String(cString: name)) {
            bytes.withUnsafeMutableBytes { buffer in
                buffer.withMemoryRebound(to: CChar.self) { text in
                    text.baseAddress.map { readlinkat(raw, name, $0, limit) } ?? 0
                }
            }
        }
        bytes.removeLast(limit - count)
        return bytes
    }

    /// Opens a name of any bytes with `openat(2)`.
    package func open(
        _ name: UnsafePointer<CChar>, _ flags: OpenFlags = .readOnly, mode: mode_t = 0
    ) throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try check("open", String(cString: name)) { linux_openat(raw, name, flags.rawValue | O_CLOEXEC, mode) })
    }

    /// Opens a path of any bytes, seeing this place as `/`. The corresponding call is `openat2(2)`, Linux 5.6.
    package func resolve(
        _ path: UnsafePointer<CChar>, _ flags: OpenFlags = .readOnly, resolve: ResolveFlags = [.inRoot, .noMagicLinks]
    ) throws(SystemError) -> FileDescriptor {
        var how = open_how()
        how.flags = UInt64(UInt32(bitPattern: flags.rawValue | O_CLOEXEC))
        how.resolve = resolve.rawValue
        var result: CInt = -1
        // The kernel answers EAGAIN when a rename anywhere raced with ".."; openat2(2) asks callers to try again.
        for _ in 0..<128 {
            result = linux_openat2(raw, path, &how)
            guard result < 0, errno == EAGAIN || errno == EINTR else { break }
        }
        guard result >= 0 else { throw SystemError(call: "openat2", subject: String(cString: path), errno: errno) }
        return FileDescriptor(owning: result)
    }
}

/// Changes to an open file.
extension FileDescriptor {
    /// The corresponding call is `fchown(2)`. It clears set-id bits and file capabilities, so it comes before those.
    package func setOwner(_ user: uid_t, _ group: gid_t) throws(SystemError) {
        try check("fchown") { fchown(raw, user, group) }
    }

    /// The corresponding call is `fchmod(2)`.
    package func setPermissions(_ mode: mode_t) throws(SystemError) { try check("fchmod") { fchmod(raw, mode) } }

    /// Sets the times of access and change of contents. The corresponding call is `futimens(3)`.
    package func setTimes(_ time: FileTime) throws(SystemError) {
        let times = [time.raw, time.raw]
        try check("futimens") { futimens(raw, times) }
    }

    /// The corresponding call is `fsetxattr(2)`.
    package func setAttribute(_ name: UnsafePointer<CChar>, _ value: UnsafeRawBufferPointer) throws(SystemError) {
        try check("fsetxattr", String(cString: name)) { fsetxattr(raw, name, value.baseAddress, value.count, 0) }
    }

    /// An extended attribute, or nil if the file has none of that name. The corresponding call is `fgetxattr(2)`.
    package func attribute(_ name: UnsafePointer<CChar>, limit: Int = 65536) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) {
            return try [UInt8](filling: limit, "fgetxattr", String(cString: name)) { fgetxattr(raw, name, $0.baseAddress, limit) }
        } catch  where error.errno == ENODATA || error.errno == EOPNOTSUPP {
            return nil
        }
    }

    /// The extended attributes that belong to the file wherever it lies. Left out are overlayfs's own (`trusted.`, `user.overlay.`) and
    /// labels that fit one machine only. The corresponding calls are `flistxattr(2)` and `fgetxattr(2)`.
    package func carriedAttributes(limit: Int = 65536) throws(SystemError) -> [(name: [CChar], value: [UInt8])] {
        var names = [CChar](repeating: 0, count: limit)
        do throws(SystemError) {
            let count = try check("flistxattr") { flistxattr(raw, &names, limit) }
            var found: [(name: [CChar], value: [UInt8])] = []
            for name in names[..<count].split(separator: 0).map({ Array($0) + [0] }) where Self.isCarried(name) {
                if let value = try attribute(name) { found.append((name, value)) }
            }
            return found
        } catch  where error.errno == EOPNOTSUPP {
            return []
        }
    }

    package func setAttribute(_ name: [CChar], _ value: [UInt8]) throws(SystemError) {
        try check("fsetxattr") { fsetxattr(raw, name, value, value.count, 0) }
    }

    /// Attributes that mean something inside a container, and nothing to overlayfs or to the host's own security modules.
    package static func isCarried(_ name: [CChar]) -> Bool {
        let name = name.dropLast().map(UInt8.init(bitPattern:))
        return name.elementsEqual("security.capability".utf8)
            || (name.starts(with: "user.".utf8) && !name.starts(with: "user.overlay.".utf8))
    }

    /// The corresponding call is `ftruncate(2)`.
    package func setSize(_ size: Int64) throws(SystemError) { try check("ftruncate") { ftruncate(raw, off_t(size)) } }

    /// Writes all of it from that offset on. The corresponding call is `pwrite(2)`.
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemError) {
        var rest = bytes
        var offset = offset
        while let base = rest.baseAddress, rest.count > 0 {
            let written = try check("pwrite") { pwrite(raw, base, rest.count, off_t(offset)) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
            offset += Int64(written)
        }
    }

    /// The same, but nothing but zeros stays a hole, which takes no room: whoever wrote a file of a terabyte may have written a byte of it.
    /// The caller sets the size in the end.
    /// - Returns: where what was written ends; 0 for a hole.
    package func writeLeavingHoles(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemError) -> Int64 {
        guard let base = bytes.baseAddress, bytes.first == 0, memcmp(base, base + 1, bytes.count - 1) == 0 else {
            try write(bytes, at: offset)
            return offset + Int64(bytes.count)
        }
        return 0
    }

    /// Puts a text in place of what is there. It is not emptied first: what is written to an emptied file ext4 has on its way to the disk as
    /// soon as that is closed, and whoever changes it next waits until it is there.
    package func replaceContents(with text: String) throws(SystemError) {
        let bytes = Array(text.utf8)
        let result = bytes.withUnsafeBytes { buffer in Result { () throws(SystemError) in try write(buffer, at: 0) } }
        try result.get()
        try setSize(Int64(bytes.count))
    }

    /// Forces the whole file system under this file to the disk. The corresponding call is `syncfs(2)`.
    package func synchronizeFileSystem() throws(SystemError) { try check("syncfs") { linux_syncfs(raw) } }
}

/// A moment as file systems keep it, in seconds since 1970 and nanoseconds.
package struct FileTime: Equatable, Sendable {
    package let seconds: Int64
    package let nanoseconds: Int64

    /// Nanoseconds beyond a second are cut.
    package init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = max(0, min(nanoseconds, 999_999_999))
    }

    package init(_ time: timespec) {
        self.init(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }

    var raw: timespec { timespec(tv_sec: Int(seconds), tv_nsec: Int(nanoseconds)) }
}
