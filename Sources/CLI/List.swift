// SPDX-License-Identifier: Apache-2.0
import JSON

/// How a list is printed: the words of `--format`.
package enum ListFormat {
    case table
    /// One object a line.
    case json
    case template(Template)
    /// `table {{.ID}}\t{{.Names}}`: a template whose tabs part columns, under a line of headers.
    case tableTemplate(Template)

    package init(_ text: String) throws(UsageError) {
        switch text {
        case "table", "": self = .table
        case "json", "{{json .}}": self = .json
        default:
            // Shells pass "\t" as two characters, and docker reads it as one.
            let source = text.replacingEscapes()
            let word = "table "
            if source.utf8.starts(with: word.utf8) {
                self = .tableTemplate(try Template(String(source.dropFirst(word.count))))
            } else {
                self = .template(try Template(source))
            }
        }
    }
}

extension ListFormat {
    /// Whether it shows the columns of the table and nothing else of a row.
    package var isPlainTable: Bool { if case .table = self { true } else { false } }

    /// `rows` as text.
    /// - Parameters:
    ///   - isWhole: Whether to keep long cells, as `--no-trunc` asks.
    ///   - width: The terminal's columns; nil if the text is not for a terminal, which leaves it at its full width.
    package func text<Row: ListRow>(_ rows: [Row], isWhole: Bool = false, width: Int?) throws(UsageError) -> String {
        switch self {
        case .table: table(rows, isWhole: isWhole, width: width)
        case .json: try json(rows, isWhole: isWhole)
        case .template(let template):
            // A person's terminal must not be driven by a label; a script gets the bytes.
            try rows.map { row throws(UsageError) in
                let value = row.value(isWhole: isWhole, withLookups: true)
                return try template.text(of: width == nil ? value : value.visible, isStrict: true) + "\n"
            }.joined()
        case .tableTemplate(let template): try tableTemplate(template, rows, isWhole: isWhole, width: width)
        }
    }

    private func table<Row: ListRow>(_ rows: [Row], isWhole: Bool, width: Int?) -> String {
        var columns: [Column<Row>] = []
        for column in Row.columns where column.isShown { columns.append(column) }
        let header = columns.map { "\($0.header)" }
        // Column by column: what a generic type needs to know of a row is looked up once for each, not once for each cell.
        let cells = columns.map { $0.cells(of: rows, isWhole: isWhole) }
        let lines = rows.indices.map { row in cells.map { $0[row] } }
        return TextTable(lines: [header] + lines, minimums: columns.map { $0.minimum }).text(width: width)
    }

    private func tableTemplate<Row: ListRow>(
        _ template: Template, _ rows: [Row], isWhole: Bool, width: Int?
    ) throws(UsageError) -> String {
        var titles = JSONObject()
        for member in (rows.first?.fields.members ?? []) + (rows.first?.lookups.members ?? []) {
            titles[member.name] = .string(member.name.uppercased())
        }
        for column in Row.columns { titles["\(column.name)"] = .string("\(column.header)") }
        var texts = [try template.header(titles)]
        for row in rows { texts.append(try template.text(of: row.value(isWhole: isWhole, withLookups: true).visible, isStrict: true)) }
        var lines: [[String]] = []
        for text in texts {
            for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
                lines.append(line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) })
            }
        }
        let count = lines.reduce(0) { max($0, $1.count) }
        return TextTable(lines: lines, minimums: Array(repeating: 8, count: count)).text(width: width)
    }

    private func json<Row: ListRow>(_ rows: [Row], isWhole: Bool) throws(UsageError) -> String {
        var text = ""
        for row in rows { text += try row.value(isWhole: isWhole).jsonText() + "\n" }
        return text
    }
}

extension Array where Element: ListRow {
    /// What `--quiet` prints: one word a line.
    package var quietText: String { reduce("") { $0 + escapeVisible($1.quiet) + "\n" } }
}

extension ListRow {
    fileprivate func value(isWhole: Bool, withLookups: Bool = false) -> JSONValue {
        var object = JSONObject()
        for column in Self.columns { object["\(column.name)"] = .string(column.cell(of: self, isWhole: isWhole)) }
        for member in fields.members { object[member.name] = member.value }
        if withLookups { for member in lookups.members { object[member.name] = member.value } }
        return .object(object)
    }
}

extension String {
    /// With `\t`, `\n` and `\\` outside of actions written as two characters made one.
    fileprivate func replacingEscapes() -> String {
        var text = ""
        var isEscaped = false
        for scalar in unicodeScalars {
            if isEscaped {
                switch scalar {
                case "t": text += "\t"
                case "n": text += "\n"
                default: text.unicodeScalars += ["\\", scalar]
                }
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return isEscaped ? text + "\\" : text
    }
}
