// SPDX-License-Identifier: Apache-2.0

/// Writes values as JSON: members in the order of their record, dictionaries in the order of their keys.
package struct JSONEncoder {
    private let isPretty: Bool

    /// - Parameter pretty: one member a line, four spaces a level, as `docker inspect` prints.
    package init(pretty: Bool = false) {
        isPretty = pretty
    }

    package func encode(_ value: some JSONCoded) throws(JSONError) -> [UInt8] {
        var text = JSONText(isPretty: isPretty)
        text.reserve(4096)
        try value.write(to: &text)
        return text.bytes
    }
}
