// SPDX-License-Identifier: Apache-2.0

/// A parsed text: its bytes and a flat tape of where each value begins and ends. Nothing is copied until it is asked for.
package final class JSONDocument: Sendable {
    let bytes: [UInt8]
    let tape: [JSONTape]

    /// Reads `bytes` once, without recursion, by RFC 8259 and nothing more lenient.
    package init(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var parser = JSONParser(limits: limits)
        try parser.parse(bytes.span)
        self.bytes = bytes
        tape = parser.tape
    }

    package var root: JSONNode { JSONNode(document: self, index: 0) }

    /// The value of an object's member; of several with one name the last, as Go and docker read it.
    func member(_ name: String, of object: Int) -> Int? {
        guard tape[object].kind == .object else { return nil }
        var name = name
        return name.withUTF8 { wanted in
            tape.withUnsafeBufferPointer { tape in
                bytes.withUnsafeBufferPointer { bytes in member(wanted, of: object, tape, bytes) }
            }
        }
    }

    /// Every record asks for each of its members by name, so this loop is most of the reading of one.
    private func member(
        _ wanted: UnsafeBufferPointer<UInt8>, of object: Int, _ tape: UnsafeBufferPointer<JSONTape>, _ bytes: UnsafeBufferPointer<UInt8>
    ) -> Int? {
        let end = Int(tape[object].next)
        var found: Int?
        var key = object + 1
        while key < end {
            let entry = tape[key]
            let start = Int(entry.start)
            if !entry.isPlain {
                if text(key).utf8.elementsEqual(wanted) { found = key + 1 }
            } else if Int(entry.end) - start == wanted.count {
                var offset = 0
                while offset < wanted.count, bytes[start + offset] == wanted[offset] { offset += 1 }
                if offset == wanted.count { found = key + 1 }
            }
            key = Int(tape[key + 1].next)
        }
        return found
    }

    /// The string at `index`, escapes undone.
    func text(_ index: Int) -> String {
        let entry = tape[index]
        let place = Int(entry.start)..<Int(entry.end)
        guard entry.isPlain else { return String(decoding: unescaped(bytes[place]), as: UTF8.self) }
        return bytes.withUnsafeBufferPointer { String(decoding: UnsafeBufferPointer(rebasing: $0[place]), as: UTF8.self) }
    }

    /// The steps from the root to `index`, found again from the tape: only errors ask, so decoding keeps no path.
    func path(to index: Int) -> [JSONKey] {
        var path: [JSONKey] = []
        var at = 0
        while at < index {
            let isObject = tape[at].kind == .object
            var child = at + 1
            var position = 0
            while true {
                let value = isObject ? child + 1 : child
                let next = Int(tape[value].next)
                if index < next {
                    path.append(isObject ? .name(text(child)) : .index(position))
                    // A member's name stands for its value.
                    at = index == child ? index : value
                    break
                }
                child = next
                position += 1
            }
        }
        return path
    }
}

/// One value on the tape. An object is followed by its members as name, value, name, value; an array by its elements.
struct JSONTape {
    enum Kind: UInt8 {
        case null, `false`, `true`, number, string, array, object
    }

    var kind: Kind
    /// A string without escapes, or a number without fraction and exponent.
    var isPlain: Bool
    /// The bytes of the value, of a string without its quotes.
    var start: UInt32
    var end: UInt32
    /// The tape index behind this value and all it holds; while a container is open, the one around it.
    var next: UInt32
}

/// Undoes the escapes of a string the parser has accepted.
private func unescaped(_ raw: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(raw.count)
    var at = raw.startIndex
    while at < raw.endIndex {
        guard raw[at] == UInt8(ascii: "\\") else {
            result.append(raw[at])
            at += 1
            continue
        }
        switch raw[at + 1] {
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "n"): result.append(0x0a)
        case UInt8(ascii: "f"): result.append(0x0c)
        case UInt8(ascii: "r"): result.append(0x0d)
        case UInt8(ascii: "u"):
            var code = hexadecimal(raw, at + 2)
            at += 4
            if code & 0xfc00 == 0xd800 {
                code = 0x10000 + (code & 0x3ff) << 10 + hexadecimal(raw, at + 4) & 0x3ff
                at += 6
            }
            if let scalar = Unicode.Scalar(code) { result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) }
        case let other: result.append(other)
        }
        at += 2
    }
    return result
}

/// Four hexadecimal digits the parser has accepted.
private func hexadecimal(_ raw: ArraySlice<UInt8>, _ start: Int) -> UInt32 {
    raw[start..<start + 4].reduce(0) { $0 << 4 | UInt32(hexadecimalDigit($1) ?? 0) }
}

func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
