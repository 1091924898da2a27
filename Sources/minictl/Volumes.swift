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
            .text("-f, --filter KEY=VALUE", "name, label, driver, dangling=true|false; may be repeated") { try $0.filter.add($1) },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
            .flag("--cluster", "docker's, for swarms", hidden: true) { _, isOn in
                if isOn { throw UsageError("there are no volumes of a cluster: each is this machine's own") }
            },
        ]
    }

    var isQuiet = false
    var filter = VolumeFilter()
    var format = ListFormat.table

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let used = filter.isDangling == nil ? [] : Set(try home.listings().flatMap(\.record.volumeNames))
        let rows = try home.volumes().filter { filter.holds(for: $0, isUsed: used.contains($0.name)) }.map(VolumeRow.init)
        try Output.standard.write(isQuiet ? rows.quietText : format.text(rows, width: Output.standard.tableWidth))
        return 0
    }
}

/// The conditions of `volume ls --filter`. Those of one kind are alternatives, except labels; those of different kinds must all hold.
struct VolumeFilter {
    private var names: [String] = []
    private var drivers: [String] = []
    private var labels: [LabelCondition] = []
    private(set) var isDangling: Bool?

    mutating func add(_ text: String) throws(UsageError) {
        let pair = try KeyValue(text, requiresValue: true)
        let value = pair.value ?? ""
        switch (pair.key, value) {
        case ("name", _): names.append(value)
        case ("driver", _): drivers.append(value)
        case ("label", _): labels.append(LabelCondition(value))
        case ("dangling", "true"), ("dangling", "1"): isDangling = true
        case ("dangling", "false"), ("dangling", "0"): isDangling = false
        case ("dangling", _): throw UsageError("dangling is true or false")
        default: throw UsageError("there is no filter '\(pair.key)'; there are name, label, driver, dangling")
        }
    }

    func holds(for volume: Volume, isUsed: Bool) -> Bool {
        if let isDangling, isDangling == isUsed { return false }
        return (names.isEmpty || names.contains { volume.name.holds($0) }) && (drivers.isEmpty || drivers.contains("local"))
            && labels.allSatisfy { $0.holds(for: volume.labels) }
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
            Column("LABELS", "Labels", isShown: false) { $0.volume.labels.labelText },
        ]
    }

    var lookups: JSONObject { volume.labels.labelLookups }
}

struct VolumeCreate: Command {
    static let name: StaticString = "create"
    static let summary: StaticString = "make a volume"
    static let operands: Operands = "[VOLUME]"
    static let examples = [
        Example("minictl volume create --label for=web site", "a directory of its own, kept until volume rm"),
        Example("minictl volume create -o type=none -o o=bind -o device=/srv/data data", "a name for a folder of this machine"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("-d, --driver local", "who keeps it (default local; there is no other)") { try VolumeDriver.check($1) },
            .text("--label KEY=VALUE", "a label; may be repeated") { $0.definition.labels.add(try KeyValue($1)) },
            .text("-o, --opt OPTION=VALUE", "type=none, o=bind and device=DIR make it a name for a folder; may be repeated") {
                $0.definition.options.add(try KeyValue($1, requiresValue: true))
            },
            .text("--name VOLUME", "docker's older way to name it", hidden: true) { $0.name = $1 },
        ] + cluster
    }

    private static var cluster: [CommandOption<Self>] {
        let names: [StaticString] = [
            "--availability WORD", "--group NAME", "--limit-bytes SIZE", "--required-bytes SIZE", "--scope WORD", "--secret KEY=VALUE",
            "--sharing WORD", "--topology-preferred KEY=VALUE", "--topology-required KEY=VALUE", "--type WORD",
        ]
        return names.map { name in
            .text(name, "docker's, for swarms", hidden: true) { _, _ in
                throw UsageError("there are no volumes of a cluster: each is this machine's own")
            }
        }
    }

    private var definition = VolumeDefinition()
    private var name: String?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard name == nil || arguments.isEmpty else { throw UsageError("the volume is named twice, with --name and without") }
        let name = try (name ?? arguments.first).map { (text) throws(UsageError) in try ContainerName(word: text, of: "volume") }
        try Output.standard.write("\(globals.home().createVolume(name, definition))\n")
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

/// Who keeps volumes: this program alone.
enum VolumeDriver {
    static func check(_ name: String) throws(UsageError) {
        guard name.isEmpty || name == "local" else { throw UsageError("there is no volume driver '\(name)'; there is local") }
    }
}
