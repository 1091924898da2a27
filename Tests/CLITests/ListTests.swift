// SPDX-License-Identifier: Apache-2.0
import JSON
import Testing

@testable import CLI

private struct Row: ListRow {
    static var columns: [Column<Self>] {
        [
            Column("CONTAINER ID", "ID") { $0.id }.brief { String($0.id.prefix(12)) },
            Column("IMAGE", "Image", shrinksTo: 8) { $0.image },
            Column("COMMAND", "Command", shrinksTo: 10) { $0.command },
            Column("SIZE", "Size", isShown: false) { _ in "0B" },
            Column("NAMES", "Names") { $0.name },
        ]
    }
    let id: String
    var image = "registry.example.org/team/application:1.2.3"
    var command = "sleep 1000"
    var name: String
    var quiet: String { id }
    var fields: JSONObject { ["Labels": ["a": "1"], "Label": ["com.x": .string("v-" + name)]] }
}

private let rows = [
    Row(id: "0123456789abcdef", name: "web"), Row(id: "fedcba9876543210", image: "alpine", command: "sh", name: "日本語"),
]

@Suite struct ListTests {
    @Test func `A table without a terminal is whole, three spaces between columns`() throws {
        #expect(
            try ListFormat.table.text(rows, width: nil) == """
                CONTAINER ID   IMAGE                                         COMMAND      NAMES
                0123456789ab   registry.example.org/team/application:1.2.3   sleep 1000   web
                fedcba987654   alpine                                        sh           日本語

                """)
    }

    @Test func `On a narrow screen the widest column shrinks`() throws {
        #expect(
            try ListFormat.table.text(rows, width: 70).split(separator: "\n")[1]
                == "0123456789ab   registry.example.org/team/applic…   sleep 1000   web")
    }

    @Test(arguments: [1, 10, 20, 40, 60, 80, 200])
    func `No line is wider than the terminal`(width: Int) throws {
        let text = try ListFormat.table.text(rows, width: width)
        #expect(text.split(separator: "\n").count == 3)
        for line in text.split(separator: "\n") { #expect(String(line).columns <= width) }
    }

    @Test func `A cell longer than memory of screens costs little`() throws {
        let row = Row(id: "0123456789abcdef", image: String(repeating: "a", count: 2_000_000), name: "web")
        #expect(try ListFormat.table.text([row], width: 200).utf8.count < 1000)
    }

    @Test func `No rows leave the header, and no lines in JSON`() throws {
        #expect(try ListFormat.table.text([Row](), width: nil) == "CONTAINER ID   IMAGE   COMMAND   NAMES\n")
        #expect(try ListFormat("json").text([Row](), width: nil) == "")
    }

    @Test func `Whole cells are kept when asked, quiet prints the id`() throws {
        #expect(try ListFormat.table.text(rows, isWhole: true, width: nil).contains("0123456789abcdef"))
        #expect(rows.quietText == "0123456789abcdef\nfedcba9876543210\n")
    }

    @Test func `JSON is one object a line`() throws {
        #expect(
            try ListFormat("json").text([rows[1]], width: 40) == """
                {"ID":"fedcba987654","Image":"alpine","Command":"sh","Size":"0B","Names":"日本語","Labels":{"a":"1"},"Label":{"com.x":"v-日本語"}}

                """)
    }

    @Test func `A template runs for each row`() throws {
        #expect(try ListFormat("{{.ID}}\\t{{.Label \"com.x\"}}").text(rows, width: nil) == "0123456789ab\tv-web\nfedcba987654\tv-日本語\n")
        #expect(throws: UsageError("format, character 3: no field .Nmaes (did you mean .Names?)")) {
            try ListFormat("{{.Nmaes}}").text(rows, width: nil)
        }
    }

    @Test func `A table template makes its own header`() throws {
        #expect(
            try ListFormat("table {{.ID}}\\t{{upper .Names}}\\t{{.Label \"com.x\"}}").text(rows, width: nil) == """
                CONTAINER ID   NAMES    COM.X
                0123456789ab   WEB      v-web
                fedcba987654   日本語   v-日本語

                """)
        #expect(try ListFormat("table {{.Names}}").text([Row](), width: nil) == "NAMES\n")
    }

    @Test func `Text that could drive the terminal is written out`() throws {
        let row = Row(id: "1", image: "a\u{1B}]0;x\u{7}", command: "b\nc\u{202E}d\u{9B}", name: "\u{7F}")
        let line = try ListFormat.table.text([row], width: nil).split(separator: "\n")[1]
        #expect(line == "1              a\\x1b]0;x\\x07   b\\nc\\u{202e}d\\x9b   \\x7f")
        #expect(try ListFormat("{{.Image}}").text([row], width: 80) == "a\\x1b]0;x\\x07\n")
        #expect(try ListFormat("{{.Image}}").text([row], width: nil) == "a\u{1B}]0;x\u{7}\n")
    }

    @Test(
        arguments: [
            ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("😀", 2), ("\u{1F1E9}\u{1F1EA}", 2), ("한", 2), ("ｱ", 1), ("", 0), ("…", 1),
        ] as [(String, Int)])
    func `Width is counted as terminals do`(text: String, columns: Int) {
        #expect(text.columns == columns)
    }

    @Test func `Shortening never cuts a mark from its letter or a wide character in two`() {
        #expect("abcdef".shortened(to: 4) == "abc…")
        #expect("日本語".shortened(to: 4) == "日…")
        #expect("e\u{301}e\u{301}e\u{301}".shortened(to: 2) == "e\u{301}…")
        #expect("abc".shortened(to: 0) == "")
        #expect("abc".shortened(to: 1) == "…")
    }
}
