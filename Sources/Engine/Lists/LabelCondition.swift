// SPDX-License-Identifier: Apache-2.0

/// A condition on labels, `KEY` or `KEY=VALUE`: that one is there, with that value if one was given.
package struct LabelCondition: Sendable {
    private let key: String
    private let value: String?

    package init(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        key = parts.first ?? ""
        value = parts.count > 1 ? parts[1] : nil
    }

    package func holds(for labels: [String: String]?) -> Bool {
        guard let found = labels?[key] else { return false }
        return value == nil || value == found
    }
}
