// SPDX-License-Identifier: Apache-2.0

/// The object that fills a slot.
struct KeyedSlot<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: JSONWriter
    let slot: JSONWriter.Slot

    var codingPath: [any CodingKey] { [] }

    private func member(_ key: some CodingKey) throws -> JSONWriter.Slot { try writer.member(key.stringValue, of: slot) }

    /// For the functions that cannot throw: whatever is then written to the slot of a closed object throws in their place.
    private func encoder(_ key: some CodingKey) -> SlotEncoder {
        SlotEncoder(writer: writer, slot: (try? member(key)) ?? .closed)
    }

    func encodeNil(forKey key: Key) throws { try writer.writeNull(in: member(key)) }
    func encode(_ value: Bool, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: String, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Double, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Float, forKey key: Key) throws { try writer.write(Double(value), in: member(key)) }
    func encode(_ value: Int, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Int8, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Int16, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Int32, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: Int64, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: UInt, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: UInt8, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: UInt16, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: UInt32, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode(_ value: UInt64, forKey key: Key) throws { try writer.write(value, in: member(key)) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws { try writer.encode(value, in: member(key)) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) -> KeyedEncodingContainer<Nested> {
        encoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { encoder(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { encoder(JSONKey(stringValue: "super")) }
    func superEncoder(forKey key: Key) -> any Encoder { encoder(key) }
}

/// The list that fills a slot.
struct UnkeyedSlot: UnkeyedEncodingContainer {
    let writer: JSONWriter
    let slot: JSONWriter.Slot
    private(set) var count = 0

    init(writer: JSONWriter, slot: JSONWriter.Slot) {
        self.writer = writer
        self.slot = slot
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func element() throws -> JSONWriter.Slot {
        count += 1
        return try writer.element(of: slot)
    }

    private mutating func encoder() -> SlotEncoder { SlotEncoder(writer: writer, slot: (try? element()) ?? .closed) }

    mutating func encodeNil() throws { try writer.writeNull(in: element()) }
    mutating func encode(_ value: Bool) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: String) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Double) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Float) throws { try writer.write(Double(value), in: element()) }
    mutating func encode(_ value: Int) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Int8) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Int16) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Int32) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: Int64) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: UInt) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: UInt8) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: UInt16) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: UInt32) throws { try writer.write(value, in: element()) }
    mutating func encode(_ value: UInt64) throws { try writer.write(value, in: element()) }
    mutating func encode<Value: Encodable>(_ value: Value) throws { try writer.encode(value, in: element()) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        encoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoder().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { encoder() }
}
