// SPDX-License-Identifier: Apache-2.0

/// Makes `Decodable` values from JSON text within limits. Errors name the place: `process.user.uid: expected a whole number …`.
package struct JSONDecoder {
    private let limits: JSONLimits

    package init(limits: JSONLimits = JSONLimits()) {
        self.limits = limits
    }

    package func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(JSONError) -> Value {
        try decode(type, from: JSONDocument(bytes, limits: limits).root)
    }

    package func decode<Value: JSONCoded>(_ type: Value.Type, from bytes: [UInt8]) throws(JSONError) -> Value {
        try Value(json: JSONDocument(bytes, limits: limits).root)
    }

    package func decode<Value: JSONCoded>(_ type: Value.Type, from node: JSONNode) throws(JSONError) -> Value {
        try Value(json: node)
    }

    package func decode<Value: Decodable>(_ type: Value.Type, from node: JSONNode) throws(JSONError) -> Value {
        do {
            return try node.decode(type)
        } catch let failure as NodeFailure {
            throw failure.error
        } catch let error as JSONError {
            throw error
        } catch let error as DecodingError {
            throw JSONError(error)
        } catch {
            throw .mismatch(path: node.path, reason: "\(error)")
        }
    }
}

/// A failure at a node. Its path is found only once nobody has caught it, so trying alternatives stays cheap.
enum NodeFailure: Error {
    case mismatch(JSONNode, String)
    case missing(JSONNode, String)

    var error: JSONError {
        switch self {
        case .mismatch(let node, let reason): .mismatch(path: node.path, reason: reason)
        case .missing(let node, let name): .missing(path: JSONKey.path(node.codingPath + [JSONKey(stringValue: name)]))
        }
    }
}

extension JSONError {
    fileprivate init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context): self = .missing(path: JSONKey.path(context.codingPath + [key]))
        case .valueNotFound(_, let context), .typeMismatch(_, let context), .dataCorrupted(let context):
            self = .mismatch(path: JSONKey.path(context.codingPath), reason: context.debugDescription)
        @unknown default: self = .mismatch(path: "", reason: "\(error)")
        }
    }
}

// MARK: - one value

extension JSONNode {
    func decode(_ type: String.Type) throws -> String {
        guard let value = string else { throw unexpected("a string") }
        return value
    }

    func decode(_ type: Bool.Type) throws -> Bool {
        guard let value = bool else { throw unexpected("true or false") }
        return value
    }

    func decode(_ type: Double.Type) throws -> Double {
        guard let value = double else { throw unexpected("a number") }
        return value
    }

    func decodeInteger<Value: FixedWidthInteger>(_ type: Value.Type) throws -> Value {
        guard let value = integer(type) else { throw unexpected("a whole number from \(Value.min) to \(Value.max)") }
        return value
    }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try Value(from: NodeDecoder(node: self))
    }

    func unexpected(_ wanted: String) -> NodeFailure {
        .mismatch(self, entry.kind == .number ? "expected \(wanted)" : "expected \(wanted), found \(kind)")
    }
}

/// The decoder of one node, and its own single-value container. Two words, so it travels inside the existential.
struct NodeDecoder: Decoder, SingleValueDecodingContainer {
    let node: JSONNode

    var codingPath: [any CodingKey] { node.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        try KeyedDecodingContainer(KeyedNode<Key>(node))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try UnkeyedNode(node) }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func decodeNil() -> Bool { node.isNull }
    func decode(_ type: Bool.Type) throws -> Bool { try node.decode(type) }
    func decode(_ type: String.Type) throws -> String { try node.decode(type) }
    func decode(_ type: Double.Type) throws -> Double { try node.decode(type) }
    func decode(_ type: Float.Type) throws -> Float { Float(try node.decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try node.decodeInteger(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try node.decodeInteger(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try node.decodeInteger(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try node.decodeInteger(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try node.decodeInteger(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try node.decodeInteger(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try node.decodeInteger(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try node.decodeInteger(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try node.decodeInteger(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try node.decodeInteger(type) }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try node.decode(type) }
}
