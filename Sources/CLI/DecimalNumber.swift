// SPDX-License-Identifier: Apache-2.0

/// A decimal such as `1.5`, kept exactly: no sign, no exponent, no floating point.
struct DecimalNumber {
    let whole: UInt64
    let fraction: UInt64
    /// Ten to the number of digits in `fraction`.
    let scale: UInt64

    /// Takes a number from the front of `text`: digits, then perhaps a point and digits; one side of the point may be empty.
    /// Nil when there is none, or it has more digits than are kept (18 after the point).
    init?(prefixOf text: inout Substring.UTF8View) {
        let start = text.startIndex
        guard let whole = Self.digits(&text) else { return nil }
        var count = text.distance(from: start, to: text.startIndex)
        var fraction: UInt64 = 0
        var scale: UInt64 = 1
        if text.first == UInt8(ascii: ".") {
            text.removeFirst()
            let point = text.startIndex
            guard let digits = Self.digits(&text) else { return nil }
            let places = text.distance(from: point, to: text.startIndex)
            guard places <= 18 else { return nil }
            for _ in 0..<places { scale *= 10 }
            fraction = digits
            count += places
        }
        guard count > 0 else { return nil }
        self.whole = whole
        self.fraction = fraction
        self.scale = scale
    }

    /// The number of `unit`s, rounded down; nil when that is more than an `Int64` holds.
    func times(_ unit: UInt64) -> Int64? {
        let (product, overflow) = whole.multipliedReportingOverflow(by: unit)
        // The fraction is below its scale, so the quotient is below `unit` and the division cannot overflow.
        let (rest, _) = scale.dividingFullWidth(fraction.multipliedFullWidth(by: unit))
        let (sum, carry) = product.addingReportingOverflow(rest)
        return overflow || carry ? nil : Int64(exactly: sum)
    }

    /// Nil on overflow; zero for no digits.
    private static func digits(_ text: inout Substring.UTF8View) -> UInt64? {
        var value: UInt64 = 0
        while let byte = text.first, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            text.removeFirst()
            let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tens.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}
