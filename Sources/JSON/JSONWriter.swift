// SPDX-License-Identifier: Apache-2.0

/// The text under construction and the containers still open in it. Values go straight to the bytes; a container closes
/// when something is written around it, which is when Swift's encoding protocols let one know that it is complete.
final class JSONWriter {
    private(set) var out: [UInt8] = []
    private var frames: [Frame]
    private let isPretty: Bool
    private var lastSlot = 0
    /// The first misuse in a function that cannot throw.
    private var failure: JSONError?

    /// A place for exactly one value: in the frame at `depth`, numbered once per document.
    struct Slot {
        fileprivate let depth: Int
        fileprivate let number: Int

        /// No place: writing here throws.
        static let closed = Slot(depth: 0, number: -2)
    }

    enum Shape {
        case root, array, object
    }

    private struct Frame {
        let shape: Shape
        /// The number of the slot this container fills.
        let number: Int
        var isEmpty = true
        /// The slot opened last, and whether its value is still to come.
        var slot = 0
        var isAwaiting = false
        var name = ""
        /// For an object whose names come from data, where its members are: they are put in order when it closes.
        var members: [(name: String, start: Int, end: Int)]?
    }

    init(isPretty: Bool) {
        self.isPretty = isPretty
        frames = [Frame(shape: .root, number: -1, isAwaiting: true)]
        frames.reserveCapacity(16)
        out.reserveCapacity(4096)
    }

    var root: Slot { Slot(depth: 0, number: 0) }

    /// Closes everything; what was asked for but never written is an empty object.
    func finish() throws -> [UInt8] {
        close(to: 1)
        settle()
        if let failure { throw failure }
        return out
    }

    // MARK: slots

    /// A place for the member `name` of the object that fills `object`.
    func member(_ name: String, of object: Slot) throws -> Slot {
        try resume(object)
        separate()
        let last = frames.count - 1
        frames[last].members?.append((name, out.count, 0))
        frames[last].name = name
        append(name)
        out.append(UInt8(ascii: ":"))
        if isPretty { out.append(UInt8(ascii: " ")) }
        return expectValue(last)
    }

    /// A place for the next element of the list that fills `array`.
    func element(of array: Slot) throws -> Slot {
        try resume(array)
        separate()
        return expectValue(frames.count - 1)
    }

    private func expectValue(_ frame: Int) -> Slot {
        lastSlot += 1
        frames[frame].slot = lastSlot
        frames[frame].isAwaiting = true
        return Slot(depth: frame, number: lastSlot)
    }

    /// Goes back to the container that fills `slot`, closing what was opened in it.
    private func resume(_ slot: Slot) throws {
        if let failure { throw failure }
        guard frames.count > slot.depth + 1, frames[slot.depth + 1].number == slot.number else {
            throw JSONError.unencodable(path: path, reason: "a container was written to after the next value had begun")
        }
        close(to: slot.depth + 2)
        settle()
    }

    /// Begins the value of `slot`.
    private func fill(_ slot: Slot) throws {
        if let failure { throw failure }
        close(to: slot.depth + 1)
        guard frames.count == slot.depth + 1, frames[slot.depth].slot == slot.number, frames[slot.depth].isAwaiting else {
            throw JSONError.unencodable(path: path, reason: "two values in one place")
        }
        frames[slot.depth].isAwaiting = false
    }

    // MARK: containers

    /// Opens the container that fills `slot`, or goes on with it if it is already open.
    func open(_ shape: Shape, in slot: Slot, isSorted: Bool = false) {
        if frames.count > slot.depth + 1, frames[slot.depth + 1].number == slot.number, frames[slot.depth + 1].shape == shape { return }
        do {
            try fill(slot)
        } catch {
            failure = failure ?? error as? JSONError
            return
        }
        frames.append(Frame(shape: shape, number: slot.number, members: isSorted ? [] : nil))
        out.append(shape == .object ? UInt8(ascii: "{") : UInt8(ascii: "["))
    }

    private func close(to count: Int) {
        while frames.count > max(count, 1) {
            settle()
            let frame = frames.removeLast()
            if let members = frame.members { sort(members) }
            if !frame.isEmpty { newline() }
            out.append(frame.shape == .object ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        }
    }

    /// Completes the last member: a value that wrote nothing is an empty object.
    private func settle() {
        let last = frames.count - 1
        if frames[last].isAwaiting {
            frames[last].isAwaiting = false
            out.append(contentsOf: [UInt8(ascii: "{"), UInt8(ascii: "}")])
        }
        guard let count = frames[last].members?.count, count > 0 else { return }
        if frames[last].members?[count - 1].end == 0 { frames[last].members?[count - 1].end = out.count }
    }

    /// Puts the members of the object that ends here into the order of their names' bytes.
    private func sort(_ members: [(name: String, start: Int, end: Int)]) {
        guard members.count > 1 else { return }
        let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let body = members[0].start
        let separator = out[members[0].end..<members[1].start]
        var ordered: [UInt8] = []
        ordered.reserveCapacity(out.count - body)
        for member in sorted {
            if !ordered.isEmpty { ordered.append(contentsOf: separator) }
            ordered.append(contentsOf: out[member.start..<member.end])
        }
        out.replaceSubrange(body..., with: ordered)
    }

    private func separate() {
        let last = frames.count - 1
        if !frames[last].isEmpty { out.append(UInt8(ascii: ",")) }
        frames[last].isEmpty = false
        newline()
    }

    private func newline() {
        guard isPretty else { return }
        out.append(UInt8(ascii: "\n"))
        out.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 4 * (frames.count - 1)))
    }

    private var path: String {
        JSONKey.path(frames.compactMap { $0.shape == .object ? JSONKey(stringValue: $0.name) : nil })
    }
}

// MARK: - values

extension JSONWriter {
    func writeNull(in slot: Slot) throws {
        try fill(slot)
        out.append(contentsOf: "null".utf8)
    }

    func write(_ value: Bool, in slot: Slot) throws {
        try fill(slot)
        out.append(contentsOf: (value ? "true" : "false").utf8)
    }

    func write(_ value: String, in slot: Slot) throws {
        try fill(slot)
        append(value)
    }

    func write(_ value: some FixedWidthInteger, in slot: Slot) throws {
        try fill(slot)
        out.append(contentsOf: String(value).utf8)
    }

    /// The shortest digits that read back as the same number; whole ones without a fraction.
    func write(_ value: Double, in slot: Slot) throws {
        guard value.isFinite else { throw JSONError.unencodable(path: path, reason: "\(value) is not a number in JSON") }
        try fill(slot)
        let text = value.description
        out.append(contentsOf: text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...])
    }

    func encode<Value: Encodable>(_ value: Value, in slot: Slot) throws {
        try value.encode(to: SlotEncoder(writer: self, slot: slot))
    }

    /// A string in quotes, escaped where RFC 8259 demands it, in Go's spelling.
    private func append(_ text: String) {
        out.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            var plain = 0
            for at in bytes.indices where bytes[at] < 0x20 || bytes[at] == UInt8(ascii: "\"") || bytes[at] == UInt8(ascii: "\\") {
                out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[plain..<at]))
                appendEscape(bytes[at])
                plain = at + 1
            }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[plain...]))
        }
        out.append(UInt8(ascii: "\""))
    }

    private func appendEscape(_ byte: UInt8) {
        out.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: out.append(UInt8(ascii: "b"))
        case 0x09: out.append(UInt8(ascii: "t"))
        case 0x0a: out.append(UInt8(ascii: "n"))
        case 0x0c: out.append(UInt8(ascii: "f"))
        case 0x0d: out.append(UInt8(ascii: "r"))
        case ..<0x20:
            out.append(contentsOf: byte < 0x10 ? "u000".utf8 : "u001".utf8)
            out.append(contentsOf: String(byte & 0xf, radix: 16).utf8)
        default: out.append(byte)
        }
    }
}
