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
            .text("--link-local-ip ADDRESS", "another address there that leads no further than the link; may be repeated") {
                $0.endpoint.linkLocal = ($0.endpoint.linkLocal ?? []) + [try IPAddress(word: $1)]
            },
            .text("--link CONTAINER[:NAME]", "know another container on that network by this name; may be repeated") {
                $0.links.append(try LinkRequest(word: $1))
            },
            .text("--gw-priority NUMBER", "from its next start, the way out leads over the network with the highest (default 0)") {
                $0.endpoint.priority = Int(try Int32(word: $1))
            },
            .text(
                "--driver-opt OPTION=VALUE",
                "com.docker.network.endpoint.sysctls=LIST, of net.ipv4.conf.IFNAME.PARAMETER=VALUE and the like; may be repeated"
            ) {
                try $0.endpoint.add(option: $1)
            },
            .text("--alias NAME", "another name for others on the network; may be repeated") {
                $0.endpoint.aliases = ($0.endpoint.aliases ?? []) + [try ContainerName(word: $1).text]
            },
        ]
    }

    private var endpoint = Endpoint(network: "")
    private var links: [LinkRequest] = []

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        var endpoint = endpoint
        endpoint.network = Endpoint.network(arguments[0])
        let home = try globals.home()
        try home.sweep()
        try home.connect(arguments[1], to: endpoint, links: links)
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
