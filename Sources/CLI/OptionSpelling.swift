// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How an option is written and what help says about it, apart from what it does. All else is read from its text when asked.
package struct OptionSpelling: Sendable {
    package enum Kind: Sendable { case heading, flag, text }

    /// `-m, --memory BYTES`: an optional letter, the name, and for a value its placeholder.
    /// A second name that help does not show stands behind the first, `--network|--net NAME`.
    let text: StaticString
    /// One sentence, or a heading's title.
    let help: StaticString
    package let kind: Kind
    let isHidden: Bool

    /// The one-letter form's ASCII byte.
    var letter: UInt8? {
        text.withUTF8Buffer { bytes in
            bytes.count > 1 && bytes[0] == UInt8(ascii: "-") && bytes[1] != UInt8(ascii: "-") ? bytes[1] : nil
        }
    }

    /// The name without its dashes.
    var long: String {
        text.withUTF8Buffer { bytes in
            let names = bytes[Self.namesRange(in: bytes)]
            return String(decoding: names.prefix { $0 != UInt8(ascii: "|") }, as: UTF8.self)
        }
    }

    /// `-m` or `--memory`.
    func name(isLetter: Bool) -> String {
        guard isLetter, let letter else { return "--" + long }
        return "-" + String(Unicode.Scalar(letter))
    }

    /// What help calls the value, `BYTES`; empty for a flag.
    var placeholder: String {
        text.withUTF8Buffer { bytes in
            String(decoding: bytes[Self.namesRange(in: bytes).upperBound...].dropFirst(), as: UTF8.self)
        }
    }

    /// Whether `name`, without dashes, is one of this option's names.
    func isNamed(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        text.withUTF8Buffer { bytes in
            var place = Self.namesStart(in: bytes)
            while place < bytes.count {
                var matched = 0
                while matched < name.count, place < bytes.count, bytes[place] == name[matched] {
                    matched += 1
                    place += 1
                }
                while place < bytes.count, bytes[place] != UInt8(ascii: " "), bytes[place] != UInt8(ascii: "|") {
                    matched = -1
                    place += 1
                }
                if matched == name.count { return true }
                guard place < bytes.count, bytes[place] == UInt8(ascii: "|") else { return false }
                place += 3
            }
            return false
        }
    }

    /// Where the long names lie in `-m, --memory BYTES`, without the first's dashes; empty where there are none.
    private static func namesRange(in bytes: UnsafeBufferPointer<UInt8>) -> Range<Int> {
        let start = namesStart(in: bytes)
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: " ") { end += 1 }
        return start..<end
    }

    private static func namesStart(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        let dash = UInt8(ascii: "-")
        let hasLetter = bytes.count > 1 && bytes[0] == dash && bytes[1] != dash
        return min(hasLetter ? 6 : 2, bytes.count)
    }
}

extension [OptionSpelling] {
    func index(named name: Substring) -> Int? {
        var name = name
        return name.withUTF8 { bytes in firstIndex { $0.isNamed(bytes) } }
    }

    func index(lettered letter: UInt8) -> Int? { firstIndex { $0.letter == letter } }
}
