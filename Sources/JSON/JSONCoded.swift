// SPDX-License-Identifier: Apache-2.0

/// A value that reads and writes itself, without Swift's coding containers.
///
/// Their generic types are made at run time for each type that is coded, and each time the program's table of conformances is
/// searched: some 12 us per type, once per process.
package protocol JSONCoded {
    init(json: JSONNode) throws(JSONError)
    func write(to text: inout JSONText) throws(JSONError)
}

/// What a record holds before its members have been read. Only this module makes one, so nobody else can make a blank record.
package struct JSONBlank {
    fileprivate init() {}
}

/// An object with known members. One list of them, `members`, serves both directions.
package protocol JSONRecord: JSONCoded {
    init(_ blank: JSONBlank)
    mutating func members(_ json: inout JSONMembers) throws(JSONError)
}

extension JSONRecord {
    package init(json: JSONNode) throws(JSONError) {
        var reader = try JSONMembers(reading: json)
        self.init(JSONBlank())
        try members(&reader)
    }

    package func write(to text: inout JSONText) throws(JSONError) {
        var copy = self
        var writer = JSONMembers(source: nil, text: JSONText(isPretty: text.isPretty))
        swap(&writer.text, &text)
        writer.text.open("{")
        try copy.members(&writer)
        writer.text.close("}")
        swap(&writer.text, &text)
    }
}

/// The members of a record, on their way in or out: `try json("path", &path)`. An optional one may be absent or null and is left
/// out when it is nil; any other must be there. A list may be null, which is how Go writes one that was never made.
package struct JSONMembers {
    fileprivate let source: JSONNode?
    fileprivate var text: JSONText

    fileprivate init(source: JSONNode?, text: JSONText) {
        self.source = source
        self.text = text
    }

    /// The members of one object, to read those that are wanted.
    package init(reading json: JSONNode) throws(JSONError) {
        guard json.isObject else { throw json.unexpected("an object") }
        self.init(source: json, text: JSONText(isPretty: false))
    }

    package mutating func callAsFunction<Value: JSONCoded>(_ name: String, _ value: inout Value) throws(JSONError) {
        guard let source else { return try write(name, value) }
        value = try Value(json: source.required(name))
    }

    package mutating func callAsFunction<Value: JSONCoded>(_ name: String, _ value: inout Value?) throws(JSONError) {
        if let source {
            value = nil
            if let node = source.present(name) { value = try Value(json: node) }
        } else if let value {
            try write(name, value)
        }
    }

    /// A member that may be missing: `value` stays what it is.
    package mutating func ifPresent<Value: JSONCoded>(_ name: String, _ value: inout Value) throws(JSONError) {
        var given: Value? = value
        try self(name, &given)
        if let given { value = given }
    }

    package mutating func callAsFunction<Value: JSONCoded>(_ name: String, _ values: inout [Value]) throws(JSONError) {
        guard let source else { return try write(name, values) }
        values = try source.required(name).list()
    }

    package mutating func callAsFunction<Value: JSONCoded>(_ name: String, _ values: inout [Value]?) throws(JSONError) {
        if let source {
            values = nil
            if let node = source.present(name) { values = try node.list() }
        } else if let values {
            try write(name, values)
        }
    }

    package mutating func callAsFunction<Value: JSONCoded>(_ name: String, _ values: inout [String: Value]?) throws(JSONError) {
        if let source {
            values = nil
            if let node = source.present(name) { values = try node.map() }
        } else if let values {
            try write(name, values)
        }
    }

    // MARK: the same without generic code
    // A generic function that is called from another module is not specialised: it looks up types and witnesses at each call. These are
    // what records are mostly made of.

    package mutating func callAsFunction(_ name: String, _ value: inout String) throws(JSONError) {
        guard let source else { return try write(name, value) }
        value = try String(json: source.required(name))
    }

    package mutating func callAsFunction(_ name: String, _ value: inout String?) throws(JSONError) {
        if let source {
            value = nil
            if let node = source.present(name) { value = try String(json: node) }
        } else if let value {
            try write(name, value)
        }
    }

    package mutating func callAsFunction(_ name: String, _ value: inout Bool) throws(JSONError) {
        guard let source else { return try write(name, value) }
        value = try Bool(json: source.required(name))
    }

    package mutating func callAsFunction(_ name: String, _ value: inout Int32) throws(JSONError) {
        guard let source else { return try write(name, value) }
        value = try Int32(json: source.required(name))
    }

    package mutating func callAsFunction(_ name: String, _ value: inout UInt64) throws(JSONError) {
        guard let source else { return try write(name, value) }
        value = try UInt64(json: source.required(name))
    }

    package mutating func callAsFunction(_ name: String, _ value: inout UInt64?) throws(JSONError) {
        if let source {
            value = nil
            if let node = source.present(name) { value = try UInt64(json: node) }
        } else if let value {
            try write(name, value)
        }
    }

    package mutating func callAsFunction(_ name: String, _ values: inout [String]) throws(JSONError) {
        guard let source else { return try write(name, values) }
        values = try source.required(name).list()
    }

    package mutating func callAsFunction(_ name: String, _ values: inout [String]?) throws(JSONError) {
        if let source {
            values = nil
            if let node = source.present(name) { values = try node.list() }
        } else if let values {
            try write(name, values)
        }
    }

    package mutating func callAsFunction(_ name: String, _ values: inout [String: String]?) throws(JSONError) {
        if let source {
            values = nil
            if let node = source.present(name) { values = try node.map() }
        } else if let values {
            try write(name, values)
        }
    }

    private mutating func begin(_ name: String) {
        text.separate()
        text.name(name)
    }

    private mutating func write(_ name: String, _ value: some JSONCoded) throws(JSONError) {
        begin(name)
        try value.write(to: &text)
    }

    private mutating func write(_ name: String, _ values: [String: some JSONCoded]) throws(JSONError) {
        begin(name)
        text.open("{")
        for key in values.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            if let value = values[key] { try write(key, value) }
        }
        text.close("}")
    }

    private mutating func write(_ name: String, _ values: [some JSONCoded]) throws(JSONError) {
        begin(name)
        try text.list(values)
    }
}

extension JSONNode {
    fileprivate func required(_ name: String) throws(JSONError) -> JSONNode {
        guard let node = self[name] else { throw .missing(path: path(of: name)) }
        return node
    }

    fileprivate func present(_ name: String) -> JSONNode? {
        guard let node = self[name], !node.isNull else { return nil }
        return node
    }

    fileprivate func list<Value: JSONCoded>() throws(JSONError) -> [Value] {
        guard isArray || isNull else { throw unexpected("a list") }
        var values: [Value] = []
        for element in elements { values.append(try Value(json: element)) }
        return values
    }

    fileprivate func map<Value: JSONCoded>() throws(JSONError) -> [String: Value] {
        guard isObject else { throw unexpected("an object") }
        var values: [String: Value] = [:]
        for (name, value) in members { values[name] = try Value(json: value) }
        return values
    }
}

extension JSONText {
    mutating func list(_ values: [some JSONCoded]) throws(JSONError) {
        open("[")
        for value in values {
            separate()
            try value.write(to: &self)
        }
        close("]")
    }
}

// MARK: - scalars

extension String: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        guard let value = json.string else { throw json.unexpected("a string") }
        self = value
    }

    package func write(to text: inout JSONText) { text.string(self) }
}

extension Bool: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        guard let value = json.bool else { throw json.unexpected("true or false") }
        self = value
    }

    package func write(to text: inout JSONText) { text.word(self ? "true" : "false") }
}

extension FixedWidthInteger where Self: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        guard let value = json.integer(Self.self) else { throw json.unexpected("a whole number from \(Self.min) to \(Self.max)") }
        self = value
    }

    package func write(to text: inout JSONText) { text.integer(self) }
}

extension Int: JSONCoded {}
extension Int32: JSONCoded {}
extension Int64: JSONCoded {}
extension UInt: JSONCoded {}
extension UInt16: JSONCoded {}
extension UInt32: JSONCoded {}
extension UInt64: JSONCoded {}

/// A list that stands for itself, or in another.
extension Array: JSONCoded where Element: JSONCoded {
    package init(json: JSONNode) throws(JSONError) { self = try json.list() }

    package func write(to text: inout JSONText) throws(JSONError) { try text.list(self) }
}
