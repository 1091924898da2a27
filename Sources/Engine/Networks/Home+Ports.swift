// SPDX-License-Identifier: Apache-2.0
import Linux
package import Network

extension Watch {
    /// Takes the ports of this machine that the container is to be reached at, before anything of it starts.
    mutating func reservePorts(for record: inout Record, in home: borrowing Home) throws(EngineError) {
        record.published = nil
        guard let requests = record.ports, !requests.isEmpty, record.endpoints != nil else { return }
        let reservation = try home.reserve(requests)
        record.published = reservation.ports
        ports = reservation
    }
}

extension Home {
    func reserve(_ requests: [PortRequest]) throws(EngineError) -> PortReservation {
        let reservation = PortReservation()
        var firewall = try Firewall.open()
        for request in requests {
            do throws(NetworkError) {
                // A container that runs without its monitor has its ports in the rules alone.
                try reservation.take(request, at: Self.publishAddress) { (try? firewall.leads($0)) == true }
            } catch {
                guard case .portTaken(let ports) = error else { throw .network(error) }
                if reservation.ports.contains(where: { $0.overlaps(ports) }) {
                    throw .refused("the port \(ports.hostPorts)/\(ports.transport.rawValue) of \(ports.address) is asked for twice")
                }
                throw .refused(try sentence(taken: ports))
            }
        }
        return reservation
    }

    /// Where ports are published that say no address.
    package static var publishAddress: IPAddress {
        Machine.environment("MINICTL_PUBLISH_ADDRESS").flatMap { IPAddress($0) } ?? IPAddress(.v4, 0x7f00_0001)
    }

    /// Who has a port, and what to do.
    private func sentence(taken ports: PublishedPorts) throws(EngineError) -> String {
        let owner = try listings().first { listing in
            listing.status.isUp && listing.record.published?.contains { $0.overlaps(ports) } == true
        }
        let holder = owner.map { "container \($0.record.name)" } ?? PortHolder(of: ports)?.description ?? "another program"
        let port = "\(ports.hostPorts)/\(ports.transport.rawValue)"
        return "the port \(port) of \(ports.address) is in use by \(holder); choose another, or leave it out and get a free one"
    }

    /// Leads the container's ports to it. What is there already is fine.
    func publish(_ record: Record) throws(EngineError) {
        guard record.published?.isEmpty == false else { return }
        var firewall = try Firewall.open()
        try publish(record, &firewall)
    }

    func publish(_ record: Record, _ firewall: inout Firewall) throws(EngineError) {
        guard let ports = record.published, !ports.isEmpty, let endpoint = record.publishedEndpoint,
            let network = try storedNetwork(endpoint.network)
        else { return }
        do throws(NetworkError) {
            try firewall.publish(ports, to: endpoint.addresses.map(\.address), at: network.device)
        } catch {
            throw .network(error)
        }
        // One that has ended meanwhile may have been put away before these were there.
        guard try record.start?.identity(in: Machine.boot())?.isAlive == true else {
            try withdraw(record, isPutAway: true)
            return try withdrawLost(record)
        }
        guard let link = endpoint.link else { return }
        var netlink = try Netlink.open()
        do throws(SystemError) { try netlink.reflect(link) } catch { throw .system(doing: "publish ports", error) }
    }

    /// Takes the container's ports away, and cuts what came by them. The container has its addresses still: what leads to one that it has no
    /// more is another's.
    /// - Parameters:
    ///   - endpoint: where they lead to, if that is not what the record says any more.
    ///   - isPutAway: its addresses may have been given back by now, and nobody need have them.
    func withdraw(_ record: Record, from endpoint: Endpoint? = nil, isPutAway: Bool = false) throws(EngineError) {
        guard let ports = record.published, !ports.isEmpty, let endpoint = endpoint ?? record.publishedEndpoint else { return }
        try endShortcut(to: record)
        do throws(NetworkError) {
            let own = try addresses(of: record.id, at: endpoint, orNobodys: isPutAway)
            guard !own.isEmpty else { return }
            var others: [[IPAddress]] = []
            for other in record.endpoints ?? [] where other.link != nil && other.network != endpoint.network {
                others.append(try addresses(of: record.id, at: other, orNobodys: isPutAway))
            }
            var firewall = try Firewall()
            try firewall.withdraw(ports, from: own, or: others)
            // To look for connections takes milliseconds, and most containers that end soon were never talked to.
            guard hasBeenReached(endpoint) else { return }
            try firewall.cutConnections(ports, to: own)
            guard record.shortcut != nil else { return }
            for address in own { try LocalConnections.end(to: address, ports) }
        } catch {
            throw .network(error)
        }
    }

    /// Those that it has still.
    private func addresses(of id: String, at endpoint: Endpoint, orNobodys: Bool) throws(NetworkError) -> [IPAddress] {
        let leases = try Leases(of: endpoint.network, in: runtime.place)
        var own: [IPAddress] = []
        for address in endpoint.addresses.map(\.address) {
            let owner = try leases.owner(of: address)
            if owner == id || owner == nil && orNobodys { own.append(address) }
        }
        return own
    }

    /// Whether anything ever went to a container over its link; where that is gone, who knows.
    private func hasBeenReached(_ endpoint: Endpoint) -> Bool {
        guard let name = endpoint.link, var netlink = try? Netlink(), let link = try? netlink.link(name) else { return true }
        return link.hasSent
    }

    /// Says at once if the container can have no address of a family that ports are asked for in.
    func checkPorts(_ record: Record) throws(EngineError) {
        guard let ports = record.published, !ports.isEmpty else { return }
        guard let endpoint = record.publishedEndpoint else {
            throw .refused("ports are published on bridge networks only; connect \(record.name) to one, or leave -p out")
        }
        for ports in ports where !endpoint.addresses.contains(where: { $0.address.family == ports.address.family }) {
            let version = ports.address.family == .v4 ? 4 : 6
            throw .refused(
                "a port at \(ports.address) needs an IPv\(version) address of the container, which the network \(endpoint.network) has none of"
            )
        }
    }
}

extension Record {
    /// The place on a network that published ports lead to: the one that leads out, else the first at a bridge.
    var publishedEndpoint: Endpoint? {
        let candidates = (endpoints ?? []).filter { $0.link != nil && !$0.addresses.isEmpty }
        return candidates.first { $0.hasDefaultRoute == true } ?? candidates.first
    }
}
