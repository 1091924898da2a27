// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A closed list of words from a specification. A word that is not on it is a decoding error that names it.
package protocol Vocabulary: RawRepresentable, CaseIterable, JSONCoded, Hashable, Sendable where RawValue == String {
    /// What one word is called in an error sentence.
    static var noun: String { get }
}

extension Vocabulary {
    package init(json: JSONNode) throws(JSONError) {
        let word = try String(json: json)
        guard let value = Self(rawValue: word) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw .mismatch(path: json.path, reason: "unknown \(Self.noun) \(quoted(word)), known are \(known)")
        }
        self = value
    }

    package func write(to text: inout JSONText) { text.string(rawValue) }
}
