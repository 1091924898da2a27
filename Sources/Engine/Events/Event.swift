// SPDX-License-Identifier: Apache-2.0
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
        for mount in record.mounts ?? [] where mount.isVolume {
            tell(.volume, "unmount", mount.name ?? "", ["container": record.id, "driver": "local"])
        }
    }

    /// What is told when everything without use of one kind has been removed.
    func tellPrune(_ kind: Event.Kind, bytes: Int64 = 0) { tell(kind, "prune", "", ["reclaimed": "\(bytes)"]) }
}

extension Container {
    /// The same where there is no home at hand.
    package func tell(_ action: String, _ more: [String: String] = [:]) {
        journal.add(Event(.container, action, id.text, record.eventAttributes(more)))
    }

    /// Keeps an event for a moment when nobody waits: at the latest it is told before the next.
    mutating func keep(_ action: String) { untold.append(Event(.container, action, id.text, record.eventAttributes([:]))) }

    mutating func tellKept() {
        journal.add(untold)
        untold = []
    }

    private var journal: Journal { Journal(root: String(path.dropLast("/containers/".utf8.count + id.text.utf8.count))) }

    /// What is told when its program runs: first of the volumes it has.
    func tellStart() {
        for mount in record.mounts ?? [] where mount.isVolume {
            let details = [
                "container": id.text, "destination": mount.destination, "driver": "local", "propagation": "",
                "read/write": "\(mount.writable)",
            ]
            journal.add(Event(.volume, "mount", mount.name ?? "", details))
        }
        tell("start")
    }
}

extension Record.MountPoint {
    fileprivate var isVolume: Bool { name != nil }
}

extension Record {
    func eventAttributes(_ more: [String: String]) -> [String: String] {
        var attributes = more
        if attributes["image"] == nil { attributes["image"] = image }
        if attributes["name"] == nil { attributes["name"] = name }
        // An image may bring megabytes of labels, and the journal is for others too.
        guard let labels, labels.count <= 200 else { return attributes }
        for (key, value) in labels where attributes[key] == nil && key.utf8.count + value.utf8.count <= 4096 { attributes[key] = value }
        return attributes
    }
}
