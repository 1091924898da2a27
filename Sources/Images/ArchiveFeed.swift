// SPDX-License-Identifier: Apache-2.0
import CArchive

/// One libarchive reader fed from a byte source. An error of the source comes out as itself, not as libarchive's words for it.
final class ArchiveFeed {
    let archive: OpaquePointer?
    private let source: any ByteSource
    private var failure: ImageError?
    /// Bytes handed to libarchive so far.
    private(set) var delivered: Int64 = 0
    /// Where `delivered` must not pass, or nil.
    var limit: Int64?

    init(_ source: any ByteSource) {
        self.source = source
        archive = archive_read_new()
    }

    deinit { archive_read_free(archive) }

    func open() throws(ImageError) {
        // Unretained: the archive is freed with this object.
        let code = archive_read_open(
            archive, Unmanaged.passUnretained(self).toOpaque(), nil,
            { _, context, result in
                guard let context, let result else { return -1 }
                return Unmanaged<ArchiveFeed>.fromOpaque(context).takeUnretainedValue().read(result)
            }, nil)
        try require(code)
    }

    private func read(_ result: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do throws(ImageError) {
            if let limit, delivered > limit { throw .invalid("layer", why: "header of an entry is too large") }
            let piece = try source.next()
            delivered += Int64(piece.count)
            result.pointee = piece.baseAddress
            return piece.count
        } catch {
            failure = error
            return -1
        }
    }

    /// Turns libarchive's verdict into an error. A warning is none: it says that something could not be translated, which we never ask for.
    /// An offer to go on behind something damaged is one.
    func require(_ code: CInt) throws(ImageError) {
        if let failure { throw failure }
        if code >= ARCHIVE_OK || code == ARCHIVE_WARN { return }
        if delivered == 0 { throw .invalid("archive", why: "there is nothing in it") }
        let reason = archive_error_string(archive).map { String(cString: $0) } ?? "damaged archive"
        throw .invalid("layer", why: reason)
    }
}
