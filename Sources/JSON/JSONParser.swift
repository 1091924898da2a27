// SPDX-License-Identifier: Apache-2.0

/// Turns bytes into a tape in one pass. It keeps no stack: an open container's `next` names the container around it.
/// The bytes are handed down as a `Span`, whose places are checked like an array's, but which nobody has to keep alive at each step.
struct JSONParser {
    private let limits: JSONLimits
    private(set) var tape: [JSONTape] = []
    private var at = 0
    private var open: UInt32 = Self.nowhere
    private var depth = 0

    private static let nowhere = UInt32.max

    private enum Expectation {
        case value, valueOrEnd, name, nameOrEnd, commaOrEnd, nothing
    }

    init(limits: JSONLimits) { self.limits = limits }

    mutating func parse(_ bytes: Span<UInt8>) throws(JSONError) {
        guard bytes.count <= limits.bytes else {
            throw .overLimit("\(bytes.count) bytes of JSON, more than the \(limits.bytes) that are read")
        }
        tape.reserveCapacity(min(bytes.count / 8 + 8, limits.nodes))
        var expected = Expectation.value
        while true {
            skipSpace(bytes)
            guard at < bytes.count else {
                guard expected == .nothing else { throw failure("the text ends too early", bytes) }
                return
            }
            expected = try step(expected, bytes[at], bytes)
        }
    }

    private mutating func step(_ expected: Expectation, _ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONError) -> Expectation {
        switch expected {
        case .value: return try value(byte, bytes)
        case .valueOrEnd: return byte == UInt8(ascii: "]") ? close() : try value(byte, bytes)
        case .nameOrEnd where byte == UInt8(ascii: "}"): return close()
        case .name, .nameOrEnd:
            guard byte == UInt8(ascii: "\"") else { throw failure("expected a member's name in double quotes", bytes) }
            try string(bytes)
            skipSpace(bytes)
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw failure("expected a colon", bytes) }
            at += 1
            return .value
        case .commaOrEnd:
            let isObject = tape[Int(open)].kind == .object
            if byte == UInt8(ascii: ",") {
                at += 1
                return isObject ? .name : .value
            }
            guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw failure(isObject ? "expected a comma or a closing brace" : "expected a comma or a closing bracket", bytes)
            }
            return close()
        case .nothing: throw failure("something follows the end of the value", bytes)
        }
    }

    private mutating func value(_ byte: UInt8, _ bytes: Span<UInt8>) throws(JSONError) -> Expectation {
        switch byte {
        case UInt8(ascii: "{"):
            try begin(.object)
            return .nameOrEnd
        case UInt8(ascii: "["):
            try begin(.array)
            return .valueOrEnd
        case UInt8(ascii: "\""): try string(bytes)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number(bytes)
        case UInt8(ascii: "t"): try word("true", .true, bytes)
        case UInt8(ascii: "f"): try word("false", .false, bytes)
        case UInt8(ascii: "n"): try word("null", .null, bytes)
        default: throw failure("expected a value", bytes)
        }
        return open == Self.nowhere ? .nothing : .commaOrEnd
    }

    private mutating func begin(_ kind: JSONTape.Kind) throws(JSONError) {
        guard depth < limits.depth else { throw .overLimit("JSON nested deeper than \(limits.depth) levels") }
        depth += 1
        let index = UInt32(tape.count)
        try append(kind, isPlain: true, from: at, next: open)
        open = index
        at += 1
    }

    private mutating func close() -> Expectation {
        at += 1
        depth -= 1
        let index = Int(open)
        open = tape[index].next
        tape[index].end = UInt32(at)
        tape[index].next = UInt32(tape.count)
        return open == Self.nowhere ? .nothing : .commaOrEnd
    }

    @inline(__always)
    private mutating func append(_ kind: JSONTape.Kind, isPlain: Bool, from start: Int, next: UInt32? = nil) throws(JSONError) {
        guard tape.count < limits.nodes else { throw .overLimit("JSON of more than \(limits.nodes) values") }
        let behind = UInt32(tape.count + 1)
        tape.append(JSONTape(kind: kind, isPlain: isPlain, start: UInt32(start), end: UInt32(at), next: next ?? behind))
    }

    @inline(__always)
    private mutating func skipSpace(_ bytes: Span<UInt8>) {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): at += 1
            default: return
            }
        }
    }

    /// The error at the current byte.
    private func failure(_ reason: String, _ bytes: Span<UInt8>) -> JSONError {
        var line = 1
        var column = 1
        for index in 0..<min(at, bytes.count) {
            column += 1
            if bytes[index] == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) }
        }
        return .malformed(line: line, column: column, reason: reason)
    }
}

// MARK: - scalars

extension JSONParser {
    private mutating func word(_ text: StaticString, _ kind: JSONTape.Kind, _ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        for offset in 0..<text.utf8CodeUnitCount {
            guard at < bytes.count, bytes[at] == text.utf8Start[offset] else { throw failure("expected \(text)", bytes) }
            at += 1
        }
        try append(kind, isPlain: true, from: start)
    }

    private mutating func number(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        var isWhole = true
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits(bytes) }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            try digits(bytes)
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try digits(bytes)
        }
        guard at - start <= 1024 else { throw .overLimit("a JSON number of more than 1024 characters") }
        try append(.number, isPlain: isWhole, from: start)
    }

    @inline(__always)
    private mutating func digits(_ bytes: Span<UInt8>) throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 { at += 1 }
        guard at > start else { throw failure("expected a digit", bytes) }
    }

    private mutating func string(_ bytes: Span<UInt8>) throws(JSONError) {
        at += 1
        let start = at
        var isPlain = true
        while true {
            skipPlain(bytes)
            guard at < bytes.count else { throw failure("the string does not end", bytes) }
            switch bytes[at] {
            case UInt8(ascii: "\""):
                try append(.string, isPlain: isPlain, from: start)
                at += 1
                return
            case UInt8(ascii: "\\"):
                isPlain = false
                try escape(bytes)
            case ..<0x20: throw failure("a control character in a string must be escaped", bytes)
            default:
                let length = sequenceLength(bytes)
                guard length > 0 else { throw failure("not UTF-8", bytes) }
                at += length
            }
        }
    }

    /// Goes to the next byte that is more than an ASCII letter of a string. Most bytes of most documents pass here, eight at a time.
    @inline(__always)
    private mutating func skipPlain(_ bytes: Span<UInt8>) {
        while at + 8 <= bytes.count {
            let word = bytes.bytes.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
            let special = Self.special(UInt64(littleEndian: word))
            if special != 0 {
                at += special.trailingZeroBitCount / 8
                return
            }
            at += 8
        }
        while at < bytes.count, Self.special(UInt64(bytes[at]) | 0x2020_2020_2020_2000) == 0 { at += 1 }
    }

    /// Of eight bytes, the first in the lowest place, the high bits of those that are no plain letters. What is said of bytes above the first
    /// such one may be wrong: a subtraction there may have borrowed.
    private static func special(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
        let control = (word &- ones &* 0x20) & ~word
        let quote = zeros(word ^ (ones &* UInt64(UInt8(ascii: "\""))))
        let escape = zeros(word ^ (ones &* UInt64(UInt8(ascii: "\\"))))
        return (word | control | quote | escape) & (ones &* 0x80)
    }

    private mutating func escape(_ bytes: Span<UInt8>) throws(JSONError) {
        guard at + 1 < bytes.count else { throw failure("the string does not end", bytes) }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let code = try codeUnit(bytes)
            if code & 0xfc00 == 0xdc00 { throw failure("a low surrogate without a high one before it", bytes) }
            at += 6
            guard code & 0xfc00 == 0xd800 else { return }
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u"),
                try codeUnit(bytes) & 0xfc00 == 0xdc00
            else { throw failure("a high surrogate without a low one behind it", bytes) }
            at += 6
        default: throw failure("unknown escape", bytes)
        }
    }

    /// The value of the `\uXXXX` at the current byte.
    private func codeUnit(_ bytes: Span<UInt8>) throws(JSONError) -> UInt16 {
        guard at + 6 <= bytes.count else { throw failure("the string does not end", bytes) }
        var code: UInt16 = 0
        for index in at + 2..<at + 6 {
            guard let digit = hexadecimalDigit(bytes[index]) else { throw failure("expected four hexadecimal digits", bytes) }
            code = code << 4 | UInt16(digit)
        }
        return code
    }

    /// The length of the well-formed UTF-8 sequence at the current byte, or 0 (Unicode, table 3-7).
    private func sequenceLength(_ bytes: Span<UInt8>) -> Int {
        let lead = bytes[at]
        let second: ClosedRange<UInt8>
        let length: Int
        switch lead {
        case 0xc2...0xdf: (length, second) = (2, 0x80...0xbf)
        case 0xe0: (length, second) = (3, 0xa0...0xbf)
        case 0xed: (length, second) = (3, 0x80...0x9f)
        case 0xe1...0xef: (length, second) = (3, 0x80...0xbf)
        case 0xf0: (length, second) = (4, 0x90...0xbf)
        case 0xf1...0xf3: (length, second) = (4, 0x80...0xbf)
        case 0xf4: (length, second) = (4, 0x80...0x8f)
        default: return 0
        }
        guard at + length <= bytes.count, second.contains(bytes[at + 1]) else { return 0 }
        for index in at + 2..<max(at + 2, at + length) where bytes[index] & 0xc0 != 0x80 { return 0 }
        return length
    }
}
