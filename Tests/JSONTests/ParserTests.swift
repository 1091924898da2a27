// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private func parse(_ text: String, _ limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONNode {
    try JSONDocument(Array(text.utf8), limits: limits).root
}

private func isMalformed(_ bytes: [UInt8]) -> Bool {
    do {
        _ = try JSONDocument(bytes)
        return false
    } catch {
        guard case .malformed = error else { return false }
        return true
    }
}

@Suite("The parser")
struct ParserTests {
    @Test(
        "accepts what RFC 8259 allows",
        arguments: [
            "0", "-0", "10", "1.5", "-0.1e+10", "1E3", "true", "false", "null", "\"\"", "[]", "{}", " [ 1 , 2 ] ",
            "\t\r\n{ \"a\" : [ ] }\n",
            #""\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00""#, "\"\u{7f}\u{10ffff}\"", "[[[[]]]]", #"{"a":{"b":[{}]}}"#,
        ]
    )
    func accepts(_ text: String) throws {
        _ = try parse(text)
    }

    @Test(
        "refuses what RFC 8259 does not allow",
        arguments: [
            "", " ", "tru", "nul", "True", "NaN", "Infinity", "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x10", "--1", "[", "]", "[1",
            "[1,", "[1,]",
            "[,1]", "[1 2]", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{1:2}", "{\"a\" 1}", "{\"a\":1]",
            "[1}", "1 2", "{} {}", "\"", "\"a", "'a'", "// x\n1", #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\udc00""#,
            #""\ud800\u0041""#, #""\ud800\ud800""#, "\"\n\"", "\"\u{0}\"", "\u{feff}1", "nulll", #""\"#, #""\u"#,
        ]
    )
    func refuses(_ text: String) {
        #expect(isMalformed(Array(text.utf8)))
    }

    @Test(
        "refuses text that is not UTF-8",
        arguments: [
            [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x80, 0x80], [0xe2, 0x82], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80],
            [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xff], [0xe2, 0x28, 0xa1], [0xf0, 0x9f, 0x98],
        ] as [[UInt8]]
    )
    func refusesBadText(_ bytes: [UInt8]) {
        #expect(isMalformed([0x22] + bytes + [0x22]))
        #expect(isMalformed([0x22] + bytes))
    }

    @Test("knows every byte at every place of a string")
    func everyByte() throws {
        let letters = Array("abcdefghijklmnopqrstuvwxyz".utf8)
        for place in letters.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = letters
                bytes[place] = byte
                let text = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
                switch byte {
                case 0x20..<0x80 where byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\"):
                    #expect(try JSONDocument(text).root.string == String(decoding: bytes, as: UTF8.self))
                // `\b`, `\f`, `\n`, `\r`, `\t`, `\"`
                case UInt8(ascii: "\\") where [0, 4, 12, 16, 18, 25].contains(place): _ = place
                default: #expect(isMalformed(text), "\(byte) at \(place)")
                }
            }
        }
    }

    @Test("says where the text goes wrong")
    func position() {
        #expect(throws: JSONError.malformed(line: 2, column: 6, reason: "expected a colon")) { try parse("{\n \"a\" 1}") }
        #expect(throws: JSONError.malformed(line: 1, column: 1, reason: "the text ends too early")) { try parse("") }
    }
}

@Suite("The limits")
struct LimitTests {
    @Test("64 levels are read and 65 are not")
    func depth() throws {
        _ = try parse(String(repeating: "[", count: 64) + String(repeating: "]", count: 64))
        #expect(throws: JSONError.overLimit("JSON nested deeper than 64 levels")) {
            try parse(String(repeating: "[", count: 65) + String(repeating: "]", count: 65))
        }
    }

    @Test("half a million open brackets cost nothing", arguments: ["[", "{\"a\":", "[{\"a\":"])
    func bomb(_ unit: String) {
        #expect(throws: JSONError.overLimit("JSON nested deeper than 64 levels")) { try parse(String(repeating: unit, count: 500_000)) }
    }

    @Test("half a million levels are read without recursion if someone allows them")
    func deep() throws {
        let count = 500_000
        let limits = JSONLimits(depth: count, nodes: count)
        let document = try JSONDocument([UInt8](repeating: 0x5b, count: count) + [UInt8](repeating: 0x5d, count: count), limits: limits)
        #expect(document.root.isArray)
    }

    @Test("five megabytes are refused unread")
    func bytes() {
        #expect(throws: JSONError.overLimit("5242880 bytes of JSON, more than the 4194304 that are read")) {
            try JSONDocument([UInt8](repeating: 0x20, count: 5 << 20))
        }
    }

    @Test("the number of values is bounded")
    func nodes() throws {
        _ = try parse("[1,2,3]", JSONLimits(nodes: 4))
        #expect(throws: JSONError.overLimit("JSON of more than 4 values")) { try parse("[1,2,3,4]", JSONLimits(nodes: 4)) }
        #expect(throws: JSONError.overLimit("JSON of more than 262144 values")) {
            try parse("[" + String(repeating: "[],", count: 300_000))
        }
    }

    @Test("a number of a million digits is refused")
    func longNumber() {
        #expect(throws: JSONError.overLimit("a JSON number of more than 1024 characters")) {
            try parse(String(repeating: "9", count: 1_000_000))
        }
    }

    @Test("an object of fifty thousand members is decoded in linear time")
    func manyMembers() throws {
        let members = (0..<50_000).map { "\"k\($0)\":\"\"" }.joined(separator: ",")
        let decoded = try JSONDecoder().decode(JSONValue.self, from: Array("{\(members)}".utf8))
        #expect(decoded.object?.members.count == 50_000)
    }
}

@Suite("A node")
struct NodeTests {
    @Test("finds members and elements")
    func lookup() throws {
        let root = try parse(#"{"config":{"digest":"d","\u0073ize":7},"list":[10,[],20],"yes":true,"no":false,"nil":null,"pi":3.25}"#)
        #expect(root["config"]?["digest"]?.string == "d")
        #expect(root["config"]?["size"]?.int == 7)
        #expect(root["list"]?[2]?.int == 20)
        #expect(root["list"]?[3] == nil)
        #expect(root["list"]?[-1] == nil)
        #expect(root["list"]?["x"] == nil)
        #expect(root["yes"]?.bool == true)
        #expect(root["no"]?.bool == false)
        #expect(root["nil"]?.isNull == true)
        #expect(root["pi"]?.double == 3.25)
        #expect(root["pi"]?.int == nil)
        #expect(root["none"] == nil)
        #expect(root.members.map(\.name) == ["config", "list", "yes", "no", "nil", "pi"])
        #expect(root["list"]?.elements.map(\.path) == ["list[0]", "list[1]", "list[2]"])
        #expect(root["list"].map { String(decoding: $0.bytes, as: UTF8.self) } == "[10,[],20]")
    }

    @Test("the last of doubled names counts, as in Go")
    func doubled() throws {
        #expect(try parse(#"{"a":1,"b":0,"a":2}"#)["a"]?.int == 2)
        #expect(try JSONDecoder().decode(Lists.self, from: Array(#"{"lists":{"a":[1],"a":[2]}}"#.utf8)).lists == ["a": [2]])
        #expect(try JSONValue(parse(#"{"a":1,"b":0,"a":2}"#)) == ["a": 2, "b": 0])
    }

    @Test("undoes escapes")
    func escapes() throws {
        #expect(try parse(#""\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00\u0000z""#).string == "\"\\/\u{8}\u{c}\n\r\té😀\0z")
    }

    @Test(
        "reads whole numbers exactly and no others",
        arguments: [
            ("0", 0), ("-0", 0), ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min), ("1.0", 1), ("1e3", 1000),
            ("12.50e2", 1250),
            ("1000e-3", 1), ("0e999999999999999999999", 0), ("0.0", 0), ("92233720368547758070e-1", Int.max), ("9223372036854775808", nil),
            ("-9223372036854775809", nil), ("1.5", nil), ("1e-1", nil), ("1e19", nil), ("1e999999999999999999999", nil), ("\"1\"", nil),
            ("1e-999999999999999999999", nil), ("99999999999999999999999999", nil), ("true", nil),
        ] as [(String, Int?)]
    )
    func wholeNumbers(_ text: String, _ expected: Int?) throws {
        #expect(try parse(text).int == expected)
    }

    @Test("reads no number that is too large for a double")
    func largeNumbers() throws {
        #expect(try parse("1e308").double == 1e308)
        #expect(try parse("1e309").double == nil)
        #expect(try parse("18446744073709551615").integer(UInt64.self) == UInt64.max)
        #expect(try parse("-1").integer(UInt64.self) == nil)
        #expect(try parse("256").integer(UInt8.self) == nil)
    }
}
