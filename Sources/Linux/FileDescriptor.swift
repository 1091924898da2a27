// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// The one owner of an open descriptor; it closes when the owner goes away. Always close-on-exec.
package struct FileDescriptor: ~Copyable {
    package let raw: CInt

    /// Takes ownership of a descriptor that nothing else will close.
    package init(owning raw: CInt) { self.raw = raw }

    deinit { close(raw) }

    /// Gives the descriptor up: the caller closes it, or lets it live until the process ends.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }

    /// Another descriptor for the same open file as one of somebody else's. The corresponding call is `fcntl(F_DUPFD_CLOEXEC)`.
    package init(duplicating raw: CInt, atLeast lowest: CInt = 3) throws(SystemError) {
        self.init(owning: try check("fcntl") { linux_fcntl(raw, F_DUPFD_CLOEXEC, Int(lowest)) })
    }

    package func duplicate(atLeast lowest: CInt = 3) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(duplicating: raw, atLeast: lowest)
    }
}

/// A place in the file system to start from: an open directory, or the process's working directory.
package struct Place: Sendable {
    package let raw: CInt
    /// The working directory; with an absolute path it does not matter.
    package static let current = Place(raw: AT_FDCWD)
    package init(raw: CInt) { self.raw = raw }
}

extension FileDescriptor {
    /// This directory as the place where a relative path starts. Valid while the descriptor lives.
    package var place: Place { Place(raw: raw) }
}

/// Flags of `openat(2)`; `O_CLOEXEC` is always added.
///
/// Sets of bits in this module read their literals themselves: the standard library's way is generic, is not specialised for callers in
/// other modules, and cost 0.1 ms of a run.
package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: CInt
    package init(rawValue: CInt) { self.rawValue = rawValue }
    package init(arrayLiteral elements: OpenFlags...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }
    package static let readOnly = OpenFlags([])
    package static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    package static let readWrite = OpenFlags(rawValue: O_RDWR)
    package static let create = OpenFlags(rawValue: O_CREAT)
    package static let exclusive = OpenFlags(rawValue: O_EXCL)
    package static let truncate = OpenFlags(rawValue: O_TRUNC)
    package static let append = OpenFlags(rawValue: O_APPEND)
    package static let directory = OpenFlags(rawValue: O_DIRECTORY)
    package static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    package static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
    package static let noControllingTerminal = OpenFlags(rawValue: O_NOCTTY)
    /// Names the file without opening it for reading or writing.
    package static let path = OpenFlags(rawValue: CInt(linux_o_path))
    /// A nameless file in the given directory.
    package static let temporary = OpenFlags(rawValue: CInt(linux_o_tmpfile))
}

/// How `openat2(2)` may walk a path that comes from somebody else.
package struct ResolveFlags: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(arrayLiteral elements: ResolveFlags...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }
    /// `/`, `..` and absolute links stay inside the starting directory.
    package static let inRoot = ResolveFlags(rawValue: UInt64(RESOLVE_IN_ROOT))
    /// Leaving the starting directory is an error.
    package static let beneath = ResolveFlags(rawValue: UInt64(RESOLVE_BENEATH))
    /// No `/proc/self/fd/N` and the like.
    package static let noMagicLinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_MAGICLINKS))
    package static let noSymlinks = ResolveFlags(rawValue: UInt64(RESOLVE_NO_SYMLINKS))
    /// Crossing a mount is an error.
    package static let noCrossing = ResolveFlags(rawValue: UInt64(RESOLVE_NO_XDEV))
}

extension FileDescriptor {
    /// Opens a path that is trusted as it stands. The corresponding call is `openat(2)`.
    package init(
        opening path: String, at place: Place = .current, _ flags: OpenFlags = .readOnly, mode: mode_t = 0
    ) throws(SystemError) {
        self.init(
            owning: try check("open", path) {
                linux_openat(place.raw, path, flags.rawValue | O_CLOEXEC, mode)
            })
    }

    /// Opens a path whose components may be hostile, seeing `root` as `/`. The corresponding call is `openat2(2)`, Linux 5.6.
    package init(
        resolving path: String, in root: Place, _ flags: OpenFlags = .readOnly, resolve: ResolveFlags = [.inRoot, .noMagicLinks]
    ) throws(SystemError) {
        self = try root.resolve(Array(path.utf8CString), flags, resolve: resolve)
    }

    /// A descriptor of its own for what standard input is.
    package static func standardInput() throws(SystemError) -> FileDescriptor { try FileDescriptor(duplicating: 0) }

    /// A descriptor of its own for what standard output is.
    package static func standardOutput() throws(SystemError) -> FileDescriptor { try FileDescriptor(duplicating: 1) }

    /// A pipe: what is written to `writer` comes out of `reader`. The corresponding call is `pipe2(2)`.
    package static func pipe() throws(SystemError) -> Pipe {
        var ends: (CInt, CInt) = (-1, -1)
        try check("pipe2") {
            withUnsafeMutablePointer(to: &ends) { pointer in
                pointer.withMemoryRebound(to: CInt.self, capacity: 2) { linux_pipe2($0) }
            }
        }
        return Pipe(reader: FileDescriptor(owning: ends.0), writer: FileDescriptor(owning: ends.1))
    }
}

/// Both ends of a pipe.
@frozen package struct Pipe: ~Copyable {
    package var reader: FileDescriptor
    package var writer: FileDescriptor

    package init(reader: consuming FileDescriptor, writer: consuming FileDescriptor) {
        self.reader = reader
        self.writer = writer
    }

    /// Keeps the reader; the writer is closed here, so that the end of what others write is the end.
    package consuming func readerAlone() -> FileDescriptor { reader }

    /// Gives both ends up.
    package consuming func release() -> (reader: CInt, writer: CInt) { (reader.release(), writer.release()) }
}

extension FileDescriptor {
    /// Closes every descriptor from `first` on, or marks them close-on-exec. The corresponding call is `close_range(2)`, Linux 5.9.
    package static func closeAll(from first: CInt, onlyOnExec: Bool) throws(SystemError) {
        try check("close_range") {
            linux_close_range(UInt32(first), .max, onlyOnExec ? UInt32(CLOSE_RANGE_CLOEXEC) : 0)
        }
    }

    /// Closes every descriptor above the first three but these.
    package static func closeAll(but kept: [CInt]) throws(SystemError) {
        var first: CInt = 3
        for raw in kept.sorted() where raw >= first {
            if raw > first { try check("close_range") { linux_close_range(UInt32(first), UInt32(raw - 1), 0) } }
            first = raw + 1
        }
        try closeAll(from: first, onlyOnExec: false)
    }

    /// Makes the number `target` a close-on-exec copy of this descriptor. The corresponding call is `dup3(2)`.
    package func occupy(_ target: CInt) throws(SystemError) {
        if raw != target { try check("dup3") { linux_dup3(raw, target, O_CLOEXEC) } }
    }

    /// Makes `target` (0, 1 or 2) a copy of this descriptor that survives exec. The corresponding call is `dup2(2)`.
    package func replace(_ target: CInt) throws(SystemError) {
        if raw == target {
            try check("fcntl") { linux_fcntl(raw, F_SETFD, 0) }
        } else {
            try check("dup2") { dup2(raw, target) }
        }
    }
}

extension FileDescriptor {
    /// Puts a file in memory in place of a descriptor that has been read to its end: whoever opens that by its number, as `/dev/fd/63`, finds
    /// all of it again, and whoever reads on finds the end as before. The corresponding call is `memfd_create(2)`, Linux 3.17.
    package static func refill(_ raw: CInt, with bytes: [UInt8]) throws(SystemError) {
        let file = FileDescriptor(owning: try check("memfd_create") { linux_memfd_create("minictl") })
        try file.write(bytes)
        if raw > 2 { try file.occupy(raw) } else { try file.replace(raw) }
    }

    /// The number that a path names one of this process's descriptors by; nil for any other path.
    package static func number(in path: String) -> CInt? {
        if path == "/dev/stdin" { return 0 }
        for folder in ["/dev/fd/", "/proc/self/fd/"] where path.hasPrefix(folder) { return CInt(path.dropFirst(folder.utf8.count)) }
        return nil
    }

    /// True for a pipe that has no name in any file system (`PIPEFS_MAGIC`).
    package static func isAnonymousPipe(_ raw: CInt) -> Bool {
        var status = statfs()
        return fstatfs(raw, &status) == 0 && status.f_type == 0x5049_5045
    }

    /// How many bytes can be read there at once. The corresponding call is `ioctl(FIONREAD)`.
    package static func available(in raw: CInt) -> Int {
        var count: CInt = 0
        return linux_ioctl_pointer(raw, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    package static func setNonBlocking(_ raw: CInt, _ on: Bool = true) throws(SystemError) {
        let flags = try check("fcntl") { linux_fcntl(raw, F_GETFL, 0) }
        try check("fcntl") { linux_fcntl(raw, F_SETFL, Int(on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)) }
    }
}

extension FileDescriptor {
    /// Opens `/dev/null` for each of the first three numbers that is closed, so that none of them ever becomes something else's.
    package static func fillStandardStreams() {
        for target in CInt(0)...2 where linux_fcntl(target, F_GETFD, 0) < 0 {
            let raw = linux_openat(AT_FDCWD, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0)
            if raw >= 0, raw != target {
                dup2(raw, target)
                close(raw)
            }
        }
    }
}
