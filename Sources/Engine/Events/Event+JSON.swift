// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux

extension Event {
    /// In the shape of docker's API.
    package var value: JSONValue { (try? JSONDocument(line.dropLast()).root).flatMap { try? JSONValue($0) } ?? .null }

    /// One line of the journal.
    var line: [UInt8] {
        // Texts and whole numbers: there is nothing in them that cannot be written.
        ((try? JSONEncoder().encode(EventShape(self))) ?? []) + [UInt8(ascii: "\n")]
    }

    /// Reads what `line` writes, without the line break. Nil for what is none, such as a line that a full disk cut off.
    init?(line: [UInt8]) {
        guard let shape = try? JSONDecoder().decode(EventShape.self, from: line), let kind = Kind(rawValue: shape.kind) else { return nil }
        let moment = Timestamp(nanoseconds: shape.nanoseconds)
        self.init(kind, shape.action, shape.actor.id, shape.actor.attributes ?? [:], at: moment)
    }
}

/// An event as docker's API has it.
private struct EventShape: JSONRecord {
    // The old members, which only containers and images have.
    var status: String?
    var id: String?
    var from: String?

    var kind = ""
    var action = ""
    var actor = Actor()
    var scope = "local"
    var seconds: Int64 = 0
    var nanoseconds: Int64 = 0

    struct Actor: JSONRecord {
        var id = ""
        var attributes: [String: String]?

        init() {}

        init(_ blank: JSONBlank) {}

        mutating func members(_ json: inout JSONMembers) throws(JSONError) {
            try json("ID", &id)
            try json("Attributes", &attributes)
        }
    }

    init(_ event: Event) {
        if event.kind == .container || event.kind == .image {
            status = event.action
            id = event.subject
        }
        if event.kind == .container { from = event.attributes["image"] ?? "" }
        kind = event.kind.rawValue
        action = event.action
        actor.id = event.subject
        actor.attributes = event.attributes
        seconds = event.moment.nanoseconds / 1_000_000_000
        nanoseconds = event.moment.nanoseconds
    }

    init(_ blank: JSONBlank) {}

    mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("status", &status)
        try json("id", &id)
        try json("from", &from)
        try json("Type", &kind)
        try json("Action", &action)
        try json("Actor", &actor)
        try json("scope", &scope)
        try json("time", &seconds)
        try json("timeNano", &nanoseconds)
    }
}
