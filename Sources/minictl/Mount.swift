// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct MountAdd: Command {
    static let name: StaticString = "add"
    static let summary: StaticString = "mount a folder, file or volume in a container that runs"
    static let operands: Operands = "CONTAINER SOURCE DIR[:OPTIONS]"
    static let examples = [
        Example("minictl mount add web ./logs /srv/logs:ro", "until the container ends, or mount rm takes it away"),
        Example("minictl mount add --keep web data /var/lib/data", "a volume, also after the next start"),
    ]
    static var options: [CommandOption<Self>] { [.flag("-k, --keep", "mount it at every start from now on too") { $0.isKept = $1 }] }

    var isKept = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let request = try MountRequest(source: arguments[1], target: arguments[2])
        let home = try globals.home()
        try home.sweep()
        try home.addMount(arguments[0], request, isKept: isKept)
        return 0
    }
}

struct MountRm: Command {
    static let name: StaticString = "rm"
    static let summary: StaticString = "take mounts away that were added while the container ran"
    static let operands: Operands = "CONTAINER DIR [DIR...]"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try Each.of(Array(arguments.dropFirst())) { try home.removeMount(arguments[0], at: MountRequest.normal($0)) }
    }
}

struct MountList: Command {
    static let name: StaticString = "ls"
    static let summary: StaticString = "list what is mounted in a container"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] {
        [
            .flag("-q, --quiet", "places alone") { $0.isQuiet = $1 },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isQuiet = false
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        let rows = try home.container(named: arguments[0]).record.mounts.map { $0.map(MountRow.init) } ?? []
        try Output.standard.write(isQuiet ? rows.quietText : format.text(rows, width: Output.standard.tableWidth))
        return 0
    }
}

private struct MountRow: ListRow {
    let point: Record.MountPoint
    var quiet: String { point.destination }

    init(_ point: Record.MountPoint) { self.point = point }

    static var columns: [Column<Self>] {
        [
            Column("DESTINATION", "Destination", shrinksTo: 12) { $0.point.destination },
            Column("TYPE", "Type") { $0.point.type },
            Column("SOURCE", "Source", shrinksTo: 12) { $0.point.name ?? $0.point.source },
            Column("MODE", "Mode") { $0.point.writable ? "rw" : "ro" },
            Column("SINCE", "Since") { $0.point.live.map { $0.isKept ? "added, kept" : "added" } ?? "made" },
        ]
    }
}
