// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux

/// Asks before something goes for good.
struct Confirmation {
    /// True if the answer begins with y. Without an answer it is no.
    static func ask(_ warning: String) throws -> Bool {
        try Output.standard.write("WARNING! \(warning)\nAre you sure you want to continue? [y/N] ")
        let answer = readLine(strippingNewline: true) ?? ""
        return answer.hasPrefix("y") || answer.hasPrefix("Y")
    }
}

struct ContainerPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove all containers that do not run"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "do not ask") { $0.isForced = $1 },
            .text("--filter KEY=VALUE", "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]; may be repeated") {
                try $0.filter.add(word: $1)
            },
        ]
    }

    var isForced = false
    var filter = PruneFilter()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard try isForced || Confirmation.ask("This will remove all stopped containers.") else { return 0 }
        let home = try globals.home()
        try home.sweep()
        var report = PruneReport()
        try report.containers(home, filter)
        return try report.finish()
    }
}

struct ImagePrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove images that have no name"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "do not ask") { $0.isForced = $1 },
            .flag("-a, --all", "also those with a name that no container runs on") { $0.isAll = $1 },
            .text("--filter KEY=VALUE", "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE]; may be repeated") {
                try $0.filter.add(word: $1)
            },
        ]
    }

    var isForced = false
    var isAll = false
    var filter = PruneFilter()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let what = isAll ? "all images without at least one container associated to them" : "all dangling images"
        guard try isForced || Confirmation.ask("This will remove \(what).") else { return 0 }
        let home = try globals.home()
        try home.sweep()
        var report = PruneReport()
        try report.images(home, all: isAll, filter)
        return try report.finish()
    }
}

struct VolumePrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove nameless volumes that no container has"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "do not ask") { $0.isForced = $1 },
            .flag("-a, --all", "those with a name too") { $0.isAll = $1 },
        ]
    }

    var isForced = false
    var isAll = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        guard
            try isForced
                || Confirmation.ask("This will remove \(isAll ? "all" : "anonymous") local volumes not used by at least one container.")
        else { return 0 }
        let home = try globals.home()
        try home.sweep()
        var report = PruneReport()
        try report.volumes(home, all: isAll)
        return try report.finish()
    }
}

struct SystemPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove what is not in use"
    static let operands: Operands = ""

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --force", "do not ask") { $0.isForced = $1 },
            .flag("-a, --all", "also images with a name that no container runs on") { $0.isAll = $1 },
            .flag("--volumes", "nameless volumes too") { $0.withVolumes = $1 },
            .text("--filter KEY=VALUE", "until=TIME, label=KEY[=VALUE], label!=KEY[=VALUE], of all but volumes; may be repeated") {
                try $0.filter.add(word: $1)
            },
        ]
    }

    var isForced = false
    var isAll = false
    var withVolumes = false
    var filter = PruneFilter()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var things = [
            "all stopped containers", "all networks not used by at least one container",
            isAll ? "all images without at least one container associated to them" : "all dangling images",
        ]
        if withVolumes { things.append("all anonymous volumes not used by at least one container") }
        guard try isForced || Confirmation.ask("This will remove:\n" + things.map { "  - \($0)\n" }.joined()) else { return 0 }
        let home = try globals.home()
        try home.sweep()
        var report = PruneReport()
        try report.containers(home, filter)
        try report.networks(home, filter)
        if withVolumes { try report.volumes(home, all: false) }
        try report.images(home, all: isAll, filter)
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

    mutating func volumes(_ home: borrowing Home, all: Bool) throws {
        let gone = try home.pruneVolumes(all: all)
        try list("Deleted Volumes:", gone.names)
        bytes.add(size: gone.bytes)
    }

    mutating func networks(_ home: borrowing Home, _ filter: PruneFilter) throws {
        try list("Deleted Networks:", home.pruneNetworks(filter))
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
