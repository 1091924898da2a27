// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import Network

extension Home {
    /// Makes a network. Its bridge comes with the first container.
    package func createNetwork(_ request: NetworkRequest) throws(EngineError) -> NetworkDefinition {
        guard request.name.text != "host", request.name.text != "none", request.name.text != "default" else {
            throw .refused("operation is not permitted on predefined \(request.name) network")
        }
        let lock = try lockNetworks(exclusive: true)
        guard try storedNetwork(request.name.text) == nil else { throw .refused("network with name \(request.name) already exists") }
        let network = try define(request, lock)
        try store(network, lock)
        tell("create", network)
        return network
    }

    /// Decides everything about a network.
    func define(_ request: NetworkRequest, _ lock: borrowing NetworkLock) throws(EngineError) -> NetworkDefinition {
        try request.checkOptions()
        var network = NetworkDefinition()
        do throws(SystemError) { network.id = try ContainerID().text } catch { throw .system(doing: "make an id", error) }
        network.name = request.name.text
        network.driver = request.driver
        network.created = Timestamp.now.description
        network.isInternal = request.isInternal
        network.options = request.options.isEmpty ? nil : request.options
        network.labels = request.labels.isEmpty ? nil : request.labels
        let others = try storedNetworks()
        let used = try subnetsInUse() + others.flatMap(\.ranges).map(\.subnet)
        // The first is left to the default network, which people expect there.
        let kept = network.isDefault ? [] : [AddressPool.first].compactMap { $0 }
        network.ranges = try request.ranges(id: network.id) { () throws(EngineError) in try Self.freeSubnet(besides: used + kept) }
        switch network.driver {
        case .macvlan: network.device = request.options["parent"] ?? ""
        default:
            let own = network.isDefault ? "minictl0" : "mc-\(network.id.prefix(12))"
            network.device = request.options["com.docker.network.bridge.name"] ?? own
        }
        // The subnet of a macvlan is the wire's, where the host has it too.
        guard network.driver == .bridge else { return network }
        for range in network.ranges {
            if let other = others.first(where: { $0.ranges.contains { $0.subnet.overlaps(range.subnet) } }) {
                throw .refused("the subnet \(range.subnet) overlaps with that of the network \(other.name)")
            }
            if let other = used.first(where: { $0.overlaps(range.subnet) }) {
                throw .refused("the subnet \(range.subnet) overlaps with \(other), which is in use on this machine")
            }
        }
        if let other = others.first(where: { $0.driver == .bridge && $0.device == network.device }) {
            throw .refused("the bridge \(network.device) is that of the network \(other.name)")
        }
        return network
    }

    static func freeSubnet(besides used: [Subnet]) throws(EngineError) -> Subnet {
        guard let subnet = AddressPool.free(besides: used) else {
            throw .refused("every private range of addresses is in use on this machine; choose one with --subnet")
        }
        return subnet
    }

    func subnetsInUse() throws(EngineError) -> [Subnet] {
        do throws(SystemError) {
            var netlink = try Netlink()
            return try netlink.subnetsInUse()
        } catch {
            throw .system(doing: "look at this machine's routes", error)
        }
    }

    /// Removes a network that no running container is on.
    package func removeNetwork(_ word: String) throws(EngineError) {
        let network = try network(named: word)
        guard !NetworkDefinition.isPredefined(network.name) else {
            throw .refused("\(network.name) is a pre-defined network and cannot be removed")
        }
        let lock = try lockNetworks(exclusive: true)
        guard try storedNetwork(network.name) != nil else { throw .notFound(word, kind: "network") }
        let users = try users(of: network)
        guard users.isEmpty else {
            throw .refused("network \(network.name) is in use by \(users.joined(separator: ", ")); stop or disconnect them first")
        }
        try remove(network, lock)
    }

    /// Removes every network that no container is on, the default one included: it is made again when it is needed.
    /// - Parameter keepingDefault: the default one stays, as docker's does.
    package func pruneNetworks(_ filter: PruneFilter, keepingDefault: Bool = false) throws(EngineError) -> [String] {
        let wanted = Set(try listings().flatMap { $0.record.endpoints ?? [] }.map(\.network))
        let lock = try lockNetworks(exclusive: true)
        var removed: [String] = []
        for network in try storedNetworks().sorted(by: { $0.name < $1.name }) where filter.holds(for: network) {
            if network.isDefault ? keepingDefault : wanted.contains(network.name) { continue }
            guard try users(of: network).isEmpty else { continue }
            try remove(network, lock)
            removed.append(network.name)
        }
        tellPrune(.network)
        return removed
    }

    /// The names of the containers that have addresses of a network.
    private func users(of network: NetworkDefinition) throws(EngineError) -> [String] {
        do throws(NetworkError) {
            let owners = Set(try Leases(of: network.name, in: runtime.place).all().map(\.owner))
            return owners.map { owner in ContainerID(owner).flatMap { try? container($0).name } ?? ContainerID.short(owner) }.sorted()
        } catch {
            throw .network(error)
        }
    }

    /// The file goes last: a removal that was cut short can be done again.
    private func remove(_ network: NetworkDefinition, _ lock: borrowing NetworkLock) throws(EngineError) {
        do throws(SystemError) {
            if network.driver == .bridge {
                var netlink = try Netlink()
                // A link of that name that is somebody else's stays.
                if try netlink.link(network.device)?.mac == network.bridgeMAC { try netlink.remove(network.device) }
            }
            try Directory.removeAll("networks/\(network.name)", at: runtime.place)
        } catch {
            throw .system(doing: "remove the network \(network.name)", error)
        }
        try unsecure(network)
        do throws(SystemError) { try lock.folder.place.unlink("\(network.name).json") } catch {
            throw .system(doing: "remove the network \(network.name)", error)
        }
        tell("destroy", network)
    }
}
