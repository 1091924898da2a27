// SPDX-License-Identifier: Apache-2.0

/// Lines of cells laid out in columns, three spaces apart.
package struct TextTable {
    private static let gap = 3

    var lines: [[String]]
    /// For each column the fewest columns of the screen it may be shrunk to; nil where it must stay whole.
    var minimums: [Int?]

    package init(lines: [[String]], minimums: [Int?] = []) {
        self.lines = lines
        self.minimums = minimums
    }

    /// The table as text. With a `width` no line is longer: the widest columns that may shrink do first, and where
    /// that is not enough lines are cut.
    package func text(width: Int?) -> String {
        var widths: [Int] = []
        for line in lines {
            for (index, cell) in line.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.columns)
            }
        }
        if let width { fit(&widths, to: width) }
        var text: [UInt8] = []
        for cells in lines {
            append(cells, widths, to: &text, width: width)
            text.append(UInt8(ascii: "\n"))
        }
        return String(decoding: text, as: UTF8.self)
    }

    private func append(_ cells: [String], _ widths: [Int], to text: inout [UInt8], width: Int?) {
        let start = text.count
        var used = 0
        for (index, cell) in cells.enumerated() {
            let shown = cell.shortened(to: widths[index])
            let columns = shown.columns
            text.append(contentsOf: shown.utf8)
            used += columns
            guard index < cells.count - 1 else { break }
            let space = widths[index] - columns + Self.gap
            for _ in 0..<space { text.append(UInt8(ascii: " ")) }
            used += space
        }
        guard let width, used > width else { return }
        let line = String(decoding: text[start...], as: UTF8.self)
        text.replaceSubrange(start..., with: line.shortened(to: width).utf8)
    }

    private func fit(_ widths: inout [Int], to width: Int) {
        // No column needs more than the screen; this bounds the loop below.
        let shrinkable = widths.indices.filter { index in
            guard index < minimums.count, let minimum = minimums[index] else { return false }
            widths[index] = min(widths[index], max(width, minimum))
            return true
        }
        var excess = widths.reduce(0, +) + Self.gap * (widths.count - 1) - width
        while excess > 0 {
            let able = shrinkable.filter { widths[$0] > (minimums[$0] ?? 0) }
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { return }
            widths[widest] -= 1
            excess -= 1
        }
    }
}
