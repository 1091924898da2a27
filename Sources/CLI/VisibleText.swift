// SPDX-License-Identifier: Apache-2.0

/// `text` with every character that could move the cursor, forge a line or reorder what is read written out:
/// C0, DEL and C1 controls as `\x1b`, line separators, bidirectional and invisible format characters as `\u{202e}`.
package func escapeVisible(_ text: String) -> String {
    // Nearly all text is, and that needs no copy.
    if text.isPrintableASCII { return text }
    var visible = ""
    for scalar in text.unicodeScalars {
        switch scalar.value {
        case 0x09: visible += "\\t"
        case 0x0A: visible += "\\n"
        case 0x0D: visible += "\\r"
        case 0..<0x20, 0x7F..<0xA0: visible += "\\x" + hex(scalar.value, digits: 2)
        case _ where scalar.isMisleading: visible += "\\u{" + hex(scalar.value, digits: 4) + "}"
        default: visible.unicodeScalars.append(scalar)
        }
    }
    return visible
}

private func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

extension Unicode.Scalar {
    /// Shown as nothing, or changes the order of what surrounds it. Joiners (U+200C, U+200D) are kept: scripts and emoji need them.
    fileprivate var isMisleading: Bool {
        switch value {
        case 0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF, 0xFFF9...0xFFFB,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}
