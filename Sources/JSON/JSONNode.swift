// SPDX-License-Identifier: Apache-2.0

/// A place in a document: `document.root["config"]?["digest"]?.string`. Reading is by request and never traps.
package struct JSONNode: Sendable {
    package let document: JSONDocument
    private let position: UInt32

    init(document: JSONDocument, index: Int) {
        self.document = document
        position = UInt32(truncatingIfNeeded: index)
    }

    var index: Int { Int(position) }
    var entry: JSONTape { document.tape[index] }

    package var isNull: Bool { entry.kind == .null }
    package var isObject: Bool { entry.kind == .object }
    package var isArray: Bool { entry.kind == .array }

    package var string: String? { entry.kind == .string ? document.text(index) : nil }

    package var bool: Bool? {
        switch entry.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// A whole number that fits; `1.0` and `1e3` are whole.
    package var int: Int? { integer(Int.self) }

    package var double: Double? {
        guard entry.kind == .number, let value = Double(String(decoding: bytes, as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// The value as it stands in the text, a string without its quotes.
    package var bytes: ArraySlice<UInt8> { document.bytes[Int(entry.start)..<Int(entry.end)] }

    /// Where the value is: `process.user.uid`.
    package var path: String { JSONKey.path(document.path(to: index)) }

    /// Where a member would be that is not there.
    func path(of name: String) -> String { JSONKey.path(document.path(to: index) + [.name(name)]) }

    func unexpected(_ wanted: String) -> JSONError {
        .mismatch(path: path, reason: entry.kind == .number ? "expected \(wanted)" : "expected \(wanted), found \(kind)")
    }

    /// The word for this value's kind in an error sentence.
    var kind: String {
        switch entry.kind {
        case .null: "null"
        case .true, .false: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

// MARK: - lists and objects

extension JSONNode {
    package subscript(_ name: String) -> JSONNode? {
        document.member(name, of: index).map { JSONNode(document: document, index: $0) }
    }

    package subscript(_ element: Int) -> JSONNode? {
        guard element >= 0 else { return nil }
        return elements.dropFirst(element).first { _ in true }
    }

    /// The elements of a list; none if it is something else.
    package var elements: Elements { Elements(self, of: .array) }

    /// The members of an object as written, doubled names included; none if it is something else.
    package var members: some Sequence<(name: String, value: JSONNode)> {
        Elements(self, of: .object).lazy.map { name in
            (name.document.text(name.index), JSONNode(document: name.document, index: name.index + 1))
        }
    }

    package struct Elements: Sequence, IteratorProtocol {
        private let document: JSONDocument
        private var at: Int
        private let end: Int
        /// In an object the name at `at` is followed by its value, which tells where the next name is.
        private let stride: Int

        fileprivate init(_ node: JSONNode, of kind: JSONTape.Kind) {
            document = node.document
            at = node.index + 1
            end = node.entry.kind == kind ? Int(node.entry.next) : at
            stride = kind == .object ? 1 : 0
        }

        package mutating func next() -> JSONNode? {
            guard at < end else { return nil }
            defer { at = Int(document.tape[at + stride].next) }
            return JSONNode(document: document, index: at)
        }
    }
}

// MARK: - whole numbers

extension JSONNode {
    /// The exact whole number, or nil if it has a fraction or does not fit. No step goes through floating point.
    package func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        guard entry.kind == .number else { return nil }
        var digits = bytes
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard let magnitude = entry.isPlain ? wholeNumber(digits) : scaledNumber(digits) else { return nil }
        guard isNegative else { return Value(exactly: magnitude) }
        guard magnitude <= UInt64(Int64.max) + 1 else { return nil }
        return Value(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
    }
}

private func wholeNumber(_ digits: ArraySlice<UInt8>) -> UInt64? {
    var result: UInt64 = 0
    for digit in digits {
        let (product, over) = result.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit &- UInt8(ascii: "0")))
        guard !over, !carry else { return nil }
        result = sum
    }
    return result
}

/// `12.50e2` is the digits 1250 and the exponent 0; a whole number has no digits below the point once it is moved.
private func scaledNumber(_ text: ArraySlice<UInt8>) -> UInt64? {
    let mantissa = text.prefix { $0 | 0x20 != UInt8(ascii: "e") }
    var exponent = exponentValue(text.dropFirst(mantissa.count + 1))
    let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
    var digits = Array(mantissa[..<point])
    if point < mantissa.endIndex {
        digits += mantissa[(point + 1)...]
        exponent -= mantissa.endIndex - point - 1
    }
    while digits.last == UInt8(ascii: "0") {
        digits.removeLast()
        exponent += 1
    }
    guard !digits.isEmpty else { return 0 }
    // 2^64 has twenty digits.
    guard (0...20).contains(exponent) else { return nil }
    digits.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: exponent))
    return wholeNumber(digits[...])
}

/// The exponent behind `e`, held within bounds that no number of 1024 characters can lead back from.
private func exponentValue(_ text: ArraySlice<UInt8>) -> Int {
    let isNegative = text.first == UInt8(ascii: "-")
    let digits = text.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let value = min(wholeNumber(digits) ?? 1_000_000, 1_000_000)
    return isNegative ? -Int(value) : Int(value)
}
