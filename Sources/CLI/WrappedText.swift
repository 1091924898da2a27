// SPDX-License-Identifier: Apache-2.0

/// `text` broken at spaces into lines of at most `width` columns, each behind `indent` spaces; words longer than a line stay whole.
package func wrapped(_ text: String, to width: Int, indent: Int) -> String {
    // A column below 20 reads worse than a line that the terminal wraps.
    let room = max(20, width - indent)
    let margin = String(repeating: " ", count: indent)
    var lines = ""
    var line = ""
    for word in text.split(separator: " ") {
        if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > room {
            lines += margin + line + "\n"
            line = ""
        }
        line += line.isEmpty ? String(word) : " " + word
    }
    return lines + margin + line + "\n"
}
