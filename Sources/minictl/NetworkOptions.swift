// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Network

/// Which networks a container is on, and as whom.
struct NetworkOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text(
                "--network|--net NETWORK",
                "default bridge; or none, host, container:ID; name=NETWORK,ip=ADDRESS, where ip6=, alias=, mac-address=, link-local-ip= and gw-priority= may follow too; more by repeating it"
            ) { try $0.add($1) },
            .text("--ip ADDRESS", "its IPv4 address on the first network") { $0.address = try IPAddress(word: $1, .v4) },
            .text("--ip6 ADDRESS", "its IPv6 address there") { $0.address6 = try IPAddress(word: $1, .v6) },
            .text("--link-local-ip ADDRESS", "another address there that leads no further than the link; may be repeated") {
                $0.linkLocal.append(try IPAddress(word: $1))
            },
            .text("--mac-address MAC", "its MAC address there") { $0.mac = try MACAddress(word: $1) },
            .text("--network-alias|--net-alias NAME", "another name for others on the network; may be repeated") {
                $0.aliases.append(try ContainerName(word: $1).text)
            },
        ]
    }

    /// None, the host's or another container's, in place of networks of its own.
    private var sole: Sole?
    private var endpoints: [Endpoint] = []
    private var address: IPAddress?
    private var address6: IPAddress?
    private var mac: MACAddress?
    private var linkLocal: [IPAddress] = []
    private var aliases: [String] = []

    private struct Sole {
        let word: String
        let choice: Request.NamespaceChoice
    }

    private mutating func add(_ text: String) throws(UsageError) {
        switch text {
        case "none", "private": try choose(Sole(word: text, choice: .own))
        case "host": try choose(Sole(word: text, choice: .host))
        case "": throw UsageError("the network has no name")
        default:
            if text.hasPrefix("container:") {
                guard text.utf8.count > 10 else { throw UsageError("'\(text)' names no container") }
                try choose(Sole(word: text, choice: .container(String(text.dropFirst(10)))))
            } else {
                endpoints.append(try Endpoint(word: text))
            }
        }
    }

    private mutating func choose(_ choice: Sole) throws(UsageError) {
        if let sole, sole.word != choice.word { throw UsageError("'\(sole.word)' goes with no other network") }
        sole = choice
    }

    func apply(to request: inout Request) throws(UsageError) {
        let isPlain = address == nil && address6 == nil && mac == nil && aliases.isEmpty && linkLocal.isEmpty
        if let sole {
            guard endpoints.isEmpty else { throw UsageError("--network \(sole.word) goes with no other network") }
            guard isPlain else { throw UsageError("with --network \(sole.word) there are no addresses or aliases to choose") }
            request.namespaces.network = sole.choice
            return
        }
        var endpoints = endpoints.isEmpty ? [Endpoint(network: NetworkDefinition.defaultName)] : endpoints
        if let address { endpoints[0].wantedAddress = address }
        if let address6 { endpoints[0].wantedAddress6 = address6 }
        if let mac { endpoints[0].wantedMAC = mac }
        if !linkLocal.isEmpty { endpoints[0].linkLocal = (endpoints[0].linkLocal ?? []) + linkLocal }
        if !aliases.isEmpty { endpoints[0].aliases = (endpoints[0].aliases ?? []) + aliases }
        request.endpoints = endpoints
    }
}

extension Endpoint {
    /// `NAME`, or docker's longer form `name=NAME,ip=ADDRESS,ip6=ADDRESS,alias=NAME,mac-address=MAC`.
    init(word text: String) throws(UsageError) {
        guard text.contains("=") else {
            self.init(network: Self.network(text))
            return
        }
        self.init(network: "")
        for field in try CommaFields(text).fields {
            let pair = try KeyValue(field, requiresValue: true)
            let value = pair.value ?? ""
            switch pair.key {
            case "name": network = Self.network(value)
            case "ip": wantedAddress = try IPAddress(word: value, .v4)
            case "ip6": wantedAddress6 = try IPAddress(word: value, .v6)
            case "mac-address": wantedMAC = try MACAddress(word: value)
            case "alias": aliases = (aliases ?? []) + [try ContainerName(word: value).text]
            case "link-local-ip": linkLocal = (linkLocal ?? []) + [try IPAddress(word: value)]
            case "gw-priority": priority = Int(try Int32(word: value))
            case "driver-opt": try add(option: value)
            default:
                throw UsageError(
                    "unknown key '\(pair.key)' in --network, known are name, ip, ip6, mac-address, alias, link-local-ip, gw-priority, driver-opt"
                )
            }
        }
        guard !network.isEmpty else { throw UsageError("--network needs name=NAME") }
    }

    /// docker's options of a driver for one container: kernel parameters of its interface, whose name stands as `IFNAME`.
    mutating func add(option text: String) throws(UsageError) {
        let pair = try KeyValue(text, requiresValue: true)
        guard pair.key == Self.parametersOption else {
            throw UsageError(
                "there is no driver option '\(pair.key)' for a container's place on a network; there is \(Self.parametersOption)")
        }
        for word in (pair.value ?? "").split(separator: ",") {
            let parameter = try KeyValue(String(word), requiresValue: true)
            let parts = parameter.key.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            let isPlain = parts.allSatisfy {
                !$0.isEmpty && $0.utf8.allSatisfy { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 == 0x5f || (0x30...0x39).contains($0) }
            }
            guard parts.count == 5, isPlain, parts[0] == "net", parts[1] == "ipv4" || parts[1] == "ipv6", parts[3] == "IFNAME" else {
                throw UsageError("'\(parameter.key)' is no parameter of an interface, such as net.ipv4.conf.IFNAME.log_martians")
            }
            guard let value = parameter.value, !value.isEmpty, value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) else {
                throw UsageError("'\(word)' has no value that can be written")
            }
            parameters = (parameters ?? [:]).merging([parts.dropFirst().joined(separator: "/"): value]) { $1 }
        }
    }

    /// docker's other word for the default network.
    static func network(_ word: String) -> String { word == "default" ? NetworkDefinition.defaultName : word }
}

extension IPAddress {
    init(word text: String, _ family: Family? = nil) throws(UsageError) {
        guard let address = IPAddress(text), family.map({ $0 == address.family }) ?? true else {
            let kind = family.map { $0 == .v4 ? "IPv4 address, such as 172.18.0.7" : "IPv6 address, such as fd00::7" } ?? "IP address"
            throw UsageError("'\(text)' is no \(kind)")
        }
        self = address
    }
}

extension Subnet {
    init(word text: String) throws(UsageError) {
        if let subnet = Subnet(text) {
            self = subnet
            return
        }
        let hint = InterfaceAddress(text).map { "; did you mean \($0.subnet)?" } ?? ", such as 10.1.0.0/24"
        throw UsageError("'\(text)' is no subnet\(hint)")
    }
}

extension MACAddress {
    init(word text: String) throws(UsageError) {
        guard let address = MACAddress(text) else {
            throw UsageError("'\(text)' is no MAC address of one interface, such as 02:42:ac:12:00:07")
        }
        self = address
    }
}
