// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import Network
import OCI

/// Networks of containers that are there already: at once where one runs, else from its next start on.
extension Home {
    /// - Parameter links: names that the container is to have for others on that network.
    package func connect(_ word: String, to endpoint: Endpoint, links: [LinkRequest] = []) throws(EngineError) {
        let network = try network(named: endpoint.network)
        let newLinks = try self.links(links)
        var endpoint = endpoint
        endpoint.network = network.name
        guard network.driver != .host, network.driver != .none else {
            throw .refused(
                "a container cannot be connected to the network \(network.name) later; give --network \(network.name) when it is made")
        }
        try change(word) { (container, runs) throws(EngineError) in
            guard let endpoints = container.record.endpoints else {
                throw EngineError.refused("\(container.name) has the network \(container.record.network), which goes with no other")
            }
            guard !endpoints.contains(where: { $0.network == network.name }) else {
                throw EngineError.refused("\(container.name) is on the network \(network.name) already")
            }
            guard runs else {
                return try container.change { record in
                    record.endpoints?.append(endpoint)
                    record.add(links: newLinks)
                }
            }
            for link in newLinks { try self.checkLink(link, on: network.name, from: container.name) }
            try self.connectNow(&container, endpoint, newLinks)
        }
    }

    /// Takes a container off a network.
    /// - Parameter force: one that is not on it is fine.
    package func disconnect(_ word: String, from networkWord: String, force: Bool) throws(EngineError) {
        // The network itself may be gone; the container remembers its name.
        let name = (try? network(named: networkWord))?.name ?? networkWord
        try change(word) { (container, runs) throws(EngineError) in
            guard let endpoint = container.record.endpoints?.first(where: { $0.network == name }) else {
                if force { return }
                throw EngineError.refused("container \(container.name) is not connected to network \(name)")
            }
            guard runs else {
                return try container.change { $0.endpoints?.removeAll { $0.network == name } }
            }
            // Whom it would find nowhere any more, it forgets.
            let rest = (container.record.endpoints ?? []).map(\.network).filter { $0 != name }
            let lost = (container.record.links ?? []).filter { !self.finds($0, on: rest) }
            if !lost.isEmpty { try container.remove(links: lost, in: self) }
            try container.change { $0.endpoints?.mark(endpoint.network, true) }
            try self.disconnectNow(&container, endpoint)
        }
    }

    /// Takes a name away that a container has for another one.
    package func removeLink(_ alias: String, of word: String) throws(EngineError) {
        try change(word) { (container, _) throws(EngineError) in
            let links = (container.record.links ?? []).filter { $0.hasSuffix(":\(alias)") }
            guard !links.isEmpty else { throw EngineError.refused("container \(container.name) has no link \(alias)") }
            try container.remove(links: links, in: self)
        }
    }

    private func change(_ word: String, _ body: (inout Container, Bool) throws(EngineError) -> Void) throws(EngineError) {
        try change(find(word), "change the networks of \(word)", body)
    }

    private func connectNow(_ container: inout Container, _ wish: Endpoint, _ links: [String]) throws(EngineError) {
        var endpoint = wish
        var number = 0
        // Written down before anything is made, so that whoever puts the container away finds it, and others take another number.
        let id = container.id
        let reached = container.record.publishedEndpoint
        try container.change { record in
            let taken = Set((record.endpoints ?? []).compactMap(\.device))
            number = (0...taken.count).first { !taken.contains("eth\($0)") } ?? taken.count
            endpoint.networkID = ""
            endpoint.isChanging = true
            endpoint.device = "eth\(number)"
            endpoint.link = Self.link(of: id, number)
            record.endpoints?.append(endpoint)
        }
        do throws(EngineError) {
            var netlink = try Netlink.open()
            let mayLeadOut = container.record.endpoints?.contains { $0.hasDefaultRoute == true } != true
            let attachment = try lease(&endpoint, number: number, for: container.id, mayLeadOut: mayLeadOut, &netlink)
            try container.replace(endpoint)
            var connections = Connections(attachments: [attachment], netlink: netlink)
            try connections.make(in: container.networkNamespace(), disablesIPv6: true)
        } catch {
            if (try? takeOff(&container, endpoint)) != nil { try? publishNoted(container.record) }
            throw error
        }
        if !links.isEmpty { try container.change { $0.add(links: links) } }
        try container.updateHosts(from: [], to: container.record.endpoints ?? [], container.hostNames())
        try announceAgain(container)
        // Its ports lead to where it is reached from the world: perhaps here now.
        let isMoved = reached?.network != container.record.publishedEndpoint?.network
        if isMoved, let reached { try withdraw(container.record, from: reached) }
        try publishNoted(container.record)
        if isMoved { renewShortcut(to: &container) }
        try container.change { $0.endpoints?.mark(endpoint.network, nil) }
    }

    /// Takes one that runs off a network, and leaves it as if it had never been there.
    func disconnectNow(_ container: inout Container, _ endpoint: Endpoint) throws(EngineError) {
        let reached = container.record.publishedEndpoint
        let unread = try takeOff(&container, endpoint)
        let rest = container.record.endpoints ?? []
        try container.updateHosts(from: [endpoint], to: rest, container.hostNames())
        let ways = rest.byPriority.map { rest[$0] }.filter { $0.gateway ?? $0.gateway6 != nil }
        if !rest.contains(where: { $0.hasDefaultRoute == true }), var next = ways.first {
            next.hasDefaultRoute = true
            // Its ports are to lead there, and a port leads to one place.
            if next.link != nil, let reached, ![endpoint.network, next.network].contains(reached.network) {
                try withdraw(container.record, from: reached)
            }
            let namespace = try container.networkNamespace()
            do throws(NetworkError) { try namespace.setDefaultRoute(over: next) } catch { throw .network(error) }
            try container.replace(next)
        }
        try announceAgain(container)
        unread.awaitReading()
        try publishNoted(container.record)
        if reached?.network != container.record.publishedEndpoint?.network { renewShortcut(to: &container) }
    }

    private func takeOff(_ container: inout Container, _ endpoint: Endpoint) throws(EngineError) -> UnreadZones {
        var netlink = try Netlink.open()
        if container.record.publishedEndpoint?.network == endpoint.network {
            try withdraw(container.record)
        } else {
            try withdrawStrays(container.record, at: endpoint)
        }
        let unread = try forgetNames(of: container.record.id, at: [endpoint])
        do throws(EngineError) {
            let namespace = try container.networkNamespace()
            do throws(NetworkError) { try namespace.disconnect(endpoint, &netlink) } catch { throw .network(error) }
        } catch {
            // One that has ended meanwhile has no namespace, and who put it away may have done so before there was an address.
            if try container.status(in: Machine.boot()).isUp { throw error }
            if let link = endpoint.link { try cut(link, &netlink) }
        }
        try release(endpoint, of: container.record.id)
        // Last, so that it is found here whenever the rest is cut short.
        try container.change { $0.endpoints?.removeAll { $0.network == endpoint.network } }
        return unread
    }
}

extension [Endpoint] {
    /// Says of the place on a network whether it is changing.
    fileprivate mutating func mark(_ network: String, _ isChanging: Bool?) {
        if let index = firstIndex(where: { $0.network == network }) { self[index].isChanging = isChanging }
    }
}

extension Container {
    /// Its network namespace while it runs.
    fileprivate func networkNamespace() throws(EngineError) -> NetworkNamespace {
        let identity = ProcessIdentity(pid: record.start?.pid ?? 0, startTime: record.start?.startTime ?? 0)
        do throws(SystemError) {
            let namespace = try NetworkNamespace(of: identity.pid)
            // Asked once the namespace is held: before, its number could have gone to another process.
            guard try identity.living() != nil else {
                throw SystemError(call: "open", subject: "/proc/\(identity.pid)/ns/net", errno: ESRCH)
            }
            return namespace
        } catch {
            if error.errno == ENOENT || error.errno == ESRCH { throw .refused("\(name) has just ended") }
            throw .system(doing: "find the network namespace of \(name)", error)
        }
    }

    fileprivate mutating func replace(_ endpoint: Endpoint) throws(EngineError) {
        try change { record in
            guard let index = record.endpoints?.firstIndex(where: { $0.network == endpoint.network }) else { return }
            record.endpoints?[index] = endpoint
        }
    }

    /// What `/etc/hosts` calls the container.
    fileprivate func hostNames() throws(EngineError) -> String {
        let spec = try spec()
        return EtcFiles.names(spec.hostname ?? Machine.hostname, spec.domainname)
    }
}
