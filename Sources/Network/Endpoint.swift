// SPDX-License-Identifier: Apache-2.0
package import JSON

/// A container's place on one network: what was asked for, which holds for each start, and what it has while it runs.
package struct Endpoint: Equatable, Sendable {
    /// The network's name.
    package var network = ""
    /// Further names under which others on the network find the container.
    package var aliases: [String]?
    package var wantedAddress: IPAddress?
    package var wantedAddress6: IPAddress?
    package var wantedMAC: MACAddress?
    /// Further addresses, which nobody hands out and which lead no further than the link.
    package var linkLocal: [IPAddress]?
    /// Of several networks, the way to everywhere else leads over the one with the highest; nil for 0.
    package var priority: Int?
    /// Kernel parameters of the interface, `ipv4/conf/IFNAME/log_martians`, and what is to be in them.
    package var parameters: [String: String]?

    /// The network's id: another network may have its name by the next start.
    package var networkID: String?
    /// The interface in the container: `eth0`, `eth1` and so on.
    package var device: String?
    /// The host's end of it; nil with macvlan, which has none.
    package var link: String?
    package var mac: MACAddress?
    package var address: InterfaceAddress?
    package var address6: InterfaceAddress?
    package var gateway: IPAddress?
    package var gateway6: IPAddress?
    /// The way to everywhere else leads over this network.
    package var hasDefaultRoute: Bool?
    /// The container is being connected to it or taken off it while it runs.
    package var isChanging: Bool?

    package init(network: String) { self.network = network }

    /// Its addresses, IPv4 first.
    package var addresses: [InterfaceAddress] { [address, address6].compactMap { $0 } }

    /// Those that lead no further than the link, with the prefixes that such have.
    var linkLocalAddresses: [InterfaceAddress] {
        (linkLocal ?? []).compactMap { InterfaceAddress($0, prefix: $0.family == .v4 ? 16 : 64) }
    }

    /// Whether its interface speaks IPv6 at all.
    package var hasIPv6: Bool { address6 != nil || linkLocal?.contains { $0.family == .v6 } == true }

    /// The same as it was asked for, without what comes with a start.
    package var wish: Endpoint {
        var wish = Endpoint(network: network)
        wish.aliases = aliases
        wish.wantedAddress = wantedAddress
        wish.wantedAddress6 = wantedAddress6
        wish.wantedMAC = wantedMAC
        wish.linkLocal = linkLocal
        wish.priority = priority
        wish.parameters = parameters
        return wish
    }
}

extension Endpoint: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("network", &network)
        try json("aliases", &aliases)
        try json("wantedAddress", &wantedAddress)
        try json("wantedAddress6", &wantedAddress6)
        try json("wantedMAC", &wantedMAC)
        try json("linkLocal", &linkLocal)
        try json("priority", &priority)
        try json("parameters", &parameters)
        try json("networkID", &networkID)
        try json("device", &device)
        try json("link", &link)
        try json("mac", &mac)
        try json("address", &address)
        try json("address6", &address6)
        try json("gateway", &gateway)
        try json("gateway6", &gateway6)
        try json("hasDefaultRoute", &hasDefaultRoute)
        try json("isChanging", &isChanging)
    }
}
