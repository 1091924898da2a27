// SPDX-License-Identifier: Apache-2.0

import JSON

/// A closed list of words from a specification. A word that is not on it is a decoding error that names it.
package protocol Vocabulary: RawRepresentable, CaseIterable, Codable, Hashable, Sendable where RawValue == String {
    /// What one word is called in an error sentence.
    static var noun: String { get }
}

extension Vocabulary {
    package init(from decoder: any Decoder) throws {
        let word = try decoder.singleValueContainer().decode(String.self)
        guard let value = Self(rawValue: word) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            let reason = "unknown \(Self.noun) \(quoted(word)), known are \(known)"
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: reason))
        }
        self = value
    }
}
