// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import JSON
import Linux

struct VolumeList: Command {
    static let name: StaticString = "ls"
    static let summary: StaticString = "list volumes"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-q, --quiet", "names alone") { $0.isQuiet = $1 },
            .text("-f, --filter KEY=VALUE", "name=TEXT, dangling=true|false; may be repeated") {
                let pair = try KeyValue($1, requiresValue: true)
                switch (pair.key, pair.value) {
                case ("name", let value?): $0.names.append(value)
                case ("dangling", "true"): $0.isDangling = true
                case ("dangling", "false"): $0.isDangling = false
                case ("dangling", _): throw UsageError("dangling is true or false")
                default: throw UsageError("there is no filter '\(pair.key)'; there are name, dangling")
                }
            },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isQuiet = false
    var names: [String] = []
    var isDangling: Bool?
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        var volumes = try home.volumes().filter { volume in names.isEmpty || names.contains { volume.name.holds($0) } }
        if let isDangling {
            let used = Set(try home.listings().flatMap { ($0.record.mounts ?? []).compactMap(\.name) })
            volumes.removeAll { used.contains($0.name) == isDangling }
        }
        let rows = volumes.map(VolumeRow.init)
        try Output.standard.write(isQuiet ? rows.quietText : format.text(rows, width: Output.standard.tableWidth))
        return 0
    }
}

struct VolumeRow: ListRow {
    let volume: Volume
    var quiet: String { volume.name }

    init(_ volume: Volume) { self.volume = volume }

    static var columns: [Column<Self>] {
        [
            Column("DRIVER", "Driver") { _ in "local" },
            Column("VOLUME NAME", "Name", shrinksTo: 12) { $0.volume.name },
            Column("MOUNTPOINT", "Mountpoint", isShown: false) { $0.volume.path },
            Column("SCOPE", "Scope", isShown: false) { _ in "local" },
        ]
    }
}

struct VolumeCreate: Command {
    static let name: StaticString = "create"
    static let summary: StaticString = "make a volume"
    static let operands: Operands = "[VOLUME]"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let name = try arguments.first.map { (text) throws(UsageError) in try ContainerName(word: text, of: "volume") }
        try Output.standard.write("\(globals.home().createVolume(name))\n")
        return 0
    }
}

struct VolumeRm: Command {
    static let name: StaticString = "rm"
    static let summary: StaticString = "remove volumes that no container has"
    static let operands: Operands = "VOLUME [VOLUME...]"
    static var options: [CommandOption<Self>] { [.flag("-f, --force", "missing ones are fine") { $0.isForced = $1 }] }

    var isForced = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try Each.of(arguments) { name in
            do { try home.removeVolume(name) } catch EngineError.notFound where isForced {}
        }
    }
}
