// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// Names that have been made known, until the server answers for them.
struct Announcement: ~Copyable {
    /// Held, so that nobody else starts the server or speaks to it until it listens.
    fileprivate let server: NameServer
    fileprivate let gateways: [IPAddress]

    func awaitAnswers() throws(EngineError) {
        // One that does not come up in time is started again by the next command; the container runs meanwhile.
        guard server.unread.awaitReading() || !server.isNew else { return }
        for gateway in gateways { try Self.leadQuestions(at: gateway, to: nil) }
    }

    /// - Parameter server: of the host's, for as long as our own does not run.
    fileprivate static func leadQuestions(at gateway: IPAddress, to server: IPAddress?) throws(EngineError) {
        guard gateway.family == .v4 else { return }
        var firewall = try Firewall.open()
        do throws(NetworkError) { try firewall.leadQuestions(at: gateway, to: server) } catch { throw .network(error) }
    }
}

extension Container {
    /// Makes the container known by its names on each of its networks, and sees to it that it finds the others: by the name server where
    /// there is one, else by everybody's `/etc/hosts`.
    func announce(in home: borrowing Home) throws(EngineError) -> Announcement? {
        guard let endpoints = record.endpoints, !endpoints.isEmpty else { return nil }
        var gateways: [IPAddress] = []
        var server = try home.nameServer()
        for endpoint in endpoints {
            guard let network = try home.storedNetwork(endpoint.network) else { continue }
            if let gateway = network.nameServerAddress, try server?.announce(record, on: network, in: home) == true {
                gateways.insert(gateway, at: endpoint.hasDefaultRoute == true ? 0 : gateways.count)
            } else {
                try introduce(on: network, in: home)
            }
        }
        try writeResolver(gateways)
        try writeExtraHosts(in: home)
        guard !gateways.isEmpty else { return nil }
        let upstream = ResolverFile.ofHost.direct
        do throws(NetworkError) { try server?.settle(evenForOne: upstream.isOutOfReach, here: true) } catch { throw .network(error) }
        guard let server, try server.runs() else {
            for gateway in gateways { try Announcement.leadQuestions(at: gateway, to: upstream.server) }
            return nil
        }
        return Announcement(server: server, gateways: gateways)
    }

    /// Tells the others on a network about this one, and this one about them.
    private func introduce(on network: NetworkDefinition, in home: borrowing Home) throws(EngineError) {
        let own = record.addresses(on: network)
        let names = record.names(on: network)
        var known: [(IPAddress, [String])] = []
        for id in try home.neighbours(of: record.id, on: network) {
            // One that is just starting makes itself known.
            guard let peer = try? home.container(id) else { continue }
            known += peer.record.addresses(on: network).map { ($0, peer.record.names(on: network)) }
            try peer.changeHosts { hosts in
                hosts.remove(own)
                for address in own { hosts.add(address, names.joined(separator: " ")) }
            }
        }
        try changeHosts { hosts in
            for range in network.ranges { hosts.remove(in: range.subnet, besides: own) }
            for (address, names) in known { hosts.add(address, names.joined(separator: " ")) }
        }
    }

    private func writeResolver(_ gateways: [IPAddress]) throws(EngineError) {
        let host = ResolverFile.ofHost
        // What the name server does not answer itself it asks those of the host, or of --dns.
        let servers = gateways.isEmpty ? record.resolver?.servers ?? [] : []
        var file = (record.resolver ?? ResolverFile()).completed(by: host, servers: servers.isEmpty ? host.reachableServers : servers)
        if !gateways.isEmpty {
            file.servers = gateways.map(\.description)
            // A short name is a neighbour's before it is one of the search domains'.
            if !file.options.contains(where: { $0.hasPrefix("ndots:") }) { file.options.append("ndots:0") }
        }
        do throws(SystemError) {
            let open: FileDescriptor
            do throws(SystemError) {
                open = try FileDescriptor(opening: "resolv.conf", at: directory.place, [.writeOnly, .noFollow])
            } catch
                where error.errno == ENOENT
            { return }
            try open.replaceContents(with: file.text)
        } catch {
            throw .system(doing: "write the container's /etc/resolv.conf", error)
        }
    }

    /// `--add-host` and `--link`.
    private func writeExtraHosts(in home: borrowing Home) throws(EngineError) {
        var lines: [(address: IPAddress, names: String)] = []
        for entry in (record.hosts ?? []).compactMap(HostsEntry.init) {
            let first = record.endpoints?.first { $0.hasDefaultRoute == true } ?? record.endpoints?.first
            guard let address = entry.address ?? first?.gateway ?? first?.gateway6 else {
                throw .refused("host-gateway is an address of none of the networks that \(record.name) is on")
            }
            lines.append((address, entry.name))
        }
        let networks = (record.endpoints ?? []).map(\.network)
        for link in record.links ?? [] { lines += try home.hostLines(of: link, on: networks, from: record.name) }
        try changeHosts { hosts in
            for line in lines { hosts.remove(named: line.names) }
            for line in lines { hosts.add(line.address, line.names) }
            // It knows itself by the name that others know it by.
            for endpoint in record.endpoints ?? [] {
                for address in endpoint.addresses { hosts.insert(address.address, record.name) }
            }
        }
    }
}

extension NameServer {
    fileprivate func runs() throws(EngineError) -> Bool {
        do throws(NetworkError) { return try isRunning() } catch { throw .network(error) }
    }

    /// Makes a container known on a network. False if somebody else answers at its bridge's address.
    fileprivate mutating func announce(
        _ record: Record, on network: NetworkDefinition, in home: borrowing Home
    ) throws(EngineError) -> Bool {
        let known: NameZone?
        do throws(NetworkError) { known = try zone(of: network) } catch { throw .network(error) }
        var zone = known ?? NameZone(gateways: network.ranges.compactMap(\.gateway))
        if known == nil {
            if let gateway = network.nameServerAddress, Self.isTaken(gateway) { return false }
            // The first one, or the first since zones were lost.
            for id in try home.neighbours(of: record.id, on: network) {
                guard let peer = try? home.container(id) else { continue }
                // One that is just ending, or leaving this network, keeps its address until it has been forgotten, and would be remembered
                // for ever. One that is just coming makes itself known.
                guard try peer.status(in: Machine.boot()).isUp, peer.record.stays(on: network) else { continue }
                zone.set(peer.record.nameEntry(on: network))
            }
        }
        zone.set(record.nameEntry(on: network))
        do throws(NetworkError) { try write(zone, of: network) } catch { throw .network(error) }
        return true
    }
}

extension Home {
    fileprivate func nameServer() throws(EngineError) -> NameServer? {
        do throws(NetworkError) { return try NameServer(in: runtime.place, at: "\(path)/runtime") } catch { throw .network(error) }
    }

    private func leftNameServer() throws(EngineError) -> NameServer? {
        do throws(NetworkError) { return try NameServer(leftIn: runtime.place, at: "\(path)/runtime") } catch { throw .network(error) }
    }

    /// The other containers that have addresses of a network.
    fileprivate func neighbours(of id: String, on network: NetworkDefinition) throws(EngineError) -> [ContainerID] {
        do throws(NetworkError) {
            return Set(try Leases(of: network.name, in: runtime.place).all().map(\.owner)).subtracting([id]).sorted().compactMap {
                ContainerID($0)
            }
        } catch { throw .network(error) }
    }

    /// Makes a container known that runs and was changed. If it has ended meanwhile, who put it away may have had it forgotten before this.
    func announceAgain(_ container: borrowing Container) throws(EngineError) {
        try container.announce(in: self)?.awaitAnswers()
        if try container.status(in: Machine.boot()).isUp { return }
        try forgetNames(of: container.record.id, at: container.record.endpoints ?? [])
    }

    /// Makes others forget the names of a container that goes, or leaves these networks. What is given back is for who wants to be sure.
    /// - Parameter everywhere: it may be known on networks that its record does not have any more.
    @discardableResult
    func forgetNames(of id: String, at endpoints: [Endpoint], everywhere: Bool = false) throws(EngineError) -> UnreadZones {
        var unread = UnreadZones()
        let networks = endpoints.map { storedQuietly($0.network) }
        var isServed = networks.map { _ in false }
        if var server = try leftNameServer() {
            for (index, network) in networks.enumerated() { if let network { isServed[index] = server.serves(network) } }
            do throws(NetworkError) {
                if try server.forget(id, on: networks.count == 1 && !everywhere ? networks[0] : nil) { try server.settle() }
            } catch { throw .network(error) }
            unread = server.unread
        }
        for (index, endpoint) in endpoints.enumerated() where !isServed[index] && !endpoint.addresses.isEmpty {
            guard let network = networks[index] else { continue }
            for peer in try neighbours(of: id, on: network) {
                // One that is gone by now has forgotten.
                guard let container = try? container(peer) else { continue }
                try container.changeHosts { $0.remove(endpoint.addresses.map(\.address)) }
            }
        }
        return unread
    }

    /// Containers that are known on a network of which they have no address, by id. There are none but for a moment: an address is taken before
    /// its owner is made known, and given back after.
    func strayNames() throws(EngineError) -> [(network: NetworkDefinition, id: String)] {
        guard let server = try leftNameServer() else { return [] }
        var strays: [(network: NetworkDefinition, id: String)] = []
        for network in try storedNetworks() {
            do throws(NetworkError) {
                guard let zone = try server.zone(of: network) else { continue }
                let owners = Set(try Leases(of: network.name, in: runtime.place).all().map(\.owner))
                strays += zone.ids.filter { !owners.contains($0) }.map { (network, $0) }
            } catch { throw .network(error) }
        }
        return strays
    }

    /// A network that is gone has nobody left who could know a name.
    private func storedQuietly(_ name: String) -> NetworkDefinition? { (try? storedNetwork(name)) ?? nil }

    /// Starts the name server again if it was killed, and ends one that has nobody left. Costs nothing where no name was ever needed.
    func mendNames() throws(EngineError) {
        guard var server = try leftNameServer() else { return }
        do throws(NetworkError) {
            if try server.isSettled() { return }
            try server.settle()
        } catch { throw .network(error) }
        if try server.runs() { try mendQuestions(server) }
    }

    /// Has questions answered as it should be, after rules were made anew or the server was started again.
    func mendQuestions() throws(EngineError) {
        if let server = try leftNameServer() { try mendQuestions(server) }
    }

    private func mendQuestions(_ server: borrowing NameServer) throws(EngineError) {
        let upstream = try server.runs() ? nil : ResolverFile.ofHost.direct.server
        for network in try storedNetworks() where server.serves(network) {
            if let gateway = network.nameServerAddress { try Announcement.leadQuestions(at: gateway, to: upstream) }
        }
    }
}

extension Record {
    /// Whether it is on a network, and neither being connected to it nor taken off it.
    fileprivate func stays(on network: NetworkDefinition) -> Bool {
        endpoints?.contains { $0.network == network.name && $0.isChanging != true } == true
    }

    fileprivate func addresses(on network: NetworkDefinition) -> [IPAddress] {
        endpoints?.first { $0.network == network.name }?.addresses.map(\.address) ?? []
    }

    /// What others on a network call the container: as docker has it, its name, the start of its id, and aliases.
    fileprivate func names(on network: NetworkDefinition) -> [String] {
        let aliases = endpoints?.first { $0.network == network.name }?.aliases ?? []
        var names: [String] = []
        for name in [name] + aliases + [ContainerID.short(id)] where !names.contains(name) { names.append(name) }
        return names
    }

    fileprivate func nameEntry(on network: NetworkDefinition) -> NameZone.Entry {
        NameZone.Entry(
            id: id, addresses: addresses(on: network), names: names(on: network),
            servers: (resolver?.servers ?? []).compactMap { IPAddress($0) })
    }
}

extension NetworkDefinition {
    /// Where its containers ask for names: at its bridge. Not on an internal network, whose names go into `/etc/hosts`: the server asks the
    /// world for what it does not know, and questions are a way out.
    var nameServerAddress: IPAddress? {
        driver == .bridge && !isInternal ? range(.v4)?.gateway ?? range(.v6)?.gateway : nil
    }
}

extension ResolverFile {
    /// The host's, empty if it has none.
    static var ofHost: ResolverFile {
        func read(_ path: String) -> ResolverFile? {
            guard let file = try? FileDescriptor(opening: path, [.nonBlocking]), let bytes = try? file.readAll(limit: 1 << 20) else {
                return nil
            }
            return ResolverFile(String(decoding: bytes, as: UTF8.self))
        }
        let host = read("/etc/resolv.conf") ?? ResolverFile()
        guard !host.servers.isEmpty, host.reachableServers.isEmpty else { return host }
        // systemd-resolved listens on the loopback, and tells here whom it asks.
        var file = host
        file.servers += read("/run/systemd/resolve/resolv.conf")?.servers ?? []
        return file
    }

    /// The first server that questions can be led to without one of our own; and whether there are only others.
    fileprivate var direct: (server: IPAddress?, isOutOfReach: Bool) {
        let server = reachableServers.lazy.compactMap { IPAddress($0) }.first { $0.family == .v4 }
        return (server, server == nil && !servers.isEmpty)
    }

    /// This with what it does not say taken from another. A search domain `.` stands for none.
    func completed(by other: ResolverFile, servers: [String]) -> ResolverFile {
        var file = self
        file.servers = self.servers.isEmpty ? servers : self.servers
        file.search = search == ["."] ? [] : search.isEmpty ? other.search : search
        if options.isEmpty { file.options = other.options }
        return file
    }
}
