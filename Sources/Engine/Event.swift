// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON
package import Linux
import Network

/// Something that happened to a container, image, volume or network, in docker's words.
package struct Event: Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable { case container, image, volume, network }

    package let kind: Kind
    /// docker's verb, `start`; those of exec and health have a text behind a colon.
    package let action: String
    /// The id of what it happened to; a volume's name.
    package let subject: String
    package let attributes: [String: String]
    package let moment: Timestamp

    package init(_ kind: Kind, _ action: String, _ subject: String, _ attributes: [String: String] = [:], at moment: Timestamp = .now) {
        self.kind = kind
        self.action = action
        self.subject = subject
        self.attributes = attributes
        self.moment = moment
    }
}

extension Event {
    /// In the shape of docker's API. The first three members are its old ones, which only containers and images have.
    package var value: JSONValue {
        var object = JSONObject()
        if kind == .container || kind == .image {
            object["status"] = .string(action)
            object["id"] = .string(subject)
            if kind == .container { object["from"] = .string(attributes["image"] ?? "") }
        }
        object["Type"] = .string(kind.rawValue)
        object["Action"] = .string(action)
        object["Actor"] = ["ID": .string(subject), "Attributes": .texts(attributes)]
        object["scope"] = "local"
        object["time"] = .int(moment.nanoseconds / 1_000_000_000)
        object["timeNano"] = .int(moment.nanoseconds)
        return .object(object)
    }

    /// One line of the journal.
    var line: [UInt8] {
        // Texts and whole numbers: there is nothing in them that cannot be written.
        ((try? JSONEncoder().encode(value)) ?? []) + [UInt8(ascii: "\n")]
    }

    /// Reads what `line` writes, without the line break. Nil for what is none, such as a line that a full disk cut off.
    init?(line: [UInt8]) {
        guard let root = try? JSONDocument(line).root, let value = try? JSONValue(root),
            let kind = value["Type"]?.string.flatMap(Kind.init(rawValue:)), let action = value["Action"]?.string,
            let subject = value["Actor"]?["ID"]?.string, let nanoseconds = value["timeNano"]?.int
        else { return nil }
        var attributes: [String: String] = [:]
        for member in value["Actor"]?["Attributes"]?.object?.members ?? [] { attributes[member.name] = member.value.string }
        self.init(kind, action, subject, attributes, at: Timestamp(nanoseconds: nanoseconds))
    }
}

extension Home {
    /// Writes an event down.
    package func tell(_ kind: Event.Kind, _ action: String, _ subject: String, _ attributes: [String: String] = [:]) {
        Journal(root: path).add(Event(kind, action, subject, attributes))
    }

    /// Writes an event of a container down, with its labels, image and name, as docker has it.
    package func tell(_ action: String, _ record: Record, _ more: [String: String] = [:]) {
        tell(.container, action, record.id, record.eventAttributes(more))
    }

    /// Writes an event of a network down.
    func tell(_ action: String, _ network: NetworkDefinition, of container: String? = nil) {
        var attributes = ["name": network.name, "type": network.driver.rawValue]
        if let container { attributes["container"] = container }
        tell(.network, action, network.id, attributes)
    }

    /// What is told when a container has ended: that the kernel killed it for want of memory, and with which code.
    func tellEnd(_ end: Record.End, of record: Record) {
        // One whose program never ran has not ended: it says why, with a code.
        guard record.start != nil, end.reason == nil || end.exitCode == nil else { return }
        if end.outOfMemory == true { tell("oom", record) }
        var more = ["exitCode": "\(end.exitCode ?? 255)"]
        if let start = record.start.flatMap({ Timestamp($0.at) }), let over = Timestamp(end.at) {
            more["execDuration"] = "\(max(0, over.nanoseconds - start.nanoseconds) / 1_000_000_000)"
        }
        tell("die", record, more)
    }
}

extension Container {
    /// The same where there is no home at hand.
    package func tell(_ action: String, _ more: [String: String] = [:]) {
        let root = path.dropLast("/containers/".utf8.count + id.text.utf8.count)
        Journal(root: String(root)).add(Event(.container, action, id.text, record.eventAttributes(more)))
    }
}

extension Record {
    func eventAttributes(_ more: [String: String]) -> [String: String] {
        var attributes = labels ?? [:]
        attributes["image"] = image
        attributes["name"] = name
        for (key, value) in more { attributes[key] = value }
        return attributes
    }
}
