// SPDX-License-Identifier: Apache-2.0
import Linux
package import Network

/// A network as it is asked for.
package struct NetworkRequest: Sendable {
    package var name: ContainerName
    package var driver = NetworkDefinition.Driver.bridge
    package var subnets: [Subnet] = []
    package var gateways: [IPAddress] = []
    package var allocations: [Subnet] = []
    /// `NAME=ADDRESS`: addresses that are somebody else's.
    package var reserved: [(name: String, address: IPAddress)] = []
    package var isInternal = false
    /// With IPv6, of a unique local subnet if none is given.
    package var hasIPv6 = false
    package var options: [String: String] = [:]
    package var labels: [String: String] = [:]

    package init(name: ContainerName) { self.name = name }
}

extension NetworkRequest {
    /// The subnets with their gateways and the parts that containers get theirs from. `free` finds one for IPv4 where none is given.
    func ranges(id: String, free: () throws(EngineError) -> Subnet) throws(EngineError) -> [AddressRange] {
        var ranges = subnets.map { AddressRange(subnet: $0) }
        for family in [IPAddress.Family.v4, .v6] where ranges.count(where: { $0.subnet.family == family }) > 1 {
            throw .refused("a network has at most one subnet of IPv\(family == .v4 ? 4 : 6)")
        }
        if !ranges.contains(where: { $0.subnet.family == .v4 }) { ranges.insert(AddressRange(subnet: try free()), at: 0) }
        if hasIPv6, !ranges.contains(where: { $0.subnet.family == .v6 }), let local = AddressPool.local(forNetwork: id) {
            ranges.append(AddressRange(subnet: local))
        }
        for gateway in gateways {
            guard let index = ranges.firstIndex(where: { $0.subnet.canHold(gateway) }) else {
                throw .refused("no matching subnet for gateway \(gateway)")
            }
            guard ranges[index].gateway == nil else { throw .refused("the subnet \(ranges[index].subnet) has two gateways") }
            ranges[index].gateway = gateway
        }
        for allocation in allocations {
            guard let index = ranges.firstIndex(where: { $0.subnet.contains(allocation) }) else {
                throw .refused("no matching subnet for range \(allocation)")
            }
            guard ranges[index].subnet.canHold(allocation.address(at: 1) ?? allocation.base) else {
                throw .refused("containers cannot have the addresses of \(allocation)")
            }
            guard ranges[index].allocation == nil else { throw .refused("the subnet \(ranges[index].subnet) has two ranges") }
            ranges[index].allocation = allocation
        }
        for index in ranges.indices {
            let subnet = ranges[index].subnet
            guard subnet.prefix <= subnet.family.width - 2, let first = subnet.address(at: 1) else {
                throw .refused("the subnet \(subnet) has no room for a gateway and a container")
            }
            guard subnet.canHold(first) else { throw .refused("containers cannot have the addresses of \(subnet)") }
            if ranges[index].gateway == nil { ranges[index].gateway = first }
        }
        for (name, address) in reserved {
            guard let index = ranges.firstIndex(where: { $0.subnet.canHold(address) }) else {
                throw .refused("no matching subnet for aux-address \(address)")
            }
            guard ranges[index].gateway != address else { throw .refused("the address \(address) of \(name) is the gateway's") }
            ranges[index].reserved = (ranges[index].reserved ?? [:]).merging([name: address]) { $1 }
        }
        return ranges
    }

    /// Refuses options that nothing would come of.
    func checkOptions() throws(EngineError) {
        for (key, value) in options {
            switch (driver, key) {
            case (_, "mtu"), (_, "com.docker.network.driver.mtu"):
                guard let mtu = UInt32(value), (68...65535).contains(mtu) else {
                    throw .refused("the MTU \(value) is no number from 68 to 65535")
                }
            case (.bridge, "com.docker.network.bridge.name"):
                guard Self.isLinkName(value) else {
                    throw .refused("'\(value)' is no name for a bridge: at most 15 letters, digits, _ . and -")
                }
            case (.bridge, NetworkDefinition.connectingOption), (.bridge, NetworkDefinition.translatingOption):
                try checkBool(key, value)
            case (.bridge, NetworkDefinition.offloadOption):
                guard try checkBool(key, value) else { continue }
                if isInternal { throw .refused("an internal network has no ports for \(key)") }
                do throws(NetworkError) { try Firewall.tryOffload() } catch { throw .network(error) }
            case (.macvlan, "parent"):
                guard Self.isLinkName(value) else { throw .refused("'\(value)' is no name of a link") }
                guard value != "lo" else { throw .refused("the loopback is no wire to share; take a link such as eth0") }
            case (.macvlan, "macvlan_mode"), (.macvlan, "mode"):
                guard MacvlanMode(rawValue: value) != nil else {
                    throw .refused("the macvlan mode \(value) is none of \(MacvlanMode.allCases.map(\.rawValue).joined(separator: ", "))")
                }
            case (.bridge, "parent"): throw .refused("a bridge has no parent; the driver macvlan shares the wire of a link (-d macvlan)")
            default: throw .refused("the driver \(driver.rawValue) has no option \(key)")
            }
        }
        if driver == .macvlan, options["parent"] == nil { throw .refused("the driver macvlan needs a link to share, as -o parent=eth0") }
    }

    @discardableResult
    private func checkBool(_ key: String, _ value: String) throws(EngineError) -> Bool {
        guard let isOn = Bool(option: value) else { throw .refused("the value of \(key) is true or false, not '\(value)'") }
        return isOn
    }

    /// `IFNAMSIZ`, without what would lead to another file below `/proc/sys`.
    private static func isLinkName(_ name: String) -> Bool {
        name.utf8.count <= 15 && ContainerName(name) != nil
    }
}

extension NetworkDefinition {
    var macvlanMode: MacvlanMode {
        (options?["macvlan_mode"] ?? options?["mode"]).flatMap { MacvlanMode(rawValue: $0) } ?? .bridge
    }
}
