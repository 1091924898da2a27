// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Builds tars by hand, so that a test can say what no tar program would.
struct Tar {
    private(set) var bytes: [UInt8] = []

    /// The end that an honest tar has.
    var closed: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    mutating func directory(_ path: String, mode: Int = 0o755, modified: Int = 0) {
        header(path, type: "5", mode: mode, modified: modified)
    }

    mutating func file(_ path: String, _ text: String = "text", mode: Int = 0o644, owner: Int = 0, modified: Int = 0) {
        header(path, type: "0", mode: mode, size: text.utf8.count, owner: owner, modified: modified)
        data(Array(text.utf8))
    }

    mutating func symlink(_ path: String, to target: String) { header(path, type: "2", target: target) }
    mutating func hardLink(_ path: String, to target: String) { header(path, type: "1", target: target) }
    mutating func device(_ path: String, type: Character) { header(path, type: type) }

    /// pax records for the entry that follows.
    mutating func pax(_ records: [(String, [UInt8])]) {
        var body: [UInt8] = []
        for (key, value) in records {
            let rest = Array(" \(key)=".utf8) + value + [10]
            var length = rest.count + 1
            while String(length).utf8.count + rest.count != length { length += 1 }
            body += Array(String(length).utf8) + rest
        }
        header("pax", type: "x", size: body.count)
        data(body)
    }

    mutating func pax(_ records: [(String, String)]) { pax(records.map { ($0.0, Array($0.1.utf8)) }) }

    mutating func data(_ body: [UInt8]) {
        bytes += body + [UInt8](repeating: 0, count: (512 - body.count % 512) % 512)
    }

    mutating func header(
        _ path: String, type: Character, mode: Int = 0o644, size: Int = 0, owner: Int = 0, modified: Int = 0, target: String = "",
        sizeField: [UInt8]? = nil
    ) {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: [UInt8], _ offset: Int, _ width: Int) {
            for (index, byte) in text.prefix(width).enumerated() { block[offset + index] = byte }
        }
        func octal(_ number: Int, _ digits: Int) -> [UInt8] {
            let text = Array(String(number, radix: 8).utf8)
            return [UInt8](repeating: 0x30, count: max(0, digits - text.count)) + text
        }
        put(Array(path.utf8), 0, 100)
        put(octal(mode, 7), 100, 7)
        put(octal(owner, 7), 108, 7)
        put(octal(owner, 7), 116, 7)
        put(sizeField ?? octal(size, 11), 124, 12)
        put(octal(modified, 11), 136, 11)
        put([UInt8](repeating: 0x20, count: 8), 148, 8)
        put(Array(String(type).utf8), 156, 1)
        put(Array(target.utf8), 157, 100)
        put(Array("ustar\u{0}00".utf8), 257, 8)
        put(octal(block.reduce(0) { $0 + Int($1) }, 6) + [0, 0x20], 148, 8)
        bytes += block
    }
}
