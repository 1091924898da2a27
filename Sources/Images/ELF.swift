// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What the dynamic loader must find for a program or library: read from its ELF headers, as `elf(5)` has them.
/// Everything in the file is an offset somebody wrote; each is checked, and what does not fit reads as absent.
struct ELF {
    /// Files are compatible when these are equal.
    struct Target: Equatable {
        let isWide: Bool
        let machine: UInt16
    }

    let target: Target
    /// The loader's path.
    private(set) var interpreter: String?
    /// The names of the libraries it needs, in order.
    private(set) var needed: [String] = []
    /// Directories to search first, with `$ORIGIN` and the like as written.
    private(set) var searchPaths: [String] = []

    /// Nil for what is no ELF file of this machine's byte order.
    init?(_ file: borrowing FileDescriptor) throws(SystemError) {
        let header = try ELF.read(file, at: 0, count: 64)
        guard header.bytes.starts(with: [0x7f, 0x45, 0x4c, 0x46]), header.count >= 52 else { return nil }
        let isWide = header.bytes[4] == 2
        let order: UInt8 = 1.littleEndian == 1 ? 1 : 2
        guard header.bytes[5] == order, isWide || header.bytes[4] == 1 else { return nil }
        target = Target(isWide: isWide, machine: header.short(18))

        let segments = try ELF.segments(file, header, isWide: isWide)
        for segment in segments where segment.type == 3 {  // PT_INTERP
            interpreter = try ELF.read(file, at: segment.offset, count: Int(min(segment.size, 4096))).text(0)
        }
        guard let dynamic = segments.first(where: { $0.type == 2 }) else { return }  // PT_DYNAMIC
        try readDynamic(file, dynamic, segments)
    }

    private mutating func readDynamic(
        _ file: borrowing FileDescriptor, _ dynamic: Segment, _ segments: [Segment]
    ) throws(SystemError) {
        let table = try ELF.read(file, at: dynamic.offset, count: Int(min(dynamic.size, 1 << 20)))
        let width = target.isWide ? 8 : 4
        var names: [UInt64] = []
        var runPath: UInt64?
        var path: UInt64?
        var strings: UInt64?
        for offset in stride(from: 0, to: table.count, by: 2 * width) {
            let value = table.word(offset + width, isWide: target.isWide)
            switch table.word(offset, isWide: target.isWide) {
            case 1: names.append(value)  // DT_NEEDED
            case 5: strings = value  // DT_STRTAB
            case 15: path = value  // DT_RPATH
            case 29: runPath = value  // DT_RUNPATH
            default: break
            }
        }
        // The string table is given by its address in memory: find the segment that puts the file there.
        guard let strings, names.count <= 1024,
            let home = segments.first(where: { $0.type == 1 && strings >= $0.address && strings - $0.address < $0.size })
        else { return }
        let base = home.offset.addingReportingOverflow(strings - home.address).partialValue
        func string(_ offset: UInt64) throws(SystemError) -> String {
            try ELF.read(file, at: base.addingReportingOverflow(offset).partialValue, count: 4096).text(0)
        }
        for name in names { needed.append(try string(name)) }
        if let list = runPath ?? path {
            searchPaths = try string(list).split(separator: ":").map(String.init)
        }
    }
}

extension ELF {
    /// One row of the program headers.
    private struct Segment {
        let type: UInt32
        let offset: UInt64
        let address: UInt64
        /// Bytes in the file.
        let size: UInt64
    }

    private static func segments(
        _ file: borrowing FileDescriptor, _ header: Bytes, isWide: Bool
    ) throws(SystemError) -> [Segment] {
        let size = Int(header.short(isWide ? 54 : 42))
        let count = Int(header.short(isWide ? 56 : 44))
        guard size >= (isWide ? 56 : 32), count <= 512 else { return [] }
        let table = try read(file, at: header.word(isWide ? 32 : 28, isWide: isWide), count: size * count)
        return (0..<count).map { index in
            let row = index * size
            return isWide
                ? Segment(type: table.long(row), offset: table.wide(row + 8), address: table.wide(row + 16), size: table.wide(row + 32))
                : Segment(
                    type: table.long(row), offset: UInt64(table.long(row + 4)), address: UInt64(table.long(row + 8)),
                    size: UInt64(table.long(row + 16)))
        }
    }

    private static func read(_ file: borrowing FileDescriptor, at offset: UInt64, count: Int) throws(SystemError) -> Bytes {
        guard let position = off_t(exactly: offset), position < off_t.max - (1 << 20) else { return Bytes([]) }
        var bytes = [UInt8](repeating: 0, count: count)
        let raw = file.raw
        let length = try check("pread") { bytes.withUnsafeMutableBytes { pread(raw, $0.baseAddress, count, position) } }
        return Bytes(bytes[..<length])
    }
}

/// Numbers and texts in a file's bytes, in this machine's byte order; zero or empty beyond the end.
struct Bytes {
    let bytes: [UInt8]
    var count: Int { bytes.count }

    init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    func short(_ offset: Int) -> UInt16 { load(offset) }
    func long(_ offset: Int) -> UInt32 { load(offset) }
    func wide(_ offset: Int) -> UInt64 { load(offset) }
    func word(_ offset: Int, isWide: Bool) -> UInt64 { isWide ? wide(offset) : UInt64(long(offset)) }

    /// The text from there up to a NUL, or to the end.
    func text(_ offset: Int) -> String {
        guard bytes.indices.contains(offset) else { return "" }
        return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }

    private func load<Number: FixedWidthInteger>(_ offset: Int) -> Number {
        let size = MemoryLayout<Number>.size
        guard offset >= 0, count - size >= offset else { return 0 }
        return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: Number.self) }
    }
}
