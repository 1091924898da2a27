// SPDX-License-Identifier: Apache-2.0
package import JSON

extension JSONValue {
    /// The same value with every text made safe to show, see `escapeVisible`.
    package var visible: JSONValue {
        switch self {
        case .string(let text): return .string(escapeVisible(text))
        case .array(let elements): return .array(elements.map { $0.visible })
        case .object(let object):
            return .object(JSONObject(distinct: object.members.map { (escapeVisible($0.name), $0.value.visible) }))
        default: return self
        }
    }

    /// This value as JSON on one line.
    package func jsonText() throws(UsageError) -> String {
        do { return String(decoding: try JSONEncoder().encode(self), as: UTF8.self) } catch { throw UsageError("\(error)") }
    }
}

// MARK: - As templates see a value

extension JSONValue {
    /// What `{{ }}` prints, in Go's way: `[a b]`, `map[k:v]`, `<no value>`.
    var templateText: String {
        switch self {
        case .null: "<no value>"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .double(let value): value.description
        case .string(let text): text
        case .array(let elements): "[" + elements.map { $0.templateText }.joined(separator: " ") + "]"
        case .object(let object): "map[" + object.sortedMembers.map { $0.name + ":" + $0.value.templateText }.joined(separator: " ") + "]"
        }
    }

    /// What `if` takes for true: all but null, false, zero and what is empty.
    var isTruthful: Bool {
        switch self {
        case .null: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .double(let value): value != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let object): !object.members.isEmpty
        }
    }

    /// The kind of value, for sentences.
    var kind: String {
        switch self {
        case .null: "nothing"
        case .bool: "a boolean"
        case .int, .double: "a number"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSONObject {
    /// In the order of their names, as Go walks a map.
    var sortedMembers: [Member] { members.sorted { $0.name < $1.name } }
}
