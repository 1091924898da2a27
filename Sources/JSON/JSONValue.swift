// SPDX-License-Identifier: Apache-2.0

/// Any JSON value, for what has no type of its own: templates, passed-through configuration.
package indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// A number is `int` if it is whole and fits 64 bits, else the nearest `double`.
    package init(_ node: JSONNode) throws(JSONError) {
        switch node.entry.kind {
        case .null: self = .null
        case .false: self = .bool(false)
        case .true: self = .bool(true)
        case .string: self = .string(node.document.text(node.index))
        case .number:
            if let value = node.integer(Int64.self) {
                self = .int(value)
            } else if let value = node.double {
                self = .double(value)
            } else {
                throw .mismatch(path: node.path, reason: "expected a number that fits 64 bits")
            }
        case .array:
            var elements: [JSONValue] = []
            for element in node.elements { elements.append(try JSONValue(element)) }
            self = .array(elements)
        case .object:
            var object = JSONObject()
            // Of doubled names the last counts; the dictionary keeps a hostile object from costing the square of its size.
            var positions: [String: Int] = [:]
            for (name, value) in node.members {
                let member = JSONObject.Member(name: name, value: try JSONValue(value))
                if let position = positions.updateValue(object.members.count, forKey: name) {
                    positions[name] = position
                    object.members[position] = member
                } else {
                    object.members.append(member)
                }
            }
            self = .object(object)
        }
    }

    package var bool: Bool? {
        guard case .bool(let value) = self else { return nil }
        return value
    }

    package var int: Int64? {
        guard case .int(let value) = self else { return nil }
        return value
    }

    package var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    package var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    package var array: [JSONValue]? {
        guard case .array(let value) = self else { return nil }
        return value
    }

    package var object: JSONObject? {
        guard case .object(let value) = self else { return nil }
        return value
    }

    package subscript(_ name: String) -> JSONValue? { object?[name] }
}

/// An object that keeps the order its members were written in; each name is there once.
package struct JSONObject: Equatable, Sendable, ExpressibleByDictionaryLiteral {
    package struct Member: Equatable, Sendable {
        package var name: String
        package var value: JSONValue
    }

    package fileprivate(set) var members: [Member] = []

    package init() {}

    /// Of names that differ: setting one after the other would look for each among all before it.
    package init(distinct members: some Sequence<(name: String, value: JSONValue)>) {
        self.members = members.map { Member(name: $0.name, value: $0.value) }
    }

    /// In no order.
    package init(texts: [String: String]) { self.init(distinct: texts.lazy.map { ($0.key, .string($0.value)) }) }

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }

    /// Setting a new name appends it, setting nil removes it.
    package subscript(_ name: String) -> JSONValue? {
        get { members.first { $0.name == name }?.value }
        set {
            let position = members.firstIndex { $0.name == name }
            switch (position, newValue) {
            case (let position?, let value?): members[position].value = value
            case (let position?, nil): members.remove(at: position)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONValue: JSONCoded {
    package init(json: JSONNode) throws(JSONError) { try self.init(json) }

    package func write(to text: inout JSONText) throws(JSONError) {
        switch self {
        case .null: text.word("null")
        case .bool(let value): value.write(to: &text)
        case .int(let value): value.write(to: &text)
        case .double(let value):
            guard value.isFinite else { throw .unencodable(path: "", reason: "\(value) is not a number in JSON") }
            text.double(value)
        case .string(let value): value.write(to: &text)
        case .array(let elements): try text.list(elements)
        case .object(let object):
            text.open("{")
            for member in object.members {
                text.separate()
                text.name(member.name)
                try member.value.write(to: &text)
            }
            text.close("}")
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral {
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}
