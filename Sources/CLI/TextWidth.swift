// SPDX-License-Identifier: Apache-2.0

extension Unicode.Scalar {
    /// The columns a terminal gives this character: 0, 1 or 2, as `wcwidth(3)` has it.
    var columns: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch value {
        case 0x1160...0x11FF: return 0
        // A flag is two of these, and two columns wide.
        case 0x1F1E6...0x1F1FF: return 1
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF01...0xFF60, 0xFFE0...0xFFE6, 0x17000...0x18DFF, 0x1B000...0x1B2FF, 0x20000...0x3FFFD:
            return 2
        default: return properties.isEmojiPresentation ? 2 : 1
        }
    }
}

extension String {
    /// Whether it consists of ASCII's letters, digits, signs and spaces alone.
    var isPrintableASCII: Bool {
        // Without a way out of the loop, the compiler takes sixteen bytes at a time.
        func countOthers(_ bytes: UnsafeBufferPointer<UInt8>) -> Int { bytes.reduce(0) { $0 &+ ($1 &- 0x20 < 0x5F ? 0 : 1) } }
        if let others = utf8.withContiguousStorageIfAvailable(countOthers) { return others == 0 }
        return utf8.allSatisfy { $0 &- 0x20 < 0x5F }
    }

    /// The columns a terminal needs for this text, which has no control characters.
    var columns: Int { isPrintableASCII ? utf8.count : unicodeScalars.reduce(0) { $0 + $1.columns } }

    /// This text in at most `width` columns, with `…` in place of what was cut off.
    func shortened(to width: Int) -> String {
        guard width > 0 else { return "" }
        guard columns > width else { return self }
        var kept = ""
        var used = 0
        for scalar in unicodeScalars {
            guard used + scalar.columns < width else { break }
            used += scalar.columns
            kept.unicodeScalars.append(scalar)
        }
        return kept + "…"
    }
}
