// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux

/// What every `prune` takes.
struct PruneOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "do not ask") { $0.isForced = $1 },
            .text("--filter KEY=VALUE", "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]; may be repeated") {
                try $0.filter.add(word: $1)
            },
        ]
    }

    private var isForced = false
    private(set) var filter = PruneFilter()

    /// The state directories, swept, if nobody minds that something goes for good. Without an answer somebody does.
    func home(_ globals: Globals, afterAsking warning: String) throws -> Home? {
        if !isForced {
            try Output.standard.write("WARNING! \(warning)\nAre you sure you want to continue? [y/N] ")
            let answer = readLine(strippingNewline: true) ?? ""
            guard answer.hasPrefix("y") || answer.hasPrefix("Y") else { return nil }
        }
        let home = try globals.home()
        try home.sweep()
        return home
    }
}

struct ContainerPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove all containers that do not run"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] { PruneOptions.options.lifted { try $1(&$0.prune) } }

    var prune = PruneOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard let home = try prune.home(globals, afterAsking: "This will remove all stopped containers.") else { return 0 }
        var report = PruneReport()
        try report.containers(home, prune.filter)
        return try report.finish()
    }
}

struct ImagePrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove images that have no name"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] {
        PruneOptions.options.lifted { try $1(&$0.prune) } + [
            .flag("-a, --all", "also those with a name that no container runs on") { $0.isAll = $1 }
        ]
    }

    var prune = PruneOptions()
    var isAll = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let what = isAll ? "all images without at least one container associated to them" : "all dangling images"
        guard let home = try prune.home(globals, afterAsking: "This will remove \(what).") else { return 0 }
        var report = PruneReport()
        try report.images(home, all: isAll, prune.filter)
        return try report.finish()
    }
}

struct VolumePrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove nameless volumes that no container has"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] {
        PruneOptions.options.lifted { try $1(&$0.prune) } + [.flag("-a, --all", "those with a name too") { $0.isAll = $1 }]
    }

    var prune = PruneOptions()
    var isAll = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try prune.filter.checkForVolumes()
        let what = isAll ? "all" : "anonymous"
        guard let home = try prune.home(globals, afterAsking: "This will remove \(what) local volumes not used by at least one container.")
        else { return 0 }
        var report = PruneReport()
        try report.volumes(home, all: isAll, prune.filter)
        return try report.finish()
    }
}

struct NetworkPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove networks that no container is on, the default one too until it is needed again"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] { PruneOptions.options.lifted { try $1(&$0.prune) } }

    var prune = PruneOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard let home = try prune.home(globals, afterAsking: "This will remove all networks not used by at least one container.") else {
            return 0
        }
        var report = PruneReport()
        try report.networks(home, prune.filter)
        return report.status
    }
}

struct SystemPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove what is not in use; the default network stays"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] {
        PruneOptions.options.lifted { try $1(&$0.prune) } + [
            .flag("-a, --all", "also images with a name that no container runs on") { $0.isAll = $1 },
            .flag("--volumes", "nameless volumes too") { $0.withVolumes = $1 },
        ]
    }

    var prune = PruneOptions()
    var isAll = false
    var withVolumes = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        if withVolumes { try prune.filter.checkForVolumes() }
        var things = [
            "all stopped containers", "all networks not used by at least one container, but for the default network",
            isAll ? "all images without at least one container associated to them" : "all dangling images",
        ]
        if withVolumes { things.append("all anonymous volumes not used by at least one container") }
        guard let home = try prune.home(globals, afterAsking: "This will remove:\n" + things.map { "  - \($0)\n" }.joined()) else {
            return 0
        }
        var report = PruneReport()
        try report.containers(home, prune.filter)
        try report.networks(home, prune.filter, keepingDefault: true)
        if withVolumes { try report.volumes(home, all: false, prune.filter) }
        try report.images(home, all: isAll, prune.filter)
        return try report.finish()
    }
}

/// What went, in docker's words.
struct PruneReport {
    private var bytes: Int64 = 0
    private var each = Each()

    mutating func containers(_ home: borrowing Home, _ filter: PruneFilter) throws {
        var failures: [EngineError] = []
        let gone = try home.pruneContainers(filter) { failures.append($0) }
        for failure in failures { each.failed(failure) }
        try list("Deleted Containers:", gone.ids)
        bytes.add(size: gone.bytes)
    }

    mutating func images(_ home: borrowing Home, all: Bool, _ filter: PruneFilter) throws {
        let gone = try home.pruneImages(all: all, filter)
        if !gone.removals.isEmpty {
            try Output.standard.write("Deleted Images:\n")
            try gone.removals.write()
            try Output.standard.write("\n")
        }
        bytes.add(size: gone.bytes)
    }

    mutating func volumes(_ home: borrowing Home, all: Bool, _ filter: PruneFilter) throws {
        let gone = try home.pruneVolumes(all: all, filter)
        try list("Deleted Volumes:", gone.names)
        bytes.add(size: gone.bytes)
    }

    mutating func networks(_ home: borrowing Home, _ filter: PruneFilter, keepingDefault: Bool = false) throws {
        try list("Deleted Networks:", home.pruneNetworks(filter, keepingDefault: keepingDefault))
    }

    var status: Int32 { each.status }

    private func list(_ title: String, _ names: [String]) throws {
        guard !names.isEmpty else { return }
        try Output.standard.write("\(title)\n" + names.map { escapeVisible($0) + "\n" }.joined() + "\n")
    }

    func finish() throws -> Int32 {
        try Output.standard.write("Total reclaimed space: \(DecimalBytes(bytes))\n")
        return each.status
    }
}

extension PruneFilter {
    func checkForVolumes() throws(UsageError) {
        if asksForTime { throw UsageError("the filter until does not go with volumes: nobody writes down when one was made") }
    }

    mutating func add(word text: String) throws(UsageError) {
        if text.hasPrefix("label!=") { return add(label: String(text.dropFirst(7)), isWanted: false) }
        let pair = try KeyValue(text, requiresValue: true)
        switch pair.key {
        case "until": add(until: try Timestamp(word: pair.value ?? ""))
        case "label": add(label: pair.value ?? "", isWanted: true)
        default: throw UsageError("there is no filter '\(pair.key)'; there are until, label, label!")
        }
    }
}
