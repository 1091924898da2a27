// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// What `fstat(2)` says of a file, in the words that decisions need.
package struct FileStatus: Sendable {
    package let device: dev_t
    package let inode: ino_t
    package let mode: mode_t
    package let links: Int
    package let owner: uid_t
    package let group: gid_t
    package let rawDevice: dev_t
    package let size: Int64
    /// Bytes that it takes on the disk.
    package let allocated: Int64
    package let modified: timespec

    package enum Kind: Sendable { case regular, directory, symlink, character, block, fifo, socket }

    package var kind: Kind {
        switch mode & S_IFMT {
        case S_IFDIR: .directory
        case S_IFLNK: .symlink
        case S_IFCHR: .character
        case S_IFBLK: .block
        case S_IFIFO: .fifo
        case S_IFSOCK: .socket
        default: .regular
        }
    }

    /// Whether it is the device that `/dev/null` should be, whatever it is called.
    package var isNullDevice: Bool { kind == .character && rawDevice == Machine.device(1, 3) }

    /// Permission bits with set-id and sticky.
    package var permissions: mode_t { mode & 0o7777 }

    init(_ raw: stat) {
        device = raw.st_dev
        inode = raw.st_ino
        mode = raw.st_mode
        links = Int(raw.st_nlink)
        owner = raw.st_uid
        group = raw.st_gid
        rawDevice = raw.st_rdev
        size = Int64(raw.st_size)
        allocated = Int64(raw.st_blocks) &* 512
        modified = raw.st_mtim
    }

    /// The file of that name itself, never what a link points to.
    package init(of path: String, at place: Place = .current, followLinks: Bool = false) throws(SystemError) {
        var raw = stat()
        try check("stat", path) { fstatat(place.raw, path, &raw, followLinks ? 0 : AT_SYMLINK_NOFOLLOW) }
        self.init(raw)
    }
}

extension FileStatus {
    /// Seconds after 1970 when its contents were changed, of any year: nanoseconds end in 2262.
    package var modifiedSeconds: Int64 { Int64(modified.tv_sec) }

    /// When its contents were changed.
    package var modificationTime: Timestamp {
        Timestamp(nanoseconds: Int64(modified.tv_sec) &* 1_000_000_000 &+ Int64(modified.tv_nsec))
    }

    /// True if it is one file and nobody wrote to it in between.
    package func isSameFile(as other: FileStatus) -> Bool {
        device == other.device && inode == other.inode && size == other.size && modified.tv_sec == other.modified.tv_sec
            && modified.tv_nsec == other.modified.tv_nsec
    }

    /// What is behind a descriptor that somebody else owns. The corresponding call is `fstat(2)`.
    package init(ofDescriptor raw: CInt) throws(SystemError) {
        var status = stat()
        try check("fstat") { fstat(raw, &status) }
        self.init(status)
    }
}
