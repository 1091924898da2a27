// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// One header of the ustar format (POSIX.1-1988), with a pax record before it where something does not fit (POSIX.1-2001).
struct TarHeader {
    /// The letter of an entry's kind.
    enum Kind: String {
        case regular = "0", hardLink = "1", symlink = "2", character = "3", block = "4", directory = "5", fifo = "6"
    }

    /// The names as they are on the disk, of any bytes.
    var path: [UInt8]
    var kind: Kind
    var mode: mode_t
    var size: Int64 = 0
    var modified: Int64 = 0
    var target: [UInt8] = []
    var owner: UInt32 = 0
    var group: UInt32 = 0
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    /// Names end with a NUL, as the kernel gives them.
    var attributes: [(name: [CChar], value: [UInt8])] = []
    /// For a file whose holes are told: `size` is what the archive has of it.
    var sparse: Sparse?

    struct Sparse {
        let name: [UInt8]
        let size: Int64
    }

    private var records: [UInt8] = []

    init(_ path: some Sequence<UInt8>, _ kind: Kind, mode: mode_t) {
        self.path = Array(path)
        self.kind = kind
        self.mode = mode
    }

    static func padding(after size: Int64) -> Int { Int((512 - size % 512) % 512) }

    /// The header as it stands in an archive.
    var bytes: [UInt8] {
        if let sparse { return withoutHoles(sparse).bytes }
        var records = self.records
        if path.count > 100 { records += Self.record("path", path) }
        if target.count > 100 { records += Self.record("linkpath", target) }
        if size > Self.largest(digits: 11) { records += Self.record("size", "\(size)".utf8) }
        if Int64(owner) > Self.largest(digits: 7) { records += Self.record("uid", "\(owner)".utf8) }
        if Int64(group) > Self.largest(digits: 7) { records += Self.record("gid", "\(group)".utf8) }
        for (name, value) in attributes { records += Self.record("SCHILY.xattr." + name.text, value) }
        guard !records.isEmpty else { return block }
        var extra = TarHeader("pax".utf8, .regular, mode: 0o644)
        extra.size = Int64(records.count)
        return extra.block(as: UInt8(ascii: "x")) + records + [UInt8](repeating: 0, count: Self.padding(after: extra.size)) + block
    }

    /// Whoever does not know of holes shall see that this is no whole file.
    private func withoutHoles(_ sparse: Sparse) -> TarHeader {
        var header = self
        header.sparse = nil
        header.path = Array((Array("GNUSparseFile.0/".utf8) + (path.split(separator: UInt8(ascii: "/")).last ?? [])).prefix(100))
        header.records = Self.record("GNU.sparse.major", "1".utf8) + Self.record("GNU.sparse.minor", "0".utf8)
        header.records += Self.record("GNU.sparse.name", sparse.name) + Self.record("GNU.sparse.realsize", "\(sparse.size)".utf8)
        return header
    }

    private var block: [UInt8] { block(as: kind.rawValue.utf8.first ?? 0) }

    private func block(as letter: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int, width: Int) {
            for (index, byte) in text.prefix(width).enumerated() { block[offset + index] = byte }
        }
        put(path, at: 0, width: 100)
        put(Self.octal(Int64(mode), digits: 7), at: 100, width: 7)
        put(Self.octal(Int64(owner), digits: 7), at: 108, width: 7)
        put(Self.octal(Int64(group), digits: 7), at: 116, width: 7)
        put(Self.octal(size, digits: 11), at: 124, width: 11)
        put(Self.octal(max(0, modified), digits: 11), at: 136, width: 11)
        put([UInt8](repeating: 0x20, count: 8), at: 148, width: 8)
        block[156] = letter
        put(target, at: 157, width: 100)
        put("ustar\u{0}00".utf8, at: 257, width: 8)
        if kind == .character || kind == .block {
            put(Self.octal(Int64(device.major), digits: 7), at: 329, width: 7)
            put(Self.octal(Int64(device.minor), digits: 7), at: 337, width: 7)
        }
        // The sum counts its own field as blanks.
        let sum = block.reduce(0) { $0 + Int64($1) }
        put(Self.octal(sum, digits: 6) + [0], at: 148, width: 7)
        return block
    }

    private static func largest(digits: Int) -> Int64 { (1 << (3 * Int64(digits))) - 1 }

    /// What does not fit reads as zero here: a record has it.
    private static func octal(_ number: Int64, digits: Int) -> [UInt8] {
        let text = Array(String(number > largest(digits: digits) ? 0 : number, radix: 8).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, digits - text.count)) + text
    }

    /// `LENGTH key=value\n`, where the length counts itself.
    private static func record(_ key: String, _ value: some Sequence<UInt8>) -> [UInt8] {
        let rest = Array(" \(key)=".utf8) + value + [UInt8(ascii: "\n")]
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }
}
