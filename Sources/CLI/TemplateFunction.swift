// SPDX-License-Identifier: Apache-2.0
import JSON

/// The functions of Go's templates and the ones docker adds.
enum TemplateFunction: String, CaseIterable {
    case and, or, not, eq, ne, lt, le, gt, ge, len, index, slice, print, println, printf
    case json, join, split, lower, upper, title, pad, truncate

    init?(_ name: String) { self.init(rawValue: name) }

    static func unknown(_ name: String) -> String {
        let near = allCases.map { $0.rawValue }.nearest(to: name).map { " (did you mean \($0)?)" } ?? ""
        return "unknown function '\(escapeVisible(name))'\(near)"
    }

    /// Whether it only changes how a value looks, so that a column's title passes through it.
    var isCosmetic: Bool {
        switch self {
        case .json, .join, .split, .lower, .upper, .title, .truncate, .len, .index: true
        default: false
        }
    }

    /// - Throws: what is wrong with the arguments; the caller adds where.
    func call(_ arguments: [JSONValue]) throws(UsageError) -> JSONValue {
        switch self {
        case .and, .or: return arguments.last ?? .null
        case .not: return .bool(try !one(arguments).isTruthful)
        case .eq: return .bool(try equal(arguments))
        case .ne: return .bool(try !equal(arguments))
        case .lt, .le, .gt, .ge: return .bool(try ordered(arguments))
        case .len: return .int(try length(try one(arguments)))
        case .index: return try indexed(arguments)
        case .slice: return try sliced(arguments)
        case .print: return .string(joined(arguments))
        case .println: return .string(arguments.map { $0.templateText }.joined(separator: " ") + "\n")
        case .printf: return .string(try TemplateFormat(text(arguments, 0, of: nil)).text(Array(arguments.dropFirst())))
        case .json: return .string(try one(arguments).jsonText())
        case .join: return .string(try join(arguments))
        case .split: return .array(split(try text(arguments, 0, of: 2), by: try text(arguments, 1, of: 2)).map { .string($0) })
        case .lower: return .string(try text(arguments, 0, of: 1).lowercased())
        case .upper: return .string(try text(arguments, 0, of: 1).uppercased())
        case .title: return .string(title(try text(arguments, 0, of: 1)))
        case .pad: return .string(try padded(arguments))
        case .truncate: return .string(try truncated(arguments))
        }
    }
}

// MARK: - Arguments

extension TemplateFunction {
    private func expect(_ count: Int?, _ arguments: [JSONValue]) throws(UsageError) {
        guard let count, arguments.count != count else { return }
        throw UsageError("needs \(count == 1 ? "1 argument" : "\(count) arguments"), got \(arguments.count)")
    }

    private func one(_ arguments: [JSONValue]) throws(UsageError) -> JSONValue {
        try expect(1, arguments)
        return arguments[0]
    }

    private func text(_ arguments: [JSONValue], _ index: Int, of count: Int?) throws(UsageError) -> String {
        try expect(count, arguments)
        guard index < arguments.count else { throw UsageError("needs a text") }
        switch arguments[index] {
        case .string(let text): return text
        case .null: return ""
        case .int, .double, .bool: return arguments[index].templateText
        default: throw UsageError("needs a text, got \(arguments[index].kind)")
        }
    }

    private func number(_ value: JSONValue) throws(UsageError) -> Int64 {
        guard case .int(let number) = value else { throw UsageError("needs a whole number, got \(value.kind)") }
        return number
    }

    /// An index within `0...count`.
    private func place(_ value: JSONValue, upTo count: Int) throws(UsageError) -> Int {
        let number = try number(value)
        guard let place = Int(exactly: number), (0...count).contains(place) else { throw UsageError("\(number) is out of range") }
        return place
    }
}

// MARK: - Comparing

extension TemplateFunction {
    private func equal(_ arguments: [JSONValue]) throws(UsageError) -> Bool {
        guard let first = arguments.first, arguments.count > 1 else {
            throw UsageError("needs at least 2 arguments, got \(arguments.count)")
        }
        return arguments.dropFirst().contains { other in
            if case .int = first, case .double = other { return first.double == other.double }
            if case .double = first, case .int = other { return first.double == other.double }
            return first == other
        }
    }

    private func ordered(_ arguments: [JSONValue]) throws(UsageError) -> Bool {
        try expect(2, arguments)
        switch (arguments[0], arguments[1]) {
        case (.int(let left), .int(let right)): return compare(left, right)
        case (.string(let left), .string(let right)): return compare(left, right)
        default:
            guard let left = arguments[0].double, let right = arguments[1].double else {
                throw UsageError("cannot compare \(arguments[0].kind) with \(arguments[1].kind)")
            }
            return compare(left, right)
        }
    }

    private func compare<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .lt: left < right
        case .le: left <= right
        case .gt: left > right
        default: left >= right
        }
    }
}

// MARK: - Parts of values

extension TemplateFunction {
    private func length(_ value: JSONValue) throws(UsageError) -> Int64 {
        switch value {
        case .null: 0
        case .string(let text): Int64(text.utf8.count)
        case .array(let elements): Int64(elements.count)
        case .object(let object): Int64(object.members.count)
        default: throw UsageError("\(value.kind) has no length")
        }
    }

    private func indexed(_ arguments: [JSONValue]) throws(UsageError) -> JSONValue {
        guard var value = arguments.first else { throw UsageError("needs a value") }
        for key in arguments.dropFirst() {
            switch value {
            case .array(let elements):
                let place = try place(key, upTo: elements.count)
                guard place < elements.count else { throw UsageError("\(place) is out of range") }
                value = elements[place]
            case .object(let object):
                guard case .string(let name) = key else { throw UsageError("needs a text to look up, got \(key.kind)") }
                // As Go's for a map of texts: a label that is not there is empty.
                value = object[name] ?? .string("")
            case .null: return .string("")
            default: throw UsageError("\(value.kind) has no elements")
            }
        }
        return value
    }

    private func sliced(_ arguments: [JSONValue]) throws(UsageError) -> JSONValue {
        guard (1...3).contains(arguments.count) else { throw UsageError("needs 1 to 3 arguments, got \(arguments.count)") }
        switch arguments[0] {
        case .array(let elements): return .array(Array(elements[try range(arguments, elements.count)]))
        case .string(let text):
            let bytes = Array(text.utf8)
            return .string(String(decoding: bytes[try range(arguments, bytes.count)], as: UTF8.self))
        default: throw UsageError("\(arguments[0].kind) cannot be sliced")
        }
    }

    private func range(_ arguments: [JSONValue], _ count: Int) throws(UsageError) -> Range<Int> {
        let start = arguments.count > 1 ? try place(arguments[1], upTo: count) : 0
        let end = arguments.count > 2 ? try place(arguments[2], upTo: count) : count
        guard start <= end else { throw UsageError("\(start) is after \(end)") }
        return start..<end
    }
}

// MARK: - Texts

extension TemplateFunction {
    /// Go's `print` puts a space between neighbours that are both no texts.
    private func joined(_ values: [JSONValue]) -> String {
        var text = ""
        for (index, value) in values.enumerated() {
            if index > 0, value.string == nil, values[index - 1].string == nil { text += " " }
            text += value.templateText
        }
        return text
    }

    private func join(_ arguments: [JSONValue]) throws(UsageError) -> String {
        try expect(2, arguments)
        // The list comes last in a pipeline, `.Args | join ","`.
        let (list, separator) = arguments[1].array != nil ? (arguments[1], 0) : (arguments[0], 1)
        let text = try text(arguments, separator, of: 2)
        switch list {
        case .null: return ""
        case .array(let elements): return elements.map { $0.templateText }.joined(separator: text)
        default: throw UsageError("needs a list, got \(list.kind)")
        }
    }

    private func split(_ text: String, by separator: String) -> [String] {
        guard !separator.isEmpty else { return text.unicodeScalars.map { String($0) } }
        let bytes = Array(text.utf8)
        let mark = Array(separator.utf8)
        var parts: [String] = []
        var start = 0
        var place = 0
        while place + mark.count <= bytes.count {
            if bytes[place..<place + mark.count].elementsEqual(mark) {
                parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
                place += mark.count
                start = place
            } else {
                place += 1
            }
        }
        return parts + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    private func title(_ text: String) -> String {
        var title = ""
        var isStart = true
        for scalar in text.unicodeScalars {
            title += isStart ? scalar.properties.titlecaseMapping : String(scalar)
            isStart = !scalar.properties.isAlphabetic && scalar.properties.numericType == nil && scalar != "_" && scalar != "'"
        }
        return title
    }

    private func padded(_ arguments: [JSONValue]) throws(UsageError) -> String {
        let text = try text(arguments, 0, of: 3)
        let before = try number(arguments[1])
        let after = try number(arguments[2])
        guard (0...TemplateLimits.padding).contains(before), (0...TemplateLimits.padding).contains(after) else {
            throw UsageError("pads by 0 to \(TemplateLimits.padding)")
        }
        guard !text.isEmpty else { return "" }
        return String(repeating: " ", count: Int(before)) + text + String(repeating: " ", count: Int(after))
    }

    private func truncated(_ arguments: [JSONValue]) throws(UsageError) -> String {
        try expect(2, arguments)
        // The text comes last in a pipeline, `.ID | truncate 12`.
        let (source, length) = arguments[0].int != nil && arguments[1].int == nil ? (1, 0) : (0, 1)
        let count = try number(arguments[length])
        guard count >= 0 else { throw UsageError("\(count) is out of range") }
        let scalars = try text(arguments, source, of: 2).unicodeScalars
        return String(String.UnicodeScalarView(scalars.prefix(Int(clamping: count))))
    }
}
