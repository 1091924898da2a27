// SPDX-License-Identifier: Apache-2.0

/// JSON as it grows: values, and the commas and indentation between them.
package struct JSONText {
    private(set) var bytes: [UInt8] = []
    let isPretty: Bool
    private var level = 0
    /// Nothing stands yet in the container that was opened last.
    private var isFirst = true

    init(isPretty: Bool) {
        self.isPretty = isPretty
    }

    mutating func reserve(_ count: Int) { bytes.reserveCapacity(count) }

    // MARK: containers

    mutating func open(_ bracket: Unicode.Scalar) {
        bytes.append(UInt8(ascii: bracket))
        level += 1
        isFirst = true
    }

    mutating func close(_ bracket: Unicode.Scalar) {
        level -= 1
        if !isFirst { newline() }
        bytes.append(UInt8(ascii: bracket))
        isFirst = false
    }

    /// Goes to the place of the next member or element.
    mutating func separate() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
        newline()
    }

    mutating func name(_ name: String) {
        string(name)
        bytes.append(UInt8(ascii: ":"))
        if isPretty { bytes.append(UInt8(ascii: " ")) }
    }

    private mutating func newline() {
        guard isPretty else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 4 * level))
    }

    // MARK: values

    /// `null`, `true`, `false`, `{}`.
    mutating func word(_ word: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    mutating func integer(_ value: some FixedWidthInteger) {
        bytes.append(contentsOf: String(value).utf8)
    }

    /// The shortest digits that read back as the same finite number; whole ones without a fraction.
    mutating func double(_ value: Double) {
        let text = value.description
        bytes.append(contentsOf: text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...])
    }

    /// A string in quotes, escaped where RFC 8259 demands it, in Go's spelling.
    package mutating func string(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var plain = 0
            for at in utf8.indices where utf8[at] < 0x20 || utf8[at] == UInt8(ascii: "\"") || utf8[at] == UInt8(ascii: "\\") {
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[plain..<at]))
                escape(utf8[at])
                plain = at + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[plain...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case ..<0x20:
            word(byte < 0x10 ? "u000" : "u001")
            bytes.append(contentsOf: String(byte & 0xf, radix: 16).utf8)
        default: bytes.append(byte)
        }
    }
}
