// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

private struct Everything: JSONRecord, Equatable {
    var flag = true
    var word: UInt16 = 65535
    var large: UInt64 = .max
    var least: Int64 = .min
    var text = "a\"b\\c\n\u{1}\u{1f}é😀<&>"
    var list = [[1, 2], [], [3]]
    var map: [String: Int]? = ["z": 1, "a": 2, "m": 3]
    var none: Int?
    var some: String? = "x"
    var free: JSONValue = ["k": [1, "two", true, .null, .double(2.5), [:]], "a": .null]
    var pairs = [Pair(name: "a", value: 1), Pair(name: "b", value: nil)]

    init() {}
    init(_: JSONBlank) {}

    mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("flag", &flag)
        try json("word", &word)
        try json("large", &large)
        try json("least", &least)
        try json("text", &text)
        try json("list", &list)
        try json("map", &map)
        try json("none", &none)
        try json("some", &some)
        try json("free", &free)
        try json("pairs", &pairs)
    }
}

/// A map of lists.
struct Lists: JSONRecord {
    var lists: [String: [Int]]?

    init(_: JSONBlank) {}

    mutating func members(_ json: inout JSONMembers) throws(JSONError) { try json("lists", &lists) }
}

private struct Pair: JSONRecord, Equatable {
    var name: String
    var value: Int?

    init(name: String, value: Int?) {
        self.name = name
        self.value = value
    }

    init(_: JSONBlank) { self.init(name: "", value: nil) }

    mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("name", &name)
        try json("value", &value)
    }
}

private func text(_ value: some JSONCoded, pretty: Bool = false) throws -> String {
    String(decoding: try JSONEncoder(pretty: pretty).encode(value), as: UTF8.self)
}

private func decode<Value: JSONCoded>(_ type: Value.Type, _ text: String) throws(JSONError) -> Value {
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
            try text(Everything()) == #"{"flag":true,"word":65535,"large":18446744073709551615,"least":-9223372036854775808,"#
                + #""text":"a\"b\\c\n\u0001\u001fé😀<&>","list":[[1,2],[],[3]],"map":{"a":2,"m":3,"z":1},"some":"x","#
                + #""free":{"k":[1,"two",true,null,2.5,{}],"a":null},"pairs":[{"name":"a","value":1},{"name":"b"}]}"#
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
    }

    @Test("writes the shortest numbers")
    func numbers() throws {
        #expect(try text([1.0, -2.0, 0.1, 1e300, 1e15, 5e-9].map(JSONValue.double)) == "[1,-2,0.1,1e+300,1000000000000000,5e-09]")
    }

    @Test("cannot say what is not a number", arguments: [Double.nan, .infinity, -.infinity])
    func notNumbers(_ value: Double) {
        #expect(throws: JSONError.self) { try JSONEncoder().encode(["a": .double(value)] as JSONValue) }
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
        let error = #expect(throws: JSONError.self) { try decode(Pair.self, json) }
        #expect(error?.description == message)
    }

    @Test("quotes hostile names in errors")
    func hostileNames() {
        var json = Array(#"{"flag":true,"word":1,"large":1,"least":1,"text":"","list":[],"map":{"a.\u001b]0;x":1.5}}"#.utf8)
        let error = #expect(throws: JSONError.self) { try JSONDecoder().decode(Everything.self, from: json) }
        #expect(error?.description.hasPrefix(#"map["a.\u{1b}]0;x"]: expected a whole number"#) == true)
        json = Array(#"[[1],[2,3000000000]]"#.utf8)
        #expect(throws: JSONError.mismatch(path: "[1][1]", reason: "expected a whole number from -2147483648 to 2147483647")) {
            try JSONDecoder().decode([[Int32]].self, from: json)
        }
    }

    @Test("null is no value for an optional and an empty list for a list")
    func null() throws {
        #expect(try decode(Pair.self, #"{"name":"a","value":null}"#).value == nil)
        #expect(try decode([Int].self, "null").isEmpty)
        #expect(throws: JSONError.self) { try decode([Pair].self, #"[null]"#) }
    }

    @Test("decodes part of a document and names the whole path")
    func part() throws {
        let document = try JSONDocument(Array(#"{"a":[{"name":"x"},{}]}"#.utf8))
        let list = try #require(document.root["a"])
        #expect(try JSONDecoder().decode(Pair.self, from: try #require(list[0])).name == "x")
        #expect(throws: JSONError.missing(path: "a[1].name")) { try JSONDecoder().decode([Pair].self, from: list) }
    }
}
