// SPDX-License-Identifier: Apache-2.0
package import JSON

/// A thing that lists show one line each: tables, JSON lines and templates all come from its columns.
package protocol ListRow {
    static var columns: [Column<Self>] { get }
    /// Fields that only templates and JSON see.
    var fields: JSONObject { get }
    /// What only templates see: objects that answer for one name each, `Label` for `{{.Label "key"}}`.
    var lookups: JSONObject { get }
    /// What `--quiet` prints.
    var quiet: String { get }
}

extension ListRow {
    package var fields: JSONObject { [:] }
    package var lookups: JSONObject { [:] }
}

/// One column of a list.
package struct Column<Row> {
    let header: StaticString
    /// Its name in templates and JSON, `Names` in `{{.Names}}`.
    let name: StaticString
    let minimum: Int?
    package let isShown: Bool
    let whole: (Row) -> String
    private var brief: ((Row) -> String)?

    /// - Parameters:
    ///   - header: The title, in capitals.
    ///   - name: The field's name in templates and JSON.
    ///   - minimum: How narrow the column may become on a small screen; nil if it must stay whole.
    ///   - isShown: Whether the table has it unless a template asks for something else.
    ///   - whole: The text of one row's cell.
    package init(
        _ header: StaticString, _ name: StaticString, shrinksTo minimum: Int? = nil, isShown: Bool = true,
        _ whole: @escaping (Row) -> String
    ) {
        self.header = header
        self.name = name
        self.minimum = minimum
        self.isShown = isShown
        self.whole = whole
    }

    /// The same column with a shorter text where `--no-trunc` was not given, such as the first 12 digits of an id.
    package consuming func brief(_ text: @escaping (Row) -> String) -> Column {
        brief = text
        return self
    }

    /// The same column for a row that holds this one's.
    package func lifted<Outer>(shown: Bool? = nil, _ reach: @escaping (Outer) -> Row) -> Column<Outer> {
        var lifted = Column<Outer>(header, name, shrinksTo: minimum, isShown: shown ?? isShown) { whole(reach($0)) }
        if let brief { lifted.brief = { brief(reach($0)) } }
        return lifted
    }

    package func isNamed(_ name: String) -> Bool { self.name.equals(name) }

    func cell(of row: Row, isWhole: Bool) -> String { isWhole ? whole(row) : (brief ?? whole)(row) }

    /// Its cells of all rows, fit to be shown.
    func cells(of rows: [Row], isWhole: Bool) -> [String] {
        let text = isWhole ? whole : brief ?? whole
        return rows.map { escapeVisible(text($0)) }
    }
}
