// SPDX-License-Identifier: Apache-2.0

/// The text under construction and the containers still open in it. Values go straight to the bytes; a container closes
/// when something is written around it, which is when Swift's encoding protocols let one know that it is complete.
final class JSONWriter {
    private(set) var text: JSONText
    private var frames: [Frame]
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
        /// The slot opened last, and whether its value is still to come.
        var slot = 0
        var isAwaiting = false
        var name = ""
        /// For an object whose names come from data, where its members are: they are put in order when it closes.
        var members: [(name: String, start: Int, end: Int)]?
    }

    /// Goes on with `text`, which is at the place of a value.
    init(_ text: consuming JSONText) {
        self.text = text
        frames = [Frame(shape: .root, number: -1, isAwaiting: true)]
        frames.reserveCapacity(16)
    }

    var root: Slot { Slot(depth: 0, number: 0) }

    /// Closes everything; what was asked for but never written is an empty object.
    func finish() throws -> JSONText {
        close(to: 1)
        settle()
        if let failure { throw failure }
        return text
    }

    // MARK: slots

    /// A place for the member `name` of the object that fills `object`.
    func member(_ name: String, of object: Slot) throws -> Slot {
        try resume(object)
        text.separate()
        let last = frames.count - 1
        frames[last].members?.append((name, text.bytes.count, 0))
        frames[last].name = name
        text.name(name)
        return expectValue(last)
    }

    /// A place for the next element of the list that fills `array`.
    func element(of array: Slot) throws -> Slot {
        try resume(array)
        text.separate()
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
        text.open(shape == .object ? "{" : "[")
    }

    private func close(to count: Int) {
        while frames.count > max(count, 1) {
            settle()
            let frame = frames.removeLast()
            if let members = frame.members { sort(members) }
            text.close(frame.shape == .object ? "}" : "]")
        }
    }

    /// Completes the last member: a value that wrote nothing is an empty object.
    private func settle() {
        let last = frames.count - 1
        if frames[last].isAwaiting {
            frames[last].isAwaiting = false
            text.word("{}")
        }
        guard let count = frames[last].members?.count, count > 0 else { return }
        if frames[last].members?[count - 1].end == 0 { frames[last].members?[count - 1].end = text.bytes.count }
    }

    /// Puts the members of the object that ends here into the order of their names' bytes.
    private func sort(_ members: [(name: String, start: Int, end: Int)]) {
        guard members.count > 1 else { return }
        let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        let separator = members[0].end..<members[1].start
        text.reorder(from: members[0].start, sorted.map { $0.start..<$0.end }, separator: separator)
    }

    private var path: String {
        JSONKey.path(frames.compactMap { $0.shape == .object ? JSONKey(stringValue: $0.name) : nil })
    }
}

// MARK: - values

extension JSONWriter {
    func writeNull(in slot: Slot) throws {
        try fill(slot)
        text.word("null")
    }

    func write(_ value: Bool, in slot: Slot) throws {
        try fill(slot)
        text.word(value ? "true" : "false")
    }

    func write(_ value: String, in slot: Slot) throws {
        try fill(slot)
        text.string(value)
    }

    func write(_ value: some FixedWidthInteger, in slot: Slot) throws {
        try fill(slot)
        text.integer(value)
    }

    func write(_ value: Double, in slot: Slot) throws {
        guard value.isFinite else { throw JSONError.unencodable(path: path, reason: "\(value) is not a number in JSON") }
        try fill(slot)
        text.double(value)
    }

    /// A value that writes itself. The text is handed over and back, not copied.
    func writeCoded(_ value: some JSONCoded, in slot: Slot) throws {
        try fill(slot)
        try value.write(to: &text)
    }

    func encode<Value: Encodable>(_ value: Value, in slot: Slot) throws {
        try value.encode(to: SlotEncoder(writer: self, slot: slot))
    }
}
