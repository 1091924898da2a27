// SPDX-License-Identifier: Apache-2.0
import CArchive

/// What a gzip, bzip2, xz or zstd stream says, or the stream itself where it is none of them. Told apart by their first bytes.
final class Decompressor: ByteSource {
    private let feed: ArchiveFeed
    private let budget: Budget
    private var compressed: Int64 { feed.delivered }
    private var count: Int64 = 0

    init(_ source: any ByteSource, budget: Budget) throws(ImageError) {
        self.budget = budget
        feed = ArchiveFeed(source)
        // Only what the library decodes by itself: where a codec is missing it would run a program instead, and says so by a warning.
        for support in [
            archive_read_support_filter_gzip, archive_read_support_filter_bzip2,
            archive_read_support_filter_xz, archive_read_support_filter_zstd,
        ] {
            guard support(feed.archive) == ARCHIVE_OK else {
                throw .invalid("libarchive", why: "built without one of gzip, bzip2, xz and zstd")
            }
        }
        archive_read_support_format_raw(feed.archive)
        try feed.open()
        var entry: OpaquePointer?
        try feed.require(archive_read_next_header(feed.archive, &entry))
        // The last filter is the source itself: more than one before it is a compressed compressed layer, which no tool writes.
        guard archive_filter_count(feed.archive) <= 2 else { throw .invalid("layer", why: "compressed more than once") }
    }

    func next() throws(ImageError) -> UnsafeRawBufferPointer {
        var start: UnsafeRawPointer?
        var length = 0
        var offset: Int64 = 0
        let code = archive_read_data_block(feed.archive, &start, &length, &offset)
        if code == ARCHIVE_EOF { return UnsafeRawBufferPointer(start: nil, count: 0) }
        try feed.require(code)
        count += Int64(length)
        guard count <= budget.bytes else { throw .invalid("layer", why: "larger than \(budget.bytes >> 30) GiB") }
        guard count <= budget.ratioGrace || count / budget.ratio <= compressed else {
            throw .invalid("layer", why: "expands more than \(budget.ratio) times: it looks like a decompression bomb")
        }
        return UnsafeRawBufferPointer(start: start, count: length)
    }
}
