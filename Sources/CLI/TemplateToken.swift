// SPDX-License-Identifier: Apache-2.0
import JSON

/// A word of an action, `{{ … }}`.
enum TemplateToken: Equatable {
    /// `.Name`; the name is empty for a lone dot.
    case field(String)
    /// `$name`; the name is empty for `$`, the value the template began with.
    case variable(String)
    case word(String)
    case literal(JSONValue)
    case pipe, declare, assign, comma, open, close

    /// A token, where it stands, and whether a space parts it from the one before.
    struct Placed {
        let token: TemplateToken
        let position: Int
        let isSpaced: Bool
    }
}

/// A piece of a template: text as it is, or the tokens of an action.
enum TemplatePiece {
    case text(String)
    case action([TemplateToken.Placed], position: Int)
}

/// Cuts a template into pieces. Positions count bytes from 1.
struct TemplateLexer {
    private let bytes: [UInt8]
    private var place = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func pieces() throws(UsageError) -> [TemplatePiece] {
        var pieces: [TemplatePiece] = []
        var trimsStart = false
        while place < bytes.count {
            var text = takeText()
            if trimsStart { text = text.drop { isSpace($0) } }
            guard place < bytes.count else {
                if !text.isEmpty { pieces.append(.text(String(decoding: text, as: UTF8.self))) }
                break
            }
            let position = place + 1
            place += 2
            if peek() == UInt8(ascii: "-"), peek(1).map({ isSpace($0) }) ?? false {
                place += 2
                while let last = text.last, isSpace(last) { text.removeLast() }
            }
            if !text.isEmpty { pieces.append(.text(String(decoding: text, as: UTF8.self))) }
            let (tokens, trims) = try takeAction(position)
            trimsStart = trims
            if !tokens.isEmpty { pieces.append(.action(tokens, position: position)) }
        }
        return pieces
    }

    private mutating func takeText() -> ArraySlice<UInt8> {
        let start = place
        while place < bytes.count, !(bytes[place] == UInt8(ascii: "{") && peek(1) == UInt8(ascii: "{")) { place += 1 }
        return bytes[start..<place]
    }

    /// The tokens up to `}}`, and whether `-}}` trims the text that follows. A comment has none.
    private mutating func takeAction(_ position: Int) throws(UsageError) -> (tokens: [TemplateToken.Placed], trims: Bool) {
        var tokens: [TemplateToken.Placed] = []
        try skipComment(position)
        while true {
            let start = place
            while let byte = peek(), isSpace(byte) { place += 1 }
            let isSpaced = place > start
            if isSpaced, peek() == UInt8(ascii: "-"), peek(1) == UInt8(ascii: "}"), peek(2) == UInt8(ascii: "}") {
                place += 3
                return (tokens, true)
            }
            if peek() == UInt8(ascii: "}"), peek(1) == UInt8(ascii: "}") {
                place += 2
                return (tokens, false)
            }
            let tokenPosition = place + 1
            guard let token = try takeToken() else { throw .template(position, "'{{' without '}}'") }
            tokens.append(TemplateToken.Placed(token: token, position: tokenPosition, isSpaced: isSpaced))
        }
    }

    private mutating func skipComment(_ position: Int) throws(UsageError) {
        guard peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") else { return }
        while place < bytes.count, !(bytes[place] == UInt8(ascii: "*") && peek(1) == UInt8(ascii: "/")) { place += 1 }
        guard place < bytes.count else { throw .template(position, "a comment without its end") }
        place += 2
    }

    private mutating func takeToken() throws(UsageError) -> TemplateToken? {
        guard let byte = peek() else { return nil }
        let start = place + 1
        place += 1
        switch byte {
        case UInt8(ascii: "|"): return .pipe
        case UInt8(ascii: "("): return .open
        case UInt8(ascii: ")"): return .close
        case UInt8(ascii: ","): return .comma
        case UInt8(ascii: "="): return .assign
        case UInt8(ascii: ":"):
            guard peek() == UInt8(ascii: "=") else { throw .template(start, "':' without '='") }
            place += 1
            return .declare
        case UInt8(ascii: "."): return .field(takeName())
        case UInt8(ascii: "$"): return .variable(takeName())
        case UInt8(ascii: "\""): return .literal(.string(try takeString(start)))
        case UInt8(ascii: "`"):
            guard let end = bytes[place...].firstIndex(of: byte) else { throw .template(start, "a text without its closing quote") }
            defer { place = end + 1 }
            return .literal(.string(String(decoding: bytes[place..<end], as: UTF8.self)))
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"):
            place -= 1
            return .literal(try takeNumber(start))
        default:
            place -= 1
            let name = takeName()
            guard !name.isEmpty else { throw .template(start, "unexpected '\(escapeVisible(String(decoding: [byte], as: UTF8.self)))'") }
            return switch name {
            case "true": .literal(.bool(true))
            case "false": .literal(.bool(false))
            case "nil": .literal(.null)
            default: .word(name)
            }
        }
    }
}

// MARK: - Words, numbers and texts

extension TemplateLexer {
    private func peek(_ ahead: Int = 0) -> UInt8? { place + ahead < bytes.count ? bytes[place + ahead] : nil }

    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private mutating func takeName() -> String {
        let start = place
        while let byte = peek(), byte >= 0x80 || byte == UInt8(ascii: "_") || isAlphanumeric(byte) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    private func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    private mutating func takeNumber(_ position: Int) throws(UsageError) -> JSONValue {
        let start = place
        place += 1
        while let byte = peek(), isAlphanumeric(byte) || byte == UInt8(ascii: ".") { place += 1 }
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        if let value = Int64(text) { return .int(value) }
        if let value = Double(text), value.isFinite { return .double(value) }
        throw .template(position, "'\(text)' is not a number")
    }

    private mutating func takeString(_ position: Int) throws(UsageError) -> String {
        var text: [UInt8] = []
        while let byte = peek(), byte != 0x0A {
            place += 1
            if byte == UInt8(ascii: "\"") { return String(decoding: text, as: UTF8.self) }
            guard byte == UInt8(ascii: "\\") else {
                text.append(byte)
                continue
            }
            guard let escaped = peek() else { break }
            place += 1
            switch escaped {
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): text.append(escaped)
            default: throw .template(place, "unknown escape '\\\(escapeVisible(String(decoding: [escaped], as: UTF8.self)))'")
            }
        }
        throw .template(position, "a text without its closing quote")
    }
}

extension UsageError {
    /// What is wrong at a byte of a template.
    static func template(_ position: Int, _ reason: String) -> UsageError { UsageError("format, character \(position): \(reason)") }
}
