// SPDX-License-Identifier: Apache-2.0

import JSON

/// Why no runtime may act on a specification.
package enum SpecError: Error, Equatable, CustomStringConvertible {
    case unsupportedVersion(String)
    case missing(field: String)
    case invalid(field: String, reason: String)

    package var description: String {
        switch self {
        case .unsupportedVersion(let version): "ociVersion: \(quoted(version)) is not supported, only 1.x.y is"
        case .missing(let field): "\(field): missing"
        case .invalid(let field, let reason): "\(field): \(reason)"
        }
    }
}

// Field names are closures: a sound specification never pays for their text.

/// Any text that becomes a C string: a zero byte would silently cut it short.
func check(_ text: String?, _ field: @autoclosure () -> String) throws(SpecError) {
    if let text, text.utf8.contains(0) { throw .invalid(field: field(), reason: "contains a zero byte") }
}

func check(_ texts: [String]?, _ field: String) throws(SpecError) {
    for (index, text) in (texts ?? []).enumerated() { try check(text, "\(field)[\(index)]") }
}

func check(absolute path: String, _ field: @autoclosure () -> String) throws(SpecError) {
    guard path.utf8.first == UInt8(ascii: "/") else {
        throw .invalid(field: field(), reason: path.isEmpty ? "is empty" : "\(quoted(path)) is not an absolute path")
    }
    try check(path, field())
}

func check<Value: Comparable>(_ value: Value?, in range: ClosedRange<Value>, _ field: @autoclosure () -> String) throws(SpecError) {
    if let value, !range.contains(value) {
        throw .invalid(field: field(), reason: "\(value) is not from \(range.lowerBound) to \(range.upperBound)")
    }
}

/// -1 (unlimited) or a number.
func check(_ limit: Int64?, _ field: @autoclosure () -> String) throws(SpecError) {
    try check(limit, in: -1...Int64.max, field())
}

/// The same key twice is a contradiction that no order should settle.
func checkUnique<Key: Hashable>(_ keys: some Sequence<Key>, _ field: String) throws(SpecError) {
    var seen: Set<Key> = []
    for (index, key) in keys.enumerated() where !seen.insert(key).inserted {
        throw .invalid(field: "\(field)[\(index)].type", reason: "\(quoted("\(key)")) was given before")
    }
}
