// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import JSON
import Linux

struct Ps: Command {
    static let name: StaticString = "ps"
    static let summary: StaticString = "list containers"
    static let operands: Operands = ""
    static let examples = [
        Example("minictl ps -a --filter status=exited", "those that are over"),
        Example("minictl ps --format '{{.Names}}: {{.Status}}'", "in other words"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --all", "those that do not run too") { $0.isAll = $1 },
            .flag("-q, --quiet", "ids alone") { $0.isQuiet = $1 },
            .flag("-l, --latest", "the one that was made last") { if $1 { $0.limit = 1 } },
            .text("-n, --last NUMBER", "those that were made last, whether they run or not") {
                $0.limit = try Int(word: $1, in: -1...Int.max)
            },
            .flag("--no-trunc", "whole ids and commands") { $0.isWhole = $1 },
            .flag("-s, --size", "how much each has written") { $0.showsSize = $1 },
            .text(
                "-f, --filter KEY=VALUE",
                "id, name, label, status, exited, health, ancestor, before, since, volume, network, publish, expose; may be repeated"
            ) {
                $0.filters.append($1)
            },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isAll = false
    var isQuiet = false
    var limit = -1
    var isWhole = false
    var showsSize = false
    var filters: [String] = []
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        var filter = ContainerFilter()
        for text in filters { try filter.add(text) }
        try home.sweep()
        let now = Timestamp.now
        var rows: [ContainerRow]
        if filter.isEmpty, !showsSize, isQuiet || format.isPlainTable {
            rows = try home.glances().map { ContainerRow($0, now: now) }
        } else {
            rows = try filter.chosen(from: home.listings(), in: home).map { ContainerRow($0, size: nil, now: now) }
        }
        if limit > 0 {
            rows = Array(rows.prefix(limit))
        } else if !isAll, !filter.wantsAll {
            rows.removeAll { !$0.glance.status.isGoingOn }
        }
        if showsSize, !isQuiet {
            for index in rows.indices { rows[index].size = rows[index].record.map { home.size(of: $0) } }
        }
        if isQuiet {
            try Output.standard.write(rows.map { escapeVisible(isWhole ? $0.glance.id : $0.quiet) + "\n" }.joined())
        } else if showsSize, case .table = format {
            try Output.standard.write(ListFormat.table.text(rows.map(SizedRow.init), isWhole: isWhole, width: Output.standard.tableWidth))
        } else {
            try Output.standard.write(format.text(rows, isWhole: isWhole, width: Output.standard.tableWidth))
        }
        return 0
    }
}

/// A container in a list.
struct ContainerRow: ListRow {
    let glance: Glance
    /// Its whole record, where more is asked for than the table shows.
    private let listing: Listing?
    var size: (own: Int64, all: Int64)?
    let now: Timestamp

    init(_ listing: Listing, size: (own: Int64, all: Int64)?, now: Timestamp) {
        glance = Glance(listing)
        self.listing = listing
        self.size = size
        self.now = now
    }

    init(_ glance: Glance, now: Timestamp) {
        self.glance = glance
        listing = nil
        self.now = now
    }

    var record: Record? { listing?.record }
    var quiet: String { ContainerID.short(glance.id) }

    static var columns: [Column<Self>] {
        [
            Column("CONTAINER ID", "ID") { $0.glance.id }.brief { $0.quiet },
            Column("IMAGE", "Image", shrinksTo: 8) { $0.glance.image },
            Column("COMMAND", "Command", shrinksTo: 8) { quoted($0.glance.commandLine) }
                .brief { quoted(shortened($0.glance.commandLine, to: 20)) },
            Column("CREATED", "RunningFor", shrinksTo: 8) { row in
                Elapsed(since: row.glance.created, until: row.now).map { $0.description + " ago" } ?? ""
            },
            Column("STATUS", "Status") { $0.glance.sentence(at: $0.now) },
            Column("PORTS", "Ports", shrinksTo: 6) { $0.glance.ports },
            Column("NAMES", "Names", shrinksTo: 8) { $0.glance.name },
            Column("CREATED AT", "CreatedAt", isShown: false) { LocalTime($0.glance.created).description },
            Column("STATE", "State", isShown: false) { $0.glance.status.word },
            Column("SIZE", "Size", isShown: false) { $0.sizeText },
            Column("LABELS", "Labels", isShown: false) { ($0.record?.labels ?? [:]).labelText },
            Column("MOUNTS", "Mounts", isShown: false) { row in
                (row.record?.mounts ?? []).filter { $0.type != "tmpfs" }.map { $0.name ?? $0.source }.joined(separator: ",")
            },
            Column("LOCAL VOLUMES", "LocalVolumes", isShown: false) { row in
                "\((row.record?.mounts ?? []).count { $0.type == "volume" })"
            },
            Column("NETWORKS", "Networks", isShown: false) { $0.record?.networks.joined(separator: ",") ?? "" },
        ]
    }

    var lookups: JSONObject { (record?.labels ?? [:]).labelLookups }

    /// docker's: what the container wrote, and with its image.
    var sizeText: String { size.map { "\(DecimalBytes($0.own)) (virtual \(DecimalBytes($0.all)))" } ?? "" }
}

/// The same with its size in the table.
private struct SizedRow: ListRow {
    let row: ContainerRow
    var quiet: String { row.quiet }

    init(_ row: ContainerRow) { self.row = row }

    static var columns: [Column<Self>] {
        ContainerRow.columns.filter(\.isShown).map { $0.lifted { $0.row } } + [Column("SIZE", "Size") { $0.row.sizeText }]
    }
}

/// In quotes as Go's `%q`: a command stays one line whatever is in it.
func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    if isPlain { return "\"" + text + "\"" }
    var quoted = "\""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": quoted += "\\\""
        case "\\": quoted += "\\\\"
        case "\n": quoted += "\\n"
        case "\r": quoted += "\\r"
        case "\t": quoted += "\\t"
        default: quoted.unicodeScalars.append(scalar)
        }
    }
    return quoted + "\""
}

/// At most `count` characters, the last of them an ellipsis where something is left out.
func shortened(_ text: String, to count: Int) -> String {
    // There are no more characters than bytes.
    guard text.utf8.count > count else { return text }
    let characters = text.unicodeScalars
    guard characters.count > count else { return text }
    return String(String.UnicodeScalarView(characters.prefix(count - 1))) + "…"
}

/// A moment in the local time zone as Go prints it, `2026-11-25 14:29:33 +0000 UTC`.
struct LocalTime: CustomStringConvertible {
    let description: String

    /// Takes RFC 3339; any other text is kept.
    init(_ text: String) {
        guard let moment = Timestamp(text) else {
            description = text
            return
        }
        var seconds = time_t(moment.nanoseconds / 1_000_000_000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 80)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S %z %Z", &parts)
        description = String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension Output {
    /// The columns a table may have: a terminal's; nil elsewhere, where nobody counts them.
    var tableWidth: Int? { isTerminal ? Terminal.width : nil }
}
