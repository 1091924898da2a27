// SPDX-License-Identifier: Apache-2.0

/// Turns bytes into a tape in one pass. It keeps no stack: an open container's `next` names the container around it.
struct JSONParser {
    private let bytes: [UInt8]
    private let limits: JSONLimits
    private(set) var tape: [JSONTape] = []
    private var at = 0
    private var open: UInt32 = Self.nowhere
    private var depth = 0

    private static let nowhere = UInt32.max

    private enum Expectation {
        case value, valueOrEnd, name, nameOrEnd, commaOrEnd, nothing
    }

    init(_ bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parse() throws(JSONError) {
        guard bytes.count <= limits.bytes else {
            throw .overLimit("\(bytes.count) bytes of JSON, more than the \(limits.bytes) that are read")
        }
        tape.reserveCapacity(min(bytes.count / 8 + 8, limits.nodes))
        var expected = Expectation.value
        while true {
            skipSpace()
            guard at < bytes.count else {
                guard expected == .nothing else { throw failure("the text ends too early") }
                return
            }
            expected = try step(expected, bytes[at])
        }
    }

    private mutating func step(_ expected: Expectation, _ byte: UInt8) throws(JSONError) -> Expectation {
        switch expected {
        case .value: return try value(byte)
        case .valueOrEnd: return byte == UInt8(ascii: "]") ? close() : try value(byte)
        case .nameOrEnd where byte == UInt8(ascii: "}"): return close()
        case .name, .nameOrEnd:
            guard byte == UInt8(ascii: "\"") else { throw failure("expected a member's name in double quotes") }
            try string()
            skipSpace()
            guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else { throw failure("expected a colon") }
            at += 1
            return .value
        case .commaOrEnd:
            let isObject = tape[Int(open)].kind == .object
            if byte == UInt8(ascii: ",") {
                at += 1
                return isObject ? .name : .value
            }
            guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw failure(isObject ? "expected a comma or a closing brace" : "expected a comma or a closing bracket")
            }
            return close()
        case .nothing: throw failure("something follows the end of the value")
        }
    }

    private mutating func value(_ byte: UInt8) throws(JSONError) -> Expectation {
        switch byte {
        case UInt8(ascii: "{"):
            try begin(.object)
            return .nameOrEnd
        case UInt8(ascii: "["):
            try begin(.array)
            return .valueOrEnd
        case UInt8(ascii: "\""): try string()
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        case UInt8(ascii: "t"): try word("true", .true)
        case UInt8(ascii: "f"): try word("false", .false)
        case UInt8(ascii: "n"): try word("null", .null)
        default: throw failure("expected a value")
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

    private mutating func append(_ kind: JSONTape.Kind, isPlain: Bool, from start: Int, next: UInt32? = nil) throws(JSONError) {
        guard tape.count < limits.nodes else { throw .overLimit("JSON of more than \(limits.nodes) values") }
        let behind = UInt32(tape.count + 1)
        tape.append(JSONTape(kind: kind, isPlain: isPlain, start: UInt32(start), end: UInt32(at), next: next ?? behind))
    }

    private mutating func skipSpace() {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): at += 1
            default: return
            }
        }
    }

    /// The error at the current byte.
    private func failure(_ reason: String) -> JSONError {
        let before = bytes[..<min(at, bytes.count)]
        let line = before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return .malformed(line: line, column: before.endIndex - start + 1, reason: reason)
    }
}

// MARK: - scalars

extension JSONParser {
    private mutating func word(_ text: StaticString, _ kind: JSONTape.Kind) throws(JSONError) {
        let start = at
        for offset in 0..<text.utf8CodeUnitCount {
            guard at < bytes.count, bytes[at] == text.utf8Start[offset] else { throw failure("expected \(text)") }
            at += 1
        }
        try append(kind, isPlain: true, from: start)
    }

    private mutating func number() throws(JSONError) {
        let start = at
        var isWhole = true
        if bytes[at] == UInt8(ascii: "-") { at += 1 }
        if at < bytes.count, bytes[at] == UInt8(ascii: "0") { at += 1 } else { try digits() }
        if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            try digits()
        }
        if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            at += 1
            if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") { at += 1 }
            try digits()
        }
        guard at - start <= 1024 else { throw .overLimit("a JSON number of more than 1024 characters") }
        try append(.number, isPlain: isWhole, from: start)
    }

    private mutating func digits() throws(JSONError) {
        let start = at
        while at < bytes.count, bytes[at] &- UInt8(ascii: "0") < 10 { at += 1 }
        guard at > start else { throw failure("expected a digit") }
    }

    private mutating func string() throws(JSONError) {
        at += 1
        let start = at
        var isPlain = true
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                try append(.string, isPlain: isPlain, from: start)
                at += 1
                return
            case UInt8(ascii: "\\"):
                isPlain = false
                try escape()
            case ..<0x20: throw failure("a control character in a string must be escaped")
            case ..<0x80: skipPlain()
            default:
                let length = sequenceLength()
                guard length > 0 else { throw failure("not UTF-8") }
                at += length
            }
        }
        throw failure("the string does not end")
    }

    /// Goes to the next byte that is more than an ASCII letter of a string. Most bytes of most documents pass here.
    private mutating func skipPlain() {
        at = bytes.withUnsafeBufferPointer { [at] bytes in
            var next = at
            while next < bytes.count, (0x20..<0x80).contains(bytes[next]), bytes[next] != UInt8(ascii: "\""),
                bytes[next] != UInt8(ascii: "\\")
            {
                next += 1
            }
            return next
        }
    }

    private mutating func escape() throws(JSONError) {
        guard at + 1 < bytes.count else { throw failure("the string does not end") }
        switch bytes[at + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"), UInt8(ascii: "n"),
            UInt8(ascii: "r"), UInt8(ascii: "t"):
            at += 2
        case UInt8(ascii: "u"):
            let code = try codeUnit()
            if code & 0xfc00 == 0xdc00 { throw failure("a low surrogate without a high one before it") }
            at += 6
            guard code & 0xfc00 == 0xd800 else { return }
            guard at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u"),
                try codeUnit() & 0xfc00 == 0xdc00
            else { throw failure("a high surrogate without a low one behind it") }
            at += 6
        default: throw failure("unknown escape")
        }
    }

    /// The value of the `\uXXXX` at the current byte.
    private func codeUnit() throws(JSONError) -> UInt16 {
        guard at + 6 <= bytes.count else { throw failure("the string does not end") }
        var code: UInt16 = 0
        for byte in bytes[at + 2..<at + 6] {
            guard let digit = hexadecimalDigit(byte) else { throw failure("expected four hexadecimal digits") }
            code = code << 4 | UInt16(digit)
        }
        return code
    }

    /// The length of the well-formed UTF-8 sequence at the current byte, or 0 (Unicode, table 3-7).
    private func sequenceLength() -> Int {
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
        return bytes[at + 2..<max(at + 2, at + length)].allSatisfy { $0 & 0xc0 == 0x80 } ? length : 0
    }
}
