// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// What connects one container that is about to start: everything decided, its addresses taken.
struct Connections: ~Copyable {
    let attachments: [Attachment]
    var netlink: Netlink

    /// Makes links, addresses and routes. Nothing of it needs anything from within the container.
    /// - Parameter disablesIPv6: where there are no addresses of it; the first process of a container that starts does that itself.
    mutating func make(in namespace: borrowing NetworkNamespace, disablesIPv6: Bool) throws(EngineError) {
        do throws(NetworkError) { try namespace.connect(attachments, disablesIPv6: disablesIPv6, &netlink) } catch { throw .network(error) }
    }
}

extension NetworkNamespace {
    /// - Parameter pid: of a child of ours, so that the number cannot be another's.
    init(ofChild pid: Int32) throws(EngineError) {
        do throws(SystemError) { try self.init(of: pid) } catch { throw .system(doing: "find the container's network namespace", error) }
    }
}

extension Netlink {
    static func open() throws(EngineError) -> Netlink {
        do throws(SystemError) { return try Netlink() } catch { throw .system(doing: "speak to the kernel about networks", error) }
    }
}

extension [Endpoint] {
    /// Where they stand, those with the highest priority first, and of one priority as they were given.
    var byPriority: [Int] {
        indices.sorted {
            let (one, other) = (self[$0].priority ?? 0, self[$1].priority ?? 0)
            return one == other ? $0 < $1 : one > other
        }
    }
}

extension Home {
    /// Takes addresses on each network that a container is to be on, and makes the bridges that are missing.
    /// What was taken before a failure stands in `endpoints`, and is given back when the container is put away.
    func lease(_ endpoints: inout [Endpoint], for id: ContainerID) throws(EngineError) -> Connections {
        var netlink = try Netlink.open()
        var attachments: [Attachment] = []
        for index in endpoints.indices { endpoints[index] = endpoints[index].wish }
        // Whoever comes first and leads out gets the way to everywhere else.
        for index in endpoints.byPriority {
            let mayLeadOut = !endpoints.contains { $0.hasDefaultRoute == true }
            attachments.append(try lease(&endpoints[index], number: index, for: id, mayLeadOut: mayLeadOut, &netlink))
        }
        return Connections(attachments: attachments, netlink: netlink)
    }

    /// The same for one network.
    /// - Parameters:
    ///   - number: the interface's, as in `eth0`.
    ///   - mayLeadOut: whether the way to everywhere else may lead over this network.
    func lease(
        _ endpoint: inout Endpoint, number: Int, for id: ContainerID, mayLeadOut: Bool, _ netlink: inout Netlink
    ) throws(EngineError) -> Attachment {
        var lock = try lockNetworks(exclusive: false)
        var stored = try storedNetwork(endpoint.network)
        if stored == nil, endpoint.network == NetworkDefinition.defaultName {
            // It was pruned since; making it takes the exclusive lock.
            lock.release()
            _ = try self.network(named: endpoint.network)
            lock = try lockNetworks(exclusive: false)
            stored = try storedNetwork(endpoint.network)
        }
        guard var network = stored else { throw .notFound(endpoint.network, kind: "network") }
        endpoint.networkID = network.id
        endpoint.device = "eth\(number)"
        let place: Attachment.Place
        switch network.driver {
        case .bridge:
            endpoint.link = Self.link(of: id, number)
            let bridge = try bridge(of: &network, lock, &netlink)
            place = .bridge(bridge, isApart: !network.connectsContainers)
            do throws(NetworkError) { if !network.isInternal { try Forwarding.enable(for: network) } } catch { throw .network(error) }
        case .macvlan: place = .macvlan(parent: try parent(of: network, &netlink), mode: network.macvlanMode)
        case .host, .none: throw .refused("the network \(network.name) is none to connect to")
        }
        do throws(NetworkError) { try claim(&endpoint, network, for: id) } catch { throw .network(error) }
        endpoint.mac = endpoint.wantedMAC ?? endpoint.addresses.first.map { MACAddress(for: $0.address) }
        if mayLeadOut, endpoint.gateway ?? endpoint.gateway6 != nil { endpoint.hasDefaultRoute = true }
        tell("connect", network, of: id.text)
        return Attachment(endpoint, at: place)
    }

    /// The host's end of a container's interface: found by the container's id, should nothing else be known of it.
    static func link(of id: ContainerID, _ number: Int) -> String { "mc\(id.text.prefix(10))-\(number)" }

    private func claim(_ endpoint: inout Endpoint, _ network: NetworkDefinition, for id: ContainerID) throws(NetworkError) {
        let leases = try Leases(of: network.name, in: runtime.place)
        if let range = network.range(.v4) {
            let address = try leases.claim(range, for: id.text, wanted: endpoint.wantedAddress, isOver: { self.isOver($0) })
            endpoint.address = InterfaceAddress(address, prefix: range.subnet.prefix)
            endpoint.gateway = network.isInternal ? nil : range.gateway
        }
        guard let range = network.range(.v6) else {
            if endpoint.wantedAddress6 == nil { return }
            throw .refused("the network \(network.name) has no IPv6; make one with --ipv6")
        }
        let address = try leases.claim(range, for: id.text, wanted: endpoint.wantedAddress6, isOver: { self.isOver($0) })
        endpoint.address6 = InterfaceAddress(address, prefix: range.subnet.prefix)
        endpoint.gateway6 = network.isInternal ? nil : range.gateway
    }

    /// Whether a container that has an address neither runs nor is about to; one that cannot be looked at may.
    func isOver(_ owner: String) -> Bool {
        guard let id = ContainerID(owner) else { return true }
        if Watch.isHeld(id, in: self) { return false }
        do throws(EngineError) { return try !container(id).status(in: Machine.boot()).isUp } catch .notFound { return true } catch {
            return false
        }
    }

    private func parent(of network: NetworkDefinition, _ netlink: inout Netlink) throws(EngineError) -> LinkStatus {
        do throws(SystemError) {
            if let parent = try netlink.link(network.device) { return parent }
        } catch {
            throw .system(doing: "look at the link \(network.device)", error)
        }
        throw .refused("the network \(network.name) shares the link \(network.device), which this machine does not have")
    }
}

// MARK: the bridge

extension Home {
    /// The network's bridge, made if it is missing.
    private func bridge(
        of network: inout NetworkDefinition, _ lock: borrowing NetworkLock, _ netlink: inout Netlink
    ) throws(EngineError) -> LinkStatus {
        if let bridge = try existingBridge(of: network, &netlink), bridge.isUp, try isSecured(network) { return bridge }
        try lock.makeExclusive()
        guard let fresh = try storedNetwork(network.name) else { throw .notFound(network.name, kind: "network") }
        network = fresh
        if let bridge = try existingBridge(of: network, &netlink) {
            try secure(network, lock)
            try offload(network)
            if bridge.isUp { return bridge }
            do throws(NetworkError) { return try network.bringUpBridge(&netlink) } catch { throw .network(error) }
        }
        try settle(&network, lock)
        while true {
            if let bridge = try makeSecured(network, lock, &netlink) { return bridge }
            // Of another state directory's default network.
            guard let next = network.nextDevice else { throw .network(.deviceTaken(network.device)) }
            network.device = next
            try store(network, lock)
        }
    }

    /// Nil if the name of the default network's bridge is taken. Rules come before the bridge is up, and never for somebody else's.
    private func makeSecured(
        _ network: NetworkDefinition, _ lock: borrowing NetworkLock, _ netlink: inout Netlink
    ) throws(EngineError) -> LinkStatus? {
        do throws(NetworkError) { _ = try network.bridge(&netlink) } catch {
            guard case .deviceTaken = error, network.isDefault else { throw .network(error) }
            return nil
        }
        try secure(network, lock)
        let bridge: LinkStatus
        do throws(NetworkError) { bridge = try network.makeBridge(&netlink) } catch {
            guard case .deviceTaken = error, network.isDefault else { throw .network(error) }
            return nil
        }
        do throws(EngineError) { try offload(network) } catch {
            try? netlink.remove(network.device)
            throw error
        }
        return bridge
    }

    /// Nil if it is not there; the default network's may have another name by now.
    private func existingBridge(of network: NetworkDefinition, _ netlink: inout Netlink) throws(EngineError) -> LinkStatus? {
        do throws(NetworkError) { return try network.bridge(&netlink) } catch {
            if case .deviceTaken = error, network.isDefault { return nil }
            throw .network(error)
        }
    }

    /// Sees to it that a bridge about to be made, perhaps long after its network, takes no addresses that are in use by now.
    private func settle(_ network: inout NetworkDefinition, _ lock: borrowing NetworkLock) throws(EngineError) {
        let used = try subnetsInUse()
        guard let other = used.first(where: { other in network.ranges.contains { $0.subnet.overlaps(other) } }) else { return }
        guard network.isDefault else {
            throw .refused("the network \(network.name) overlaps with \(other), which is in use on this machine")
        }
        let others = try storedNetworks().filter { !$0.isDefault }.flatMap(\.ranges).map(\.subnet)
        var request = NetworkRequest(name: ContainerName(unchecked: network.name))
        request.hasIPv6 = network.hasIPv6
        network.ranges = try request.ranges(id: network.id) { () throws(EngineError) in try Self.freeSubnet(besides: used + others) }
        try store(network, lock)
    }
}

extension NetworkDefinition {
    /// `minictl0`, `minictl1` and so on.
    fileprivate var nextDevice: String? {
        guard device.hasPrefix("minictl"), let number = UInt16(device.dropFirst(7)), number < 9999 else { return nil }
        return "minictl\(number + 1)"
    }
}
