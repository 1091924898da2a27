// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private struct Everything: Codable, Equatable {
    var flag = true
    var small: Int8 = -128
    var word: UInt16 = 65535
    var large: UInt64 = .max
    var least: Int64 = .min
    var half: Double = 0.5
    var single: Float = 1.5
    var text = "a\"b\\c\n\u{1}\u{1f}é😀<&>"
    var list = [[1, 2], [], [3]]
    var map = ["z": 1, "a": 2, "m": 3]
    var none: Int?
    var some: String? = "x"
    var sparse: [Int?] = [1, nil, 3]
    var free: JSONValue = ["k": [1, "two", true, .null, .double(2.5), [:]], "a": .null]
    var nested = Nested()

    struct Nested: Codable, Equatable {
        var pairs = [Pair(name: "a", value: 1), Pair(name: "b", value: nil)]
    }

    struct Pair: Codable, Equatable {
        var name: String
        var value: Int?
    }
}

private func text(_ value: some Encodable, pretty: Bool = false) throws -> String {
    String(decoding: try JSONEncoder(pretty: pretty).encode(value), as: UTF8.self)
}

private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws(JSONError) -> Value {
    try JSONDecoder().decode(type, from: Array(text.utf8))
}

@Suite("The coder")
struct CoderTests {
    @Test("reads back what it wrote", arguments: [false, true])
    func roundTrip(_ pretty: Bool) throws {
        let value = Everything()
        let bytes = try JSONEncoder(pretty: pretty).encode(value)
        #expect(try JSONDecoder().decode(Everything.self, from: bytes) == value)
    }

    @Test("writes members as declared, dictionaries in order, nil not at all")
    func order() throws {
        #expect(
            try text(Everything()) == #"{"flag":true,"small":-128,"word":65535,"large":18446744073709551615,"least":-9223372036854775808,"#
                + #""half":0.5,"single":1.5,"text":"a\"b\\c\n\u0001\u001fé😀<&>","list":[[1,2],[],[3]],"map":{"a":2,"m":3,"z":1},"#
                + #""some":"x","sparse":[1,null,3],"free":{"k":[1,"two",true,null,2.5,{}],"a":null},"#
                + #""nested":{"pairs":[{"name":"a","value":1},{"name":"b"}]}}"#
        )
    }

    @Test("indents by four spaces and keeps empty containers on one line")
    func pretty() throws {
        let value: JSONValue = ["a": [1, [:]], "b": [], "c": ["d": .null]]
        #expect(
            try text(value, pretty: true) == """
                {
                    "a": [
                        1,
                        {}
                    ],
                    "b": [],
                    "c": {
                        "d": null
                    }
                }
                """
        )
        #expect(
            try text(["b": ["y": 1, "x": 2], "a": [:]], pretty: true)
                == "{\n    \"a\": {},\n    \"b\": {\n        \"x\": 2,\n        \"y\": 1\n    }\n}")
    }

    @Test("writes the shortest numbers")
    func numbers() throws {
        #expect(try text([1.0, -2.0, 0.1, 1e300, 1e15, 5e-9]) == "[1,-2,0.1,1e+300,1000000000000000,5e-09]")
    }

    @Test("cannot say what is not a number", arguments: [Double.nan, .infinity, -.infinity])
    func notNumbers(_ value: Double) {
        #expect(throws: JSONError.self) { try JSONEncoder().encode(["a": value]) }
    }

    @Test(
        "names the place and the expectation",
        arguments: [
            (#"{"name":1}"#, "name: expected a string"),
            (#"{"name":null}"#, "name: expected a string, found null"),
            (#"{"value":1}"#, "name: missing"),
            (#"{"name":"a","value":1.5}"#, "value: expected a whole number from -9223372036854775808 to 9223372036854775807"),
            (#"{"name":"a","value":[]}"#, "value: expected a whole number from -9223372036854775808 to 9223372036854775807, found a list"),
            ("[]", "expected an object, found a list"),
        ]
    )
    func errors(_ json: String, _ message: String) {
        let error = #expect(throws: JSONError.self) { try decode(Everything.Pair.self, json) }
        #expect(error?.description == message)
    }

    @Test("quotes hostile names in errors")
    func hostileNames() {
        let error = #expect(throws: JSONError.self) { try decode([String: [Int8]].self, #"{"a.\u001b]0;x":[1,300]}"#) }
        #expect(error?.description == #"["a.\u{1b}]0;x"][1]: expected a whole number from -128 to 127"#)
    }

    @Test("null is no value for an optional and an empty list for a list")
    func null() throws {
        #expect(try decode(Everything.Pair.self, #"{"name":"a","value":null}"#).value == nil)
        #expect(try decode([Int].self, "null").isEmpty)
        #expect(try decode([Int]?.self, "null") == nil)
        #expect(throws: JSONError.self) { try decode([String: Int].self, "null") }
    }

    @Test("decodes part of a document and names the whole path")
    func part() throws {
        let document = try JSONDocument(Array(#"{"a":[{"name":"x"},{}]}"#.utf8))
        let list = try #require(document.root["a"])
        #expect(try JSONDecoder().decode(Everything.Pair.self, from: try #require(list[0])).name == "x")
        #expect(throws: JSONError.missing(path: "a[1].name")) { try JSONDecoder().decode([Everything.Pair].self, from: list) }
    }
}

// MARK: - hand-written conformances

/// Uses what synthesized conformances do not: nested containers, two containers in one place, a super encoder.
private struct ByHand: Codable, Equatable {
    var first = 1
    var inner = 2
    var list = [3, 4]
    var after = 5

    enum Key: String, CodingKey { case first, nest, list, after }
    enum Inner: String, CodingKey { case inner }

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        first = try container.decode(Int.self, forKey: .first)
        inner = try container.nestedContainer(keyedBy: Inner.self, forKey: .nest).decode(Int.self, forKey: .inner)
        var elements = try container.nestedUnkeyedContainer(forKey: .list)
        #expect(elements.count == 2)
        list = []
        while !elements.isAtEnd { list.append(try elements.decode(Int.self)) }
        #expect(throws: (any Error).self) { try elements.decode(Int.self) }
        after = try Int(from: container.superDecoder(forKey: .after))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(first, forKey: .first)
        var nested = container.nestedContainer(keyedBy: Inner.self, forKey: .nest)
        try nested.encode(inner, forKey: .inner)
        var elements = container.nestedUnkeyedContainer(forKey: .list)
        for element in list { try elements.encode(element) }
        var again = encoder.container(keyedBy: Key.self)
        try after.encode(to: again.superEncoder(forKey: .after))
    }
}

private struct Interleaved: Encodable {
    enum Key: String, CodingKey { case a, b }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        var a = container.nestedUnkeyedContainer(forKey: .a)
        var b = container.nestedUnkeyedContainer(forKey: .b)
        try b.encode(1)
        try a.encode(2)
    }
}

private struct Twice: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(1)
        try container.encode(2)
    }
}

private struct Nothing: Encodable {
    func encode(to encoder: any Encoder) throws {}
}

@Suite("A hand-written conformance")
struct HandWrittenTests {
    @Test("may nest containers and return to one")
    func nested() throws {
        let bytes = try JSONEncoder().encode(ByHand())
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"first":1,"nest":{"inner":2},"list":[3,4],"after":5}"#)
        #expect(try JSONDecoder().decode(ByHand.self, from: bytes) == ByHand())
    }

    @Test("that writes out of order or twice is an error, never broken JSON")
    func misuse() {
        #expect(throws: JSONError.self) { try JSONEncoder().encode(Interleaved()) }
        #expect(throws: JSONError.self) { try JSONEncoder().encode(Twice()) }
    }

    @Test("that writes nothing is an empty object")
    func nothing() throws {
        #expect(try text(Nothing()) == "{}")
        #expect(try text([Nothing(), Nothing()]) == "[{},{}]")
        #expect(try text(["b": Nothing(), "a": Nothing()]) == #"{"a":{},"b":{}}"#)
    }
}
