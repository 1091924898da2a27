// SPDX-License-Identifier: Apache-2.0
import JSON

/// The format of `printf`: `%s %v %q %d %t %f %%`, with a width that may be negative and a precision, `%-20s`, `%.2f`.
struct TemplateFormat {
    private let format: String

    init(_ format: String) { self.format = format }

    func text(_ arguments: [JSONValue]) throws(UsageError) -> String {
        var out = ""
        var values = arguments[...]
        var rest = format.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                out.unicodeScalars.append(scalar)
                continue
            }
            let isLeft = take("-", &rest)
            let isZeroed = take("0", &rest)
            let width = try number(&rest) ?? 0
            let precision = take(".", &rest) ? try number(&rest) ?? 0 : nil
            guard let verb = rest.popFirst() else { throw UsageError("the format ends within '%'") }
            if verb == "%" {
                out += "%"
                continue
            }
            guard let value = values.popFirst() else { throw UsageError("a value for '%\(escapeVisible(String(verb)))' is missing") }
            let text = try text(of: value, verb, precision)
            let fill = String(repeating: isZeroed && !isLeft ? "0" : " ", count: max(0, width - text.unicodeScalars.count))
            out += isLeft ? text + fill : fill + text
        }
        guard values.isEmpty else { throw UsageError("\(values.count) more values than the format has places") }
        return out
    }

    private func text(of value: JSONValue, _ verb: Unicode.Scalar, _ precision: Int?) throws(UsageError) -> String {
        let text = value.templateText
        switch verb {
        case "s", "v": return precision.map { String(String.UnicodeScalarView(text.unicodeScalars.prefix($0))) } ?? text
        case "q": return try JSONValue.string(text).jsonText()
        case "d":
            guard value.int != nil else { throw UsageError("'%d' needs a whole number, got \(value.kind)") }
            return text
        case "t":
            guard value.bool != nil else { throw UsageError("'%t' needs a boolean, got \(value.kind)") }
            return text
        case "f":
            guard let number = value.double else { throw UsageError("'%f' needs a number, got \(value.kind)") }
            return try fixed(number, places: precision ?? 6)
        default: throw UsageError("unknown place '%\(escapeVisible(String(verb)))'")
        }
    }

    /// A number with a fixed count of decimals, rounded half away from zero.
    private func fixed(_ number: Double, places: Int) throws(UsageError) -> String {
        var scale = 1.0
        for _ in 0..<min(places, 15) { scale *= 10 }
        guard places <= 15, let scaled = Int64(exactly: (number.magnitude * scale).rounded()) else {
            throw UsageError("'%.\(places)f' cannot show \(number)")
        }
        let sign = number < 0 && scaled != 0 ? "-" : ""
        var digits = String(scaled)
        digits = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
        return sign + digits.dropLast(places) + (places > 0 ? "." + digits.suffix(places) : "")
    }

    private func take(_ mark: Unicode.Scalar, _ rest: inout Substring.UnicodeScalarView) -> Bool {
        guard rest.first == mark else { return false }
        rest.removeFirst()
        return true
    }

    private func number(_ rest: inout Substring.UnicodeScalarView) throws(UsageError) -> Int? {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        guard !digits.isEmpty else { return nil }
        rest = rest[digits.endIndex...]
        guard let value = Int(String(digits)), value <= Int(TemplateLimits.padding) else {
            throw UsageError("widths go up to \(TemplateLimits.padding)")
        }
        return value
    }
}
