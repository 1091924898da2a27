// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The tar of gathered files: sorted, owned by root, and for the same files always the same bytes.
final class TreeArchive: ByteSource {
    private let files: [(path: String, file: ImageFile)]
    private var index = 0
    /// The host file that is being copied, with what is still to come of it and its padding.
    private var source: FileDescriptor?
    private var isCopying = false
    private var sourcePath = ""
    private var remaining: Int64 = 0
    private var padding = 0
    /// A header, or a whole text, and how much of it is out.
    private var pending: [UInt8] = []
    private var emitted = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    private var isFinished = false

    init(_ files: [String: ImageFile]) {
        self.files = Self.ordered(files)
    }

    deinit { buffer.deallocate() }

    /// Bytes of file contents, for the line that says what is going on.
    var size: Int64 {
        files.reduce(0) { sum, item in
            switch item.file {
            case .copy(_, _, let size, _): sum + size
            case .text(let bytes, _): sum + Int64(bytes.count)
            default: sum
            }
        }
    }

    /// By path; of the names of one file, the first is the file and the others link to it.
    private static func ordered(_ files: [String: ImageFile]) -> [(path: String, file: ImageFile)] {
        let sorted = files.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        var firstNames: [String: String] = [:]
        return sorted.map { path, file in
            let original: String
            switch file {
            case .copy: original = path
            case .hardLink(let target): original = target
            default: return (path, file)
            }
            if let first = firstNames[original] { return (path, .hardLink(to: first)) }
            firstNames[original] = path
            return (path, files[original] ?? file)
        }
    }

    func next() throws(ImageError) -> UnsafeRawBufferPointer {
        if emitted < pending.count { return emit() }
        if isCopying { return try copy() }
        guard index < files.count else {
            // Two empty blocks end a tar.
            defer { isFinished = true }
            if isFinished { return UnsafeRawBufferPointer(start: nil, count: 0) }
            pending = [UInt8](repeating: 0, count: 1024)
            emitted = 0
            return emit()
        }
        let (path, file) = files[index]
        index += 1
        pending = try start(file, at: String(path.dropFirst()))
        emitted = 0
        return emit()
    }

    private func emit() -> UnsafeRawBufferPointer {
        let count = min(pending.count - emitted, buffer.count)
        buffer.copyBytes(from: pending[emitted..<emitted + count])
        emitted += count
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func start(_ file: ImageFile, at path: String) throws(ImageError) -> [UInt8] {
        switch file {
        case .directory(let mode): return TarHeader(path + "/", type: "5", mode: mode).bytes
        case .link(let target): return TarHeader(path, type: "2", mode: 0o777, target: target).bytes
        case .hardLink(let target): return TarHeader(path, type: "1", mode: 0o644, target: String(target.dropFirst())).bytes
        case .text(let bytes, let mode):
            let header = TarHeader(path, type: "0", mode: mode, size: Int64(bytes.count)).bytes
            return header + bytes + [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(bytes.count)))
        case .copy(let host, let mode, let size, let modified):
            source = try attempt { () throws(SystemError) in try FileDescriptor(opening: host, .nonBlocking) }
            isCopying = true
            sourcePath = host
            remaining = size
            padding = TarHeader.padding(after: size)
            return TarHeader(path, type: "0", mode: mode, size: size, modified: modified).bytes
        }
    }

    private func copy() throws(ImageError) -> UnsafeRawBufferPointer {
        // The last piece takes the padding along, so it must leave room for it.
        let wanted = Int(min(remaining, Int64(buffer.count - 512)))
        let raw = source?.raw ?? -1
        var count = 0
        if wanted > 0 {
            count = try attempt { () throws(SystemError) in try check("read") { read(raw, buffer.baseAddress, wanted) } }
            guard count > 0 else { throw .invalid(sourcePath, why: "became shorter while it was copied") }
        }
        remaining -= Int64(count)
        if remaining == 0 {
            for offset in 0..<padding { buffer[count + offset] = 0 }
            count += padding
            source = nil
            isCopying = false
            // An empty piece would be the end: an empty file has nothing after its header.
            if count == 0 { return try next() }
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}

/// One header of the ustar format (POSIX.1-1988), with a pax record before it where a name does not fit (POSIX.1-2001).
struct TarHeader {
    let bytes: [UInt8]

    static func padding(after size: Int64) -> Int { Int((512 - size % 512) % 512) }

    init(_ path: String, type: Character, mode: mode_t, size: Int64 = 0, modified: Int64 = 0, target: String = "") {
        var records: [UInt8] = []
        if path.utf8.count > 100 { records += Self.record("path", path) }
        if target.utf8.count > 100 { records += Self.record("linkpath", target) }
        var all: [UInt8] = []
        if !records.isEmpty {
            all = Self.block("pax", type: "x", mode: 0o644, size: Int64(records.count), modified: 0, target: "")
            all += records + [UInt8](repeating: 0, count: Self.padding(after: Int64(records.count)))
        }
        bytes = all + Self.block(path, type: type, mode: mode, size: size, modified: modified, target: target)
    }

    private static func block(
        _ path: String, type: Character, mode: mode_t, size: Int64, modified: Int64, target: String
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int, width: Int) {
            for (index, byte) in text.prefix(width).enumerated() { block[offset + index] = byte }
        }
        put(path.utf8, at: 0, width: 100)
        put(octal(Int64(mode), digits: 7), at: 100, width: 7)
        put(octal(0, digits: 7), at: 108, width: 7)
        put(octal(0, digits: 7), at: 116, width: 7)
        put(octal(size, digits: 11), at: 124, width: 11)
        put(octal(max(0, modified), digits: 11), at: 136, width: 11)
        put([UInt8](repeating: 0x20, count: 8), at: 148, width: 8)
        put(String(type).utf8, at: 156, width: 1)
        put(target.utf8, at: 157, width: 100)
        put("ustar\u{0}00".utf8, at: 257, width: 8)
        // The sum counts its own field as blanks.
        let sum = block.reduce(0) { $0 + Int64($1) }
        put(octal(sum, digits: 6) + [0], at: 148, width: 7)
        return block
    }

    private static func octal(_ number: Int64, digits: Int) -> [UInt8] {
        let text = Array(String(number, radix: 8).utf8)
        return [UInt8](repeating: UInt8(ascii: "0"), count: max(0, digits - text.count)) + text
    }

    /// `LENGTH key=value\n`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> [UInt8] {
        let rest = Array(" \(key)=\(value)\n".utf8)
        var length = rest.count + 1
        while String(length).utf8.count + rest.count != length { length += 1 }
        return Array(String(length).utf8) + rest
    }
}
