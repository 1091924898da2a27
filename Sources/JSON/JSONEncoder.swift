// SPDX-License-Identifier: Apache-2.0

/// Writes `Encodable` values as JSON: members in the order a type encodes them, dictionaries in the order of their keys.
package struct JSONEncoder {
    private let isPretty: Bool

    /// - Parameter pretty: one member a line, four spaces a level, as `docker inspect` prints.
    package init(pretty: Bool = false) {
        isPretty = pretty
    }

    package func encode(_ value: some Encodable) throws(JSONError) -> [UInt8] {
        var text = JSONText(isPretty: isPretty)
        text.reserve(4096)
        try text.encode(value)
        return text.bytes
    }

    package func encode(_ value: some JSONCoded) throws(JSONError) -> [UInt8] {
        var text = JSONText(isPretty: isPretty)
        text.reserve(4096)
        try value.write(to: &text)
        return text.bytes
    }
}

extension JSONText {
    /// Writes a value by Swift's encoding protocols.
    mutating func encode(_ value: some Encodable) throws(JSONError) {
        let writer = JSONWriter(self)
        self = JSONText(isPretty: isPretty)
        do {
            try writer.encode(value, in: writer.root)
            self = try writer.finish()
        } catch let error as JSONError {
            throw error
        } catch let error as EncodingError {
            throw JSONError(error)
        } catch {
            throw .unencodable(path: "", reason: "\(error)")
        }
    }
}

extension JSONError {
    fileprivate init(_ error: EncodingError) {
        switch error {
        case .invalidValue(_, let context): self = .unencodable(path: JSONKey.path(context.codingPath), reason: context.debugDescription)
        @unknown default: self = .unencodable(path: "", reason: "\(error)")
        }
    }
}

/// The encoder of one slot, and its own single-value container.
struct SlotEncoder: Encoder, SingleValueEncodingContainer {
    let writer: JSONWriter
    let slot: JSONWriter.Slot

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        // Keys that hold a string name data (a dictionary's), keys that are cases of an enum name fields.
        writer.open(.object, in: slot, isSorted: MemoryLayout<Key>.size >= MemoryLayout<String>.size)
        return KeyedEncodingContainer(KeyedSlot<Key>(writer: writer, slot: slot))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        writer.open(.array, in: slot)
        return UnkeyedSlot(writer: writer, slot: slot)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws { try writer.writeNull(in: slot) }
    func encode(_ value: Bool) throws { try writer.write(value, in: slot) }
    func encode(_ value: String) throws { try writer.write(value, in: slot) }
    func encode(_ value: Double) throws { try writer.write(value, in: slot) }
    func encode(_ value: Float) throws { try writer.write(Double(value), in: slot) }
    func encode(_ value: Int) throws { try writer.write(value, in: slot) }
    func encode(_ value: Int8) throws { try writer.write(value, in: slot) }
    func encode(_ value: Int16) throws { try writer.write(value, in: slot) }
    func encode(_ value: Int32) throws { try writer.write(value, in: slot) }
    func encode(_ value: Int64) throws { try writer.write(value, in: slot) }
    func encode(_ value: UInt) throws { try writer.write(value, in: slot) }
    func encode(_ value: UInt8) throws { try writer.write(value, in: slot) }
    func encode(_ value: UInt16) throws { try writer.write(value, in: slot) }
    func encode(_ value: UInt32) throws { try writer.write(value, in: slot) }
    func encode(_ value: UInt64) throws { try writer.write(value, in: slot) }
    func encode<Value: Encodable>(_ value: Value) throws { try writer.encode(value, in: slot) }
}
