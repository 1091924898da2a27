// SPDX-License-Identifier: Apache-2.0
package import Linux

/// A container's identity: 64 hexadecimal digits, shown as 12.
package struct ContainerID: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    /// In digits, which are also bytes.
    static let length = 64

    /// A new one nobody has had.
    package init() throws(SystemError) {
        let bytes = try Machine.randomBytes(32).flatMap { [Self.digits[Int($0 >> 4)], Self.digits[Int($0 & 15)]] }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// Nil for anything but 64 lower-case hexadecimal digits.
    package init?(_ text: some StringProtocol) {
        guard text.utf8.count == Self.length, Self.isHexadecimal(text) else { return nil }
        self.text = String(text)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    static func isHexadecimal(_ text: some StringProtocol) -> Bool {
        text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    /// Whether a name in a directory is one.
    static func isSpelled(_ name: UnsafePointer<CChar>) -> Bool {
        for index in 0..<length {
            let digit = UInt8(bitPattern: name[index])
            // The NUL at a name's end is no digit either.
            guard digit &- 48 < 10 || digit &- 97 < 6 else { return false }
        }
        return name[length] == 0
    }

    package var short: String { Self.short(text) }
    /// The first 12 digits of an id.
    package static func short(_ text: String) -> String { String(decoding: text.utf8.prefix(12), as: UTF8.self) }
    package var description: String { text }
}

// MARK: in fewer characters

extension ContainerID {
    /// The same in 43 characters of RFC 4648's alphabet for URLs, each three digits in two: for the target of a symbolic link, which has to be
    /// shorter than 60 bytes not to take a block of its own (ext4), whose making and freeing is a tenth of a millisecond where `discard` is on.
    var folded: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.foldedLength)
        var value = 0
        for (index, digit) in text.utf8.enumerated() {
            value = value << 4 | Int(digit < 97 ? digit &- 48 : digit &- 87)
            guard index % 3 == 2 else { continue }
            bytes.append(Self.letter(value >> 6))
            bytes.append(Self.letter(value & 63))
            value = 0
        }
        bytes.append(Self.letter(value))
        return String(decoding: bytes, as: UTF8.self)
    }

    static let foldedLength = 43

    init?(folded: some Collection<UInt8>) {
        guard folded.count == Self.foldedLength else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)
        var value = 0
        for (index, letter) in folded.enumerated() {
            guard let part = Self.value(letter) else { return nil }
            if index == Self.foldedLength - 1 {
                guard part < 16 else { return nil }
                bytes.append(Self.digits[part])
                continue
            }
            value = value << 6 | part
            guard index % 2 == 1 else { continue }
            for shift in [8, 4, 0] { bytes.append(Self.digits[value >> shift & 15]) }
            value = 0
        }
        self.init(String(decoding: bytes, as: UTF8.self))
    }

    private static func letter(_ value: Int) -> UInt8 {
        switch value {
        case ..<26: UInt8(ascii: "A") + UInt8(value)
        case ..<52: UInt8(ascii: "a") + UInt8(value - 26)
        case ..<62: UInt8(ascii: "0") + UInt8(value - 52)
        case 62: UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    private static func value(_ letter: UInt8) -> Int? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(letter - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(letter - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(letter - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
