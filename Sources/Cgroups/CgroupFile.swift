// SPDX-License-Identifier: Apache-2.0

/// The few formats in which cgroup files answer. Numbers that do not fit are nil, never a trap.
enum CgroupFile {
    /// The number after `key` at the start of a line, as in `memory.events` and `cpu.stat`.
    static func value(_ key: StaticString, in text: String) -> UInt64? {
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            guard line.count > key.utf8CodeUnitCount + 1,
                line.starts(with: UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
            else { continue }
            let rest = line.dropFirst(key.utf8CodeUnitCount)
            if rest.first == UInt8(ascii: " ") { return UInt64(Substring(rest.dropFirst())) }
        }
        return nil
    }

    /// One number; nil for `max`, and for version 1's way to say so: all pages that a signed 64-bit count of bytes can name.
    static func number(_ text: String) -> UInt64? {
        let end = text.utf8.firstIndex(of: UInt8(ascii: "\n")) ?? text.endIndex
        guard let value = UInt64(text[..<end]), value < 0x7fff_ffff_ffff_0000 else { return nil }
        return value
    }
}
