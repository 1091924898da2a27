// SPDX-License-Identifier: Apache-2.0

/// An object seen through coding keys.
struct KeyedNode<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let node: JSONNode
    /// Where each member is, once there are so many that scanning for each of them would cost the square of their number.
    private let members: [String: Int]?

    init(_ node: JSONNode) throws {
        guard node.isObject else { throw node.unexpected("an object") }
        self.node = node
        // Two tape entries per member at least: most objects are done with this comparison.
        let isLarge = Int(node.entry.next) - node.index > 64
        members = isLarge ? Dictionary(node.members.map { ($0.name, $0.value.index) }) { _, last in last } : nil
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var allKeys: [Key] { node.members.compactMap { Key(stringValue: $0.name) } }

    private func find(_ key: some CodingKey) -> JSONNode? {
        guard let members else { return node[key.stringValue] }
        return members[key.stringValue].map { JSONNode(document: node.document, index: $0) }
    }

    private func member(_ key: some CodingKey) throws -> JSONNode {
        guard let value = find(key) else { throw NodeFailure.missing(node, key.stringValue) }
        return value
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try member(key).isNull }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try member(key).decode(type) }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try member(key).decode(type) }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try member(key).decode(type) }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { Float(try member(key).decode(Double.self)) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try member(key).decodeInteger(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try member(key).decodeInteger(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try member(key).decodeInteger(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try member(key).decodeInteger(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try member(key).decodeInteger(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try member(key).decodeInteger(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try member(key).decodeInteger(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try member(key).decodeInteger(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try member(key).decodeInteger(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try member(key).decodeInteger(type) }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value { try member(key).decode(type) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws -> KeyedDecodingContainer<Nested> {
        try NodeDecoder(node: member(key)).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer { try UnkeyedNode(member(key)) }
    func superDecoder() throws -> any Decoder { NodeDecoder(node: try member(JSONKey(stringValue: "super"))) }
    func superDecoder(forKey key: Key) throws -> any Decoder { NodeDecoder(node: try member(key)) }
}

/// A list read from front to back. Null reads as an empty list, because that is how Go writes one that was never made.
struct UnkeyedNode: UnkeyedDecodingContainer {
    private let node: JSONNode
    private var at: UInt32
    private var read: UInt32 = 0

    init(_ node: JSONNode) throws {
        guard node.isArray || node.isNull else { throw node.unexpected("a list") }
        self.node = node
        at = UInt32(node.index + 1)
    }

    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int? { node.elements.reduce(0) { count, _ in count + 1 } }
    var isAtEnd: Bool { at >= node.entry.next }
    var currentIndex: Int { Int(read) }

    private var current: JSONNode {
        get throws {
            guard !isAtEnd else { throw NodeFailure.missing(node, String(read)) }
            return JSONNode(document: node.document, index: Int(at))
        }
    }

    /// The current element through `body`; the list moves on only if that succeeds.
    private mutating func next<Value>(_ body: (JSONNode) throws -> Value) throws -> Value {
        let element = try current
        let value = try body(element)
        at = element.entry.next
        read += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        guard try current.isNull else { return false }
        return try next { _ in true }
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.decode(type) } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.decode(type) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.decode(type) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { Float(try $0.decode(Double.self)) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.decodeInteger(type) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.decodeInteger(type) } }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next { try $0.decode(type) } }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws -> KeyedDecodingContainer<Nested> {
        try next { try NodeDecoder(node: $0).container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try next { try UnkeyedNode($0) } }
    mutating func superDecoder() throws -> any Decoder { try next { NodeDecoder(node: $0) } }
}
