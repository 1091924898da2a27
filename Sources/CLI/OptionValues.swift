// SPDX-License-Identifier: Apache-2.0

/// An amount of memory or storage in bytes, as docker's options spell it: `64m`, `1.5g`, `512 KiB`. Units are powers of 1024.
package struct ByteSize: Equatable, Sendable {
    package let bytes: Int64

    /// With `allowingUnlimited`, `-1` is taken too, and is −1 bytes.
    package init(_ text: String, allowingUnlimited: Bool = false) throws(UsageError) {
        if allowingUnlimited, text == "-1" {
            bytes = -1
            return
        }
        var rest = text[...].utf8
        guard let number = DecimalNumber(prefixOf: &rest), let unit = Self.unit(rest) else {
            throw UsageError("'\(text)' is not a size, use a number with b, k, m, g or t, for example 512m")
        }
        guard let bytes = number.times(unit) else { throw UsageError("'\(text)' is more bytes than a 64-bit number holds") }
        self.bytes = bytes
    }

    private static func unit(_ suffix: Substring.UTF8View) -> UInt64? {
        var letters = suffix
        if letters.first == UInt8(ascii: " "), letters.count > 1 { letters.removeFirst() }
        var exponent: UInt64 = 0
        if let first = letters.first, let power = "kmgtpe".utf8.enumerated().first(where: { $0.element == first | 0x20 }) {
            exponent = UInt64(power.offset) + 1
            letters.removeFirst()
            if letters.first.map({ $0 | 0x20 }) == UInt8(ascii: "i") { letters.removeFirst() }
        }
        if letters.first.map({ $0 | 0x20 }) == UInt8(ascii: "b") { letters.removeFirst() }
        return letters.isEmpty ? 1 << (10 * exponent) : nil
    }
}

extension Duration {
    /// A time as Go spells it, `1h30m`, `1.5s`, `500ms`, with `d` for days besides; not negative, at most 2⁶³−1 ns.
    package init(word text: String) throws(UsageError) {
        var nanoseconds: Int64 = 0
        var rest = text[...].utf8
        if text == "0" { rest.removeFirst() } else if rest.isEmpty { throw Self.malformed(text) }
        while !rest.isEmpty {
            guard let number = DecimalNumber(prefixOf: &rest) else { throw Self.malformed(text) }
            guard let unit = Self.unit(&rest) else { throw Self.malformed(text) }
            let sum = number.times(unit).map { nanoseconds.addingReportingOverflow($0) }
            guard let sum, !sum.overflow else { throw UsageError("'\(text)' is too long, the most is about 292 years") }
            nanoseconds = sum.partialValue
        }
        self = .nanoseconds(nanoseconds)
    }

    private static func malformed(_ text: String) -> UsageError {
        UsageError("'\(text)' is not a duration, use numbers with ms, s, m, h or d, for example 1h30m")
    }

    /// Takes a unit from the front of `text` and gives its nanoseconds.
    private static func unit(_ text: inout Substring.UTF8View) -> UInt64? {
        let isLetter: (UInt8) -> Bool = { $0 > UInt8(ascii: "9") }
        let name = text.prefix(while: isLetter)
        text = text[name.endIndex...]
        return switch String(Substring(name)) {
        case "ns": 1
        case "us", "\u{B5}s", "\u{3BC}s": 1000
        case "ms": 1_000_000
        case "s": 1_000_000_000
        case "m": 60_000_000_000
        case "h": 3_600_000_000_000
        case "d": 86_400_000_000_000
        default: nil
        }
    }
}

/// A share of processors in billionths, as `--cpus 1.5` gives it. Zero stands for no limit.
package struct NanoCPUs: Equatable, Sendable {
    package let count: Int64

    package init(_ text: String) throws(UsageError) {
        var rest = text[...].utf8
        guard let number = DecimalNumber(prefixOf: &rest), rest.isEmpty, number.scale <= 1_000_000_000 else {
            throw UsageError("'\(text)' is not a number of CPUs, use a decimal with at most 9 places, for example 1.5")
        }
        guard let count = number.times(1_000_000_000) else { throw UsageError("'\(text)' is too many CPUs") }
        self.count = count
    }
}

/// `KEY=VALUE`, or `KEY` alone where that has a meaning of its own.
package struct KeyValue: Equatable, Sendable {
    package let key: String
    /// Nil where there was no `=`.
    package let value: String?

    package init(_ text: String, requiresValue: Bool = false) throws(UsageError) {
        let equals = text.utf8.firstIndex(of: UInt8(ascii: "="))
        key = String(text[..<(equals ?? text.endIndex)])
        value = equals.map { String(text[text.utf8.index(after: $0)...]) }
        if key.isEmpty { throw UsageError("'\(text)' has no name before '='") }
        if key.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { throw UsageError("the name in '\(text)' has a control character") }
        if value?.utf8.contains(0) ?? false { throw UsageError("the value of \(key) has a null byte") }
        if requiresValue, value == nil { throw UsageError("'\(text)' has no value, use \(key)=VALUE") }
    }
}

extension FixedWidthInteger {
    /// A whole decimal number within `range`: digits, with a minus sign where the range has negatives.
    package init(word text: String, in range: ClosedRange<Self> = Self.min...Self.max) throws(UsageError) {
        // Swift's own initialiser also takes "+5".
        guard text.utf8.first != UInt8(ascii: "+"), let value = Self(text), range.contains(value) else {
            throw UsageError("'\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        self = value
    }
}
