// SPDX-License-Identifier: Apache-2.0
import CArchive
import Glibc
import Linux

/// One entry of a layer, in the words of the file system.
struct LayerEntry {
    enum Kind {
        case directory, regular, fifo
        case symlink(target: [CChar])
        case hardLink(to: LayerPath)
        /// Devices, sockets and whatever else a layer has no business with.
        case node
    }

    let path: LayerPath
    let kind: Kind
    let permissions: mode_t
    let owner: uid_t
    let group: gid_t
    let modified: FileTime
    /// Bytes of a regular file, holes included.
    let size: Int64
    /// Extended attributes by name, as the archive has them.
    let attributes: [(name: [CChar], value: [UInt8])]
}

/// Reads tar in all its dialects (ustar, pax, GNU, sparse), entry by entry.
///
/// libarchive keeps names byte for byte only while the process has no locale: in a UTF-8 locale it normalises them, and two names become one.
final class TarReader {
    private let feed: ArchiveFeed
    private let budget: Budget
    private let isLayer: Bool
    private var entry: OpaquePointer?

    init(_ source: any ByteSource, isLayer: Bool = true, budget: Budget) throws(ImageError) {
        self.budget = budget
        self.isLayer = isLayer
        feed = ArchiveFeed(source)
        archive_read_support_format_tar(feed.archive)
        try feed.open()
    }

    /// The next entry, or nil at the end. What was left of the data of the entry before is skipped.
    func next() throws(ImageError) -> LayerEntry? {
        if entry != nil { try feed.require(archive_read_data_skip(feed.archive)) }
        // Headers of headers, long names and sparse maps are all kept in memory until the entry is complete.
        feed.limit = feed.delivered + budget.header
        let code = archive_read_next_header(feed.archive, &entry)
        feed.limit = nil
        if code == ARCHIVE_EOF { return nil }
        try feed.require(code)
        guard let entry else { return nil }
        return try LayerEntry(entry, isLayer: isLayer, budget: budget)
    }

    /// Calls `body` with each piece of the current entry's data and its offset in the file; what lies between pieces is a hole.
    func forEachPiece(_ body: (UnsafeRawBufferPointer, Int64) throws(ImageError) -> Void) throws(ImageError) {
        while true {
            var start: UnsafeRawPointer?
            var length = 0
            var offset: Int64 = 0
            let code = archive_read_data_block(feed.archive, &start, &length, &offset)
            if code == ARCHIVE_EOF { return }
            try feed.require(code)
            try body(UnsafeRawBufferPointer(start: start, count: length), offset)
        }
    }
}

extension LayerEntry {
    init(_ entry: OpaquePointer, isLayer: Bool, budget: Budget) throws(ImageError) {
        guard let name = archive_entry_pathname(entry) else { throw .invalid("layer", why: "an entry has no name") }
        path = try LayerPath(name, isLayer: isLayer, budget: budget)
        if let target = archive_entry_hardlink(entry) {
            kind = .hardLink(to: try LayerPath(target, isLayer: isLayer, budget: budget))
        } else {
            switch archive_entry_filetype(entry) {
            case S_IFDIR: kind = .directory
            case S_IFREG: kind = .regular
            case S_IFIFO: kind = .fifo
            case S_IFLNK:
                guard let target = archive_entry_symlink(entry) else {
                    throw .invalid("layer", why: "link \(path) has no target")
                }
                kind = .symlink(target: Array(UnsafeBufferPointer(start: target, count: strnlen(target, budget.path) + 1)))
            default: kind = .node
            }
        }
        permissions = archive_entry_perm(entry) & 0o7777
        guard let owner = uid_t(exactly: archive_entry_uid(entry)), let group = gid_t(exactly: archive_entry_gid(entry)),
            owner != .max, group != .max
        else { throw .invalid("layer", why: "\(path) has an owner that is no user id") }
        self.owner = owner
        self.group = group
        modified = FileTime(seconds: Int64(archive_entry_mtime(entry)), nanoseconds: Int64(archive_entry_mtime_nsec(entry)))
        size = archive_entry_size(entry)
        guard size >= 0 else { throw .invalid("layer", why: "\(path) has a negative size") }
        attributes = LayerEntry.attributes(of: entry)
    }

    private static func attributes(of entry: OpaquePointer) -> [(name: [CChar], value: [UInt8])] {
        var all: [(name: [CChar], value: [UInt8])] = []
        var name: UnsafePointer<CChar>?
        var value: UnsafeRawPointer?
        var size = 0
        archive_entry_xattr_reset(entry)
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name else { continue }
            all.append(
                (Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)), Array(UnsafeRawBufferPointer(start: value, count: size)))
            )
        }
        return all
    }
}
