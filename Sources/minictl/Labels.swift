// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON

extension [String: String] {
    /// In the order of their keys, as a table shows labels.
    var labelText: String { sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",") }

    /// For `{{.Label "KEY"}}` in a template.
    var labelLookups: JSONObject { ["Label": .object(JSONObject(texts: self))] }

    /// The last one of a key counts; one without a value has an empty one.
    mutating func add(_ pair: KeyValue) { self[pair.key] = pair.value ?? "" }
}

extension [String: String]? {
    mutating func add(_ pair: KeyValue) {
        var pairs = self ?? [:]
        pairs.add(pair)
        self = pairs
    }
}
