// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

extension FileDescriptor {
    package func status() throws(SystemError) -> FileStatus { try FileStatus(ofDescriptor: raw) }

    /// The magic number of the file system it lies on, as in `statfs(2)`.
    package func fileSystemMagic() throws(SystemError) -> UInt32 { UInt32(truncatingIfNeeded: try fileSystem().f_type) }

    /// Whether nothing can be written by the mount this was opened through (`ST_RDONLY`).
    package func isReadOnlyMount() throws(SystemError) -> Bool { try fileSystem().f_flags & 1 != 0 }

    private func fileSystem() throws(SystemError) -> statfs {
        var raw = statfs()
        try check("fstatfs") { fstatfs(self.raw, &raw) }
        return raw
    }

    /// Writes all of it. The corresponding call is `write(2)`.
    package func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var rest = bytes
        while let base = rest.baseAddress, rest.count > 0 {
            let written = try check("write") { Glibc.write(raw, base, rest.count) }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    package func write(_ bytes: [UInt8]) throws(SystemError) {
        let result = bytes.withUnsafeBytes { buffer in Result { () throws(SystemError) in try write(buffer) } }
        try result.get()
    }

    /// The same to a descriptor that somebody else owns.
    package static func write(_ bytes: [UInt8], to raw: CInt) throws(SystemError) {
        var start = 0
        while start < bytes.count {
            start += try check("write") { bytes.withUnsafeBytes { Glibc.write(raw, $0.baseAddress.map { $0 + start }, $0.count - start) } }
        }
    }

    package func write(_ text: String) throws(SystemError) { try write(Array(text.utf8)) }

    /// Reads what is there now, at most `limit` bytes; empty at the end of the file. The corresponding call is `read(2)`.
    package func read(atMost limit: Int) throws(SystemError) -> [UInt8] {
        try [UInt8](filling: limit, "read") { Glibc.read(raw, $0.baseAddress, limit) }
    }

    /// Reads to the end. More than `limit` bytes is the error `EFBIG`.
    package func readAll(limit: Int = 4 << 20) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        var chunk = 16384
        while true {
            let part = try read(atMost: chunk)
            if part.isEmpty { return all }
            guard all.count + part.count <= limit else { throw SystemError(call: "read", errno: EFBIG) }
            if all.isEmpty { all = part } else { all += part }
            chunk = Swift.min(chunk * 2, 1 << 20)
        }
    }

    /// Forces contents to the disk. The corresponding call is `fsync(2)`.
    func synchronize() throws(SystemError) { try check("fsync") { fsync(raw) } }

    /// Takes the `flock(2)` lock. False if somebody else holds it and `wait` is false.
    package func lock(exclusive: Bool = true, wait: Bool) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try check("flock") { flock(raw, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)) }
            return true
        } catch  where error.errno == EWOULDBLOCK {
            return false
        }
    }

    package func unlock() { flock(raw, LOCK_UN) }

    /// Takes these bytes for as long as this open file is open anywhere, forks included; they need not be there.
    /// False if another open file has any of them. The corresponding call is `fcntl(F_OFD_SETLK)`, Linux 3.15.
    package func lockBytes(_ bytes: Range<Int64>) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try check("fcntl", "F_OFD_SETLK") { linux_lock_bytes(raw, CInt(F_WRLCK), bytes.lowerBound, Int64(bytes.count)) }
            return true
        } catch  where error.errno == EAGAIN || error.errno == EACCES {
            return false
        }
    }

    package func unlockBytes(_ bytes: Range<Int64>) throws(SystemError) {
        try check("fcntl", "F_OFD_SETLK") { linux_lock_bytes(raw, CInt(F_UNLCK), bytes.lowerBound, Int64(bytes.count)) }
    }
}

/// Whole files by name.
package enum File {
    /// Reads a regular file whole. A link, FIFO, device or anything over `limit` bytes is an error, and opening never blocks.
    package static func read(_ path: String, at place: Place = .current, limit: Int = 4 << 20) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor(opening: path, at: place, [.noFollow, .nonBlocking])
        let status = try file.status()
        guard status.kind == .regular else { throw SystemError(call: "open", subject: path, errno: wrongKind) }
        guard status.size <= limit else { throw SystemError(call: "read", subject: path, errno: EFBIG) }
        // One byte more than there should be: what comes short of it is all there is.
        let bytes = try file.read(atMost: Int(status.size) + 1)
        return bytes.count == status.size && status.size > 0 ? bytes : bytes + (try file.readAll(limit: limit))
    }

    /// Reads one of very many small files, in three system calls: none asks what kind of file it is, because `pread(2)` refuses directories,
    /// FIFOs, sockets and terminals. More than `limit` bytes is the error `EFBIG`.
    package static func readSmall(_ path: UnsafePointer<CChar>, at place: Place, limit: Int) throws(SystemError) -> [UInt8] {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
        let file = FileDescriptor(owning: try check("open", String(cString: path)) { linux_openat(place.raw, path, flags, 0) })
        let size = 16384
        let bytes = try [UInt8](filling: size, "read", String(cString: path)) { pread(file.raw, $0.baseAddress, size, 0) }
        return bytes.count < size ? bytes : try read(String(cString: path), at: place, limit: limit)
    }

    /// Whether somebody holds the `flock(2)` of a file. False also of one that is not there.
    package static func isLocked(_ path: UnsafePointer<CChar>, at place: Place) -> Bool {
        let raw = linux_openat(place.raw, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)
        guard raw >= 0 else { return false }
        defer { close(raw) }
        // Shared, so that two who ask at the same time do not take each other for the holder.
        return flock(raw, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// Reads a file of the kernel's own (/proc, /sys, cgroup), whose size it does not know.
    package static func readKernel(_ path: String, at place: Place = .current) throws(SystemError) -> String {
        let file = try FileDescriptor(opening: path, at: place)
        return String(decoding: try file.readAll(limit: 1 << 20), as: UTF8.self)
    }

    /// Writes into a file that exists, in one call, as kernel files want it.
    package static func writeKernel(_ path: String, _ text: String, at place: Place = .current) throws(SystemError) {
        let file = try FileDescriptor(opening: path, at: place, [.writeOnly, .noFollow])
        var text = text
        let length = text.utf8.count
        let written = try check("write", path) {
            text.withUTF8 { Glibc.write(file.raw, $0.baseAddress, length) }
        }
        guard written == length else { throw SystemError(call: "write", subject: path, errno: EIO) }
    }

    /// Replaces a file at once: readers see the old or the new contents, whole.
    /// A crash leaves at worst a file named `.NAME.tmp`, which the next writer replaces; writers of one name must hold a lock in common.
    /// What has that name is never written to: where others may make files too, it could be theirs, or a FIFO.
    package static func replace(
        _ name: String, at place: Place, with bytes: [UInt8], mode: mode_t = 0o600, durable: Bool = false
    ) throws(SystemError) {
        let temporary = ".\(name).tmp"
        do throws(SystemError) {
            let file = try make(temporary, at: place, mode: mode)
            try file.write(bytes)
            if durable { try file.synchronize() }
            try check("rename", name) { renameat(place.raw, temporary, place.raw, name) }
        } catch {
            unlinkat(place.raw, temporary, 0)
            throw error
        }
    }

    /// Makes a new file, which has no name before it is whole and on the disk: of one that is killed meanwhile nothing stays. Where the file
    /// system has no files without names, it is `replace`.
    package static func create(_ name: String, at place: Place, with bytes: [UInt8]) throws(SystemError) {
        do throws(SystemError) {
            let file = try FileDescriptor(opening: ".", at: place, [.readWrite, .temporary], mode: 0o600)
            try file.write(bytes)
            try file.synchronize()
            try check("link", name) { linkat(AT_FDCWD, "/proc/self/fd/\(file.raw)", place.raw, name, AT_SYMLINK_FOLLOW) }
        } catch  where error.errno == EOPNOTSUPP || error.errno == EISDIR {
            try replace(name, at: place, with: bytes, durable: true)
        }
    }

    private static func make(_ name: String, at place: Place, mode: mode_t) throws(SystemError) -> FileDescriptor {
        let flags: OpenFlags = [.writeOnly, .create, .exclusive]
        do throws(SystemError) { return try FileDescriptor(opening: name, at: place, flags, mode: mode) } catch  where error.errno == EEXIST
        {
            try place.unlink(name)
            return try FileDescriptor(opening: name, at: place, flags, mode: mode)
        }
    }
}

/// Other systems have EFTYPE for a file of the wrong kind; EINVAL reads closest ("Invalid argument").
private let wrongKind = EINVAL
