// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Network

struct NetworkRm: Command {
    static let name: StaticString = "rm"
    static let summary: StaticString = "remove networks that no running container is on"
    static let operands: Operands = "NETWORK [NETWORK...]"
    static var options: [CommandOption<Self>] { [.flag("-f, --force", "missing ones are fine") { $0.isForced = $1 }] }

    var isForced = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try Each.of(arguments) { name in
            do { try home.removeNetwork(Endpoint.network(name)) } catch EngineError.notFound where isForced {}
        }
    }
}

struct NetworkConnect: Command {
    static let name: StaticString = "connect"
    static let summary: StaticString = "connect a container to a network, at once where it runs"
    static let operands: Operands = "NETWORK CONTAINER"

    static var options: [CommandOption<Self>] {
        [
            .text("--ip ADDRESS", "its IPv4 address there") { $0.endpoint.wantedAddress = try IPAddress(word: $1, .v4) },
            .text("--ip6 ADDRESS", "its IPv6 address there") { $0.endpoint.wantedAddress6 = try IPAddress(word: $1, .v6) },
            .text("--mac-address MAC", "its MAC address there") { $0.endpoint.wantedMAC = try MACAddress(word: $1) },
            .text("--alias NAME", "another name for others on the network; may be repeated") {
                $0.endpoint.aliases = ($0.endpoint.aliases ?? []) + [try ContainerName(word: $1).text]
            },
        ]
    }

    private var endpoint = Endpoint(network: "")

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var endpoint = endpoint
        endpoint.network = Endpoint.network(arguments[0])
        let home = try globals.home()
        try home.sweep()
        try home.connect(arguments[1], to: endpoint)
        return 0
    }
}

struct NetworkDisconnect: Command {
    static let name: StaticString = "disconnect"
    static let summary: StaticString = "take a container off a network"
    static let operands: Operands = "NETWORK CONTAINER"
    static var options: [CommandOption<Self>] { [.flag("-f, --force", "one that is not on it is fine") { $0.isForced = $1 }] }

    var isForced = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        try home.disconnect(arguments[1], from: Endpoint.network(arguments[0]), force: isForced)
        return 0
    }
}

struct NetworkPrune: Command {
    static let name: StaticString = "prune"
    static let summary: StaticString = "remove networks that no container is on"
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
        guard
            try isForced
                || Confirmation.ask("This will remove all networks not used by at least one container.")
        else { return 0 }
        let home = try globals.home()
        try home.sweep()
        var report = PruneReport()
        try report.networks(home, filter)
        return report.status
    }
}
