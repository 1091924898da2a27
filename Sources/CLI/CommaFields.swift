// SPDX-License-Identifier: Apache-2.0

/// Fields with commas between them, as docker's `--mount` has them. One that has a comma itself stands in double quotes, in which two of
/// them mean one (RFC 4180).
package struct CommaFields: Equatable, Sendable {
    package private(set) var fields: [String] = []

    package init(_ text: String) throws(UsageError) {
        var rest = text.utf8[...]
        while !rest.isEmpty {
            fields.append(try Self.field(&rest, of: text))
            guard let comma = rest.popFirst() else { break }
            guard comma == UInt8(ascii: ",") else { throw UsageError("in '\(text)' something follows a closing quote") }
        }
    }

    private static func field(_ rest: inout Substring.UTF8View, of text: String) throws(UsageError) -> String {
        let quote = UInt8(ascii: "\"")
        guard rest.first == quote else {
            let field = rest.prefix { $0 != UInt8(ascii: ",") }
            guard !field.contains(quote) else { throw UsageError("in '\(text)' a quote stands within a field, not around it") }
            rest = rest[field.endIndex...]
            return String(Substring(field))
        }
        rest.removeFirst()
        var bytes: [UInt8] = []
        while let byte = rest.popFirst() {
            if byte == quote {
                guard rest.first == quote else { return String(decoding: bytes, as: UTF8.self) }
                rest.removeFirst()
            }
            bytes.append(byte)
        }
        throw UsageError("in '\(text)' a quote is not closed")
    }
}
