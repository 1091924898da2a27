// SPDX-License-Identifier: Apache-2.0
import CLI

/// A word as a shell reads it back: in quotes where it needs them.
/// - Parameter isShown: for a person's terminal, which a word must not drive: that is written out as bash, zsh and POSIX.1-2024 have it,
///   `$'\033'`.
func shellQuoted(_ word: String, isShown: Bool) -> String {
    let isPlain = word.utf8.allSatisfy { byte in
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "@%+=:,./-_".utf8.contains(byte)
    }
    if isPlain, !word.isEmpty { return word }
    if isShown, escapeVisible(word) != word { return escaped(word) }
    return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}

private func escaped(_ word: String) -> String {
    let digits = Array("01234567")
    var text = "$'"
    for byte in word.utf8 {
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): text += "\\" + String(Unicode.Scalar(byte))
        case UInt8(ascii: "\n"): text += "\\n"
        case UInt8(ascii: "\t"): text += "\\t"
        case 0x20..<0x7f: text += String(Unicode.Scalar(byte))
        default: text += "\\" + String([digits[Int(byte >> 6)], digits[Int(byte >> 3 & 7)], digits[Int(byte & 7)]])
        }
    }
    return text + "'"
}
