// SPDX-License-Identifier: Apache-2.0

/// The conditions of `events --filter`: those of one kind are alternatives, those of different kinds must all hold.
package struct EventFilter: Sendable {
    private var wanted: [(key: String, value: String)] = []

    private static let keys = ["container", "event", "image", "label", "network", "scope", "type", "volume"]
    /// Things of docker's that there are none of here: nothing ever happens to them.
    private static let foreign = ["builder", "config", "daemon", "node", "plugin", "secret", "service"]

    package init() {}

    /// Takes one more condition, `KEY=VALUE`.
    package mutating func add(_ text: String) throws(EngineError) {
        let word = try FilterWord(text)
        let (key, value) = (word.key, word.value)
        guard Self.keys.contains(key) || Self.foreign.contains(key) else {
            throw .refused("there is no filter '\(key)'; there are \(Self.keys.joined(separator: ", "))")
        }
        if key == "type", Event.Kind(rawValue: value) == nil, !Self.foreign.contains(value) {
            let kinds = Event.Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw .refused("the filter type=\(value) is none of \(kinds)")
        }
        wanted.append((key, value))
    }

    package func holds(for event: Event) -> Bool {
        wanted.allSatisfy { condition in wanted.contains { $0.key == condition.key && Self.holds($0.key, $0.value, event) } }
    }

    private static func holds(_ key: String, _ value: String, _ event: Event) -> Bool {
        switch key {
        case "type": return event.kind.rawValue == value
        case "scope": return value == "local"
        // `exec_create` stands for `exec_create: sh -c …` too.
        case "event": return event.action == value || event.action.hasPrefix(value + ":")
        case "label": return LabelCondition(value).holds(for: event.attributes)
        case "image":
            guard event.kind == .image else { return name(event.attributes["image"] ?? "", is: value) }
            return event.subject == value || name(event.attributes["name"] ?? "", is: value)
        default:
            if event.kind.rawValue == key { return event.subject.hasPrefix(value) || (event.attributes["name"] ?? "").hasPrefix(value) }
            // What happened to a network or volume for the sake of a container.
            return key == "container" && !value.isEmpty && (event.attributes["container"] ?? "").hasPrefix(value)
        }
    }

    /// An image's name with or without its tag.
    private static func name(_ name: String, is value: String) -> Bool { name == value || name.hasPrefix(value + ":") }
}
