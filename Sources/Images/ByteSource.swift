// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Bytes that come one piece after another. A piece is valid until the next is asked for; the empty piece is the end.
protocol ByteSource: AnyObject {
    func next() throws(ImageError) -> UnsafeRawBufferPointer
}

extension ByteSource {
    /// Reads on to the end, for a digest that covers all bytes.
    func drain() throws(ImageError) {
        while try !next().isEmpty {}
    }
}

/// The bytes of a descriptor from where it stands, which stays its owner's and must outlive this source.
final class DescriptorSource: ByteSource {
    private let place: CInt
    private let buffer: UnsafeMutableRawBufferPointer
    private var hash: SHA256?
    private let meter: ByteMeter?
    private(set) var count: Int64 = 0

    init(_ descriptor: borrowing FileDescriptor, hashing: Bool, meter: ByteMeter? = nil) {
        place = descriptor.raw
        self.meter = meter
        buffer = .allocate(byteCount: 256 << 10, alignment: 4096)
        hash = hashing ? SHA256() : nil
    }

    deinit { buffer.deallocate() }

    func next() throws(ImageError) -> UnsafeRawBufferPointer {
        let length = try attempt { () throws(SystemError) in
            try check("read") { read(place, buffer.baseAddress, buffer.count) }
        }
        let piece = UnsafeRawBufferPointer(rebasing: buffer[..<length])
        count += Int64(length)
        hash?.update(piece)
        meter?.pass(length)
        return piece
    }

    /// The digest of everything read so far; nil unless asked for at the start.
    var digest: Digest? {
        var hash = hash
        return hash?.finalize()
    }
}
