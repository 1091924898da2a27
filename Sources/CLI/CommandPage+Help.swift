// SPDX-License-Identifier: Apache-2.0

extension CommandPage {
    /// The text of `--help`, wrapped to `width` columns.
    func help(width: Int) -> String {
        var page = "Usage:  " + usage + "\n\n" + wrapped(sentence, to: width, indent: 0)
        var parts = commandSections.map { part in
            (part.title, part.items.map { (term: "  " + $0.name, meaning: "\($0.summary)") })
        }
        parts += optionSections.map { part in
            (part.title, part.items.map { (term: $0.helpText, meaning: "\($0.help)") })
        }
        // One long term must not push all meanings to the right: it gets a line of its own.
        let widest = max(20, width * 2 / 5)
        let terms = parts.flatMap { $0.1.map { $0.term.utf8.count } }
        let column = (terms.filter { $0 <= widest }.max() ?? 0) + 3
        for (title, rows) in parts {
            page += "\n" + title + ":\n" + definitions(rows, column: column, width: width)
        }
        if !examples.isEmpty {
            page += "\nExamples:\n"
            for example in examples { page += "  \(example.line)\n" + wrapped("\(example.effect)", to: width, indent: 6) }
        }
        if !commands.isEmpty { page += "\nRun '\(path) COMMAND --help' for more on a command.\n" }
        return page
    }

    /// `minictl run [OPTIONS] IMAGE [COMMAND] [ARG...]`
    var usage: String {
        let words = options.isEmpty ? path : path + " [OPTIONS]"
        return operands.text.utf8CodeUnitCount == 0 ? words : words + " \(operands.text)"
    }

    /// The summary with a capital, as a sentence that stands alone.
    var sentence: String {
        let text = "\(summary)"
        return text.prefix(1).uppercased() + text.dropFirst()
    }

    var commandSections: [(title: String, items: [Line])] {
        sections(commands.map { ($0.isHeading ? $0.name : nil, $0) }, default: "Commands")
    }

    var optionSections: [(title: String, items: [OptionSpelling])] {
        let shown = options.filter { !$0.isHidden }
        return sections(shown.map { ($0.kind == .heading ? "\($0.help)" : nil, $0) }, default: "Options")
    }
}

/// Splits a list at its headings; parts with one title are joined where the first of them stands.
private func sections<Item>(_ list: [(heading: String?, item: Item)], default title: String) -> [(title: String, items: [Item])] {
    var sections: [(title: String, items: [Item])] = []
    var title = title
    for entry in list {
        if let heading = entry.heading {
            title = heading
        } else if let place = sections.firstIndex(where: { $0.title == title }) {
            sections[place].items.append(entry.item)
        } else {
            sections.append((title, [entry.item]))
        }
    }
    return sections
}

extension OptionSpelling {
    /// `  -m, --memory BYTES`, with room for a letter where there is none.
    fileprivate var helpText: String {
        let start = letter.map { "  -" + String(Unicode.Scalar($0)) + ", --" } ?? "      --"
        return start + long + (kind == .text ? " " + placeholder : "")
    }
}

/// Terms, and what they mean from `column` on; a term too long for its column has its meaning on the next line.
private func definitions(_ rows: [(term: String, meaning: String)], column: Int, width: Int) -> String {
    var text = ""
    for row in rows {
        let meaning = wrapped(row.meaning, to: width, indent: column)
        if row.term.utf8.count + 3 > column {
            text += row.term + "\n" + meaning
        } else {
            let gap = String(repeating: " ", count: column - row.term.utf8.count)
            text += row.term + gap + meaning.dropFirst(column)
        }
    }
    return text
}
