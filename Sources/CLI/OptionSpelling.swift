// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How an option is written and what help says about it, apart from what it does.
package struct OptionSpelling: Sendable {
    package enum Kind: Sendable { case heading, flag, text }

    /// `-m, --memory BYTES`, as help shows it: an optional letter, the name, and for a value its placeholder.
    let text: StaticString
    /// One sentence, or a heading's title.
    let help: StaticString
    package let kind: Kind
    /// A second long name that help does not show, `net` for `network`.
    var alias: StaticString?
    var completion = Completion.nothing
    var isHidden = false

    /// The one-letter form's ASCII byte.
    var letter: UInt8? {
        text.withUTF8Buffer { bytes in
            bytes.count > 1 && bytes[0] == UInt8(ascii: "-") && bytes[1] != UInt8(ascii: "-") ? bytes[1] : nil
        }
    }

    /// The name without its dashes.
    var long: String { text.withUTF8Buffer { String(decoding: $0[Self.nameRange(in: $0)], as: UTF8.self) } }

    /// What help calls the value, `BYTES`; empty for a flag.
    var placeholder: String {
        text.withUTF8Buffer { bytes in
            String(decoding: bytes[Self.nameRange(in: bytes).upperBound...].dropFirst(), as: UTF8.self)
        }
    }

    /// Whether `name`, without dashes, is this option's name or alias.
    func isNamed(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let isName = text.withUTF8Buffer { bytes in
            Self.equal(UnsafeBufferPointer(rebasing: bytes[Self.nameRange(in: bytes)]), name)
        }
        return isName || alias?.withUTF8Buffer { Self.equal($0, name) } ?? false
    }

    private static func equal(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Bool {
        guard left.count == right.count, let leftStart = left.baseAddress, let rightStart = right.baseAddress else { return false }
        return memcmp(leftStart, rightStart, left.count) == 0
    }

    /// Where the long name lies in `-m, --memory BYTES`; empty where there is none.
    private static func nameRange(in bytes: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        let dash = UInt8(ascii: "-")
        let hasLetter = bytes.count > 1 && bytes[0] == dash && bytes[1] != dash
        let start = min(hasLetter ? 6 : 2, bytes.count)
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: " ") { end += 1 }
        return start..<end
    }
}

/// What a shell may offer for a value.
package enum Completion: Sendable {
    case nothing, file, directory, container, image, network, volume, command
    /// Fixed words, separated by spaces in one literal.
    case words(StaticString)
}

/// The operands of a command, written as its usage line has them: `CONTAINER [COMMAND] [ARG...]`.
/// How many are needed and allowed is read from that text.
package struct Operands: Sendable, ExpressibleByStringLiteral {
    let text: StaticString
    let completion: Completion

    package init(_ text: StaticString, completing: Completion = .nothing) {
        self.text = text
        completion = completing
    }

    package init(stringLiteral text: StaticString) { self.init(text) }

    /// The fewest and the most operands; nil where there is no upper limit.
    var limits: (least: Int, most: Int?) {
        var least = 0
        var words = 0
        var isOpen = false
        text.withUTF8Buffer { bytes in
            for word in bytes.split(separator: UInt8(ascii: " ")) {
                words += 1
                if word.first != UInt8(ascii: "[") { least += 1 }
                if word.contains(UInt8(ascii: ".")) { isOpen = true }
            }
        }
        return (least, isOpen ? nil : words)
    }
}
