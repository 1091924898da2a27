// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The bytes of one file on their way into a tar. Holes are never read: a file of a terabyte costs what was written of it.
///
/// The file may change meanwhile: one that shrinks is filled up with zeros, one that grows is cut.
final class TarContents {
    private let file: FileDescriptor
    private let size: Int64
    /// What there is, if holes are told; nil if zeros stand for them.
    private let map: [Range<Int64>]?
    private var position: Int64 = 0
    /// The stretch that the position is in, or before.
    private var extent: Range<Int64> = 0..<0
    private var index = 0

    /// - Parameter tellsHoles: holes of more than a mebibyte in all are told, not filled.
    init(_ file: consuming FileDescriptor, _ status: FileStatus, tellsHoles: Bool) {
        size = status.size
        // Looked at only where there must be some.
        map = tellsHoles && status.size - status.allocated >= Self.least ? Self.map(file, status.size) : nil
        self.file = file
    }

    /// What is left out has to be worth an entry that fewer programs can read.
    private static let least: Int64 = 1 << 20
    /// What readers take; whoever writes a file in more pieces has its holes filled.
    private static let mostExtents = 65536

    private static func map(_ file: borrowing FileDescriptor, _ size: Int64) -> [Range<Int64>]? {
        var map: [Range<Int64>] = []
        var end: Int64 = 0
        var written: Int64 = 0
        do throws(SystemError) {
            while let extent = try file.extent(from: end)?.clamped(to: 0..<size), !extent.isEmpty {
                guard map.count < mostExtents else { return nil }
                map.append(extent)
                end = extent.upperBound
                written += end - extent.lowerBound
            }
        } catch {
            // What cannot be told is read.
            return nil
        }
        guard size - written >= least else { return nil }
        // A stretch of nothing says where the file ends.
        return end < size ? map + [size..<size] : map
    }

    /// How the archive tells the file's size and its holes, with its name: format 1.0 of GNU tar's, which libarchive, Go and Python read too.
    /// The map stands before the contents, in whole blocks.
    func tell(_ header: inout TarHeader) -> [UInt8] {
        header.size = size
        guard let map else { return [] }
        var text = Array("\(map.count)\n".utf8)
        for extent in map { text += "\(extent.lowerBound)\n\(extent.count)\n".utf8 }
        text += [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(text.count)))
        header.sparse = TarHeader.Sparse(name: header.path, size: size)
        header.size = map.reduce(Int64(text.count)) { $0 + Int64($1.count) }
        return text
    }

    /// The next piece of it; 0 bytes are the end.
    func next(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        if let count = zeros(), count > 0 {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(count, Int64(buffer.count)))])
            _ = piece.initializeMemory(as: UInt8.self, repeating: 0)
            position += Int64(piece.count)
            return piece.count
        }
        guard position < extent.upperBound else { return 0 }
        let wanted = Int(min(extent.upperBound - position, Int64(buffer.count)))
        let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
        var count = try file.read(into: piece, at: position)
        if count == 0 {
            _ = piece.initializeMemory(as: UInt8.self, repeating: 0)
            count = wanted
        }
        position += Int64(count)
        return count
    }

    /// How many zeros come next for a hole; nil if holes are told.
    func zeros() -> Int64? {
        if let map {
            while position >= extent.upperBound, index < map.count {
                extent = map[index]
                position = extent.lowerBound
                index += 1
            }
            return nil
        }
        if position >= extent.upperBound, position < size {
            do throws(SystemError) {
                extent = (try file.extent(from: position) ?? size..<size).clamped(to: 0..<size)
            } catch {
                // Not every file system can say.
                extent = position..<size
            }
        }
        return max(0, extent.lowerBound - position)
    }

    /// Passes over so many of them.
    func skip(_ count: Int64) { position += count }
}
