// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
package import Network
import Runtime

/// Published ports of containers that are there already: at once where one runs, and from its next start on.
extension Home {
    /// What is published of a container now; nothing of one that does not run.
    package func publishedPorts(of container: borrowing Container) throws(EngineError) -> [PublishedPorts] {
        try container.status(in: Machine.boot()).isUp ? container.record.published ?? [] : []
    }

    /// Publishes more. Gives back what came of it.
    package func publish(_ requests: [PortRequest], of word: String) throws(EngineError) -> [PublishedPorts] {
        var container = try container(named: word)
        try checkRuns(container, "added to")
        guard container.record.publishedEndpoint != nil else {
            throw .refused("\(container.name) is on no bridge network, where ports are published")
        }
        var new: [PublishedPorts] = []
        try changeLive(container.id) { () throws(EngineError) in new = try publishNow(requests, of: &container) }
        return new
    }

    /// Asked again once nobody else changes it: what is written down of one that ended meanwhile is its next start's.
    private func checkRuns(_ container: borrowing Container, _ doing: String) throws(EngineError) {
        guard try container.status(in: Machine.boot()).isUp else {
            throw .refused("\(container.name) does not run; ports are \(doing) one that does")
        }
    }

    private func publishNow(_ requests: [PortRequest], of container: inout Container) throws(EngineError) -> [PublishedPorts] {
        try container.refreshIfChanged()
        try checkRuns(container, "added to")
        // Held until the container's monitor has them; without one the rules alone say that a port is taken.
        let reservation = try reserve(requests)
        let new = reservation.ports
        var record = container.record
        record.published = new
        try checkPorts(record)
        try container.change { record in
            record.published = PublishedPorts.merged((record.published ?? []) + new)
            record.ports = (record.ports ?? []) + requests
        }
        do throws(EngineError) {
            try publishNoted(record)
            try letThrough(record)
        } catch {
            // Some may lead there by now; those from before are none of these.
            record.shortcut = nil
            try? withdraw(record)
            try? container.change { record in
                record.published = record.published?.without { ports, pair in new.contains { $0.has(ports, pair) } }
                record.ports = record.ports.map { Array($0.dropLast(requests.count)) }
            }
            throw error
        }
        give(reservation, toMonitorOf: container.id)
        renewShortcut(to: &container)
        return new
    }

    /// Clients may come over a link that this machine had not yet when the container started.
    private func letThrough(_ record: Record) throws(EngineError) {
        guard let endpoint = record.publishedEndpoint, let network = try storedNetwork(endpoint.network) else { return }
        guard !network.isInternal else { return }
        do throws(NetworkError) { try Forwarding.enable(for: network) } catch { throw .network(error) }
    }

    private func give(_ reservation: PortReservation, toMonitorOf id: ContainerID) {
        let batches = reservation.batches(of: MessageSocket.capacity)
        guard !batches.isEmpty else { return }
        tellMonitor(of: id) { monitor in
            for sockets in batches { try? monitor.send(AttachMessage.hold.bytes, descriptors: sockets) }
        }
    }

    /// Does for all ports that are written down what a change that was killed may not have done.
    func publishAgain(_ container: inout Container) throws(EngineError) {
        guard let ports = container.record.published, !ports.isEmpty else { return }
        try publishNoted(container.record)
        // Those that its monitor has cannot be taken.
        let reservation = PortReservation()
        reservation.take(ports)
        give(reservation, toMonitorOf: container.id)
        renewShortcut(to: &container)
    }

    /// Leads ports to a container, and writes down before, in the file of its change, what that is: if we are killed then, it may have ended at the
    /// same time, been put away by somebody who knew nothing of it, and be removed.
    func publishNoted(_ record: Record) throws(EngineError) {
        guard record.published?.isEmpty == false else { return }
        do throws(SystemError) {
            let file = try FileDescriptor(opening: record.id + LiveChange.suffix, at: runtime.place, [.writeOnly, .truncate, .noFollow])
            try file.write(JSONEncoder().bytes(of: record, for: "a change"))
        } catch {
            throw .system(doing: "write down which ports are published", error)
        }
        try publish(record)
    }

    /// Takes ports away that a killed change led to a run that is over by now.
    func withdrawLost(by id: ContainerID) throws(EngineError) {
        guard let note = try? File.read(id.text + LiveChange.suffix, at: runtime.place), !note.isEmpty,
            let record = try? JSONDecoder().decode(Record.self, from: note),
            try record.start?.identity(in: Machine.boot())?.isAlive != true
        else { return }
        guard let endpoint = record.publishedEndpoint else { return }
        // To an address that is another's by now, too, unless they are that one's. Whoever has one of them has written that down before it led anywhere.
        let others = try listings().filter(\.status.isUp).flatMap { $0.record.published ?? [] }
        let lost = (record.published ?? []).without { ports, pair in others.contains { $0.has(ports, pair) } }
        do throws(NetworkError) {
            var firewall = try Firewall()
            try firewall.withdraw(lost, from: endpoint.addresses.map(\.address))
        } catch {
            throw .network(error)
        }
    }

    /// Takes published ports away: those of a request that are published; nothing of what it does not say has to fit.
    package func unpublish(_ requests: [PortRequest], of word: String) throws(EngineError) {
        var container = try container(named: word)
        try checkRuns(container, "taken from")
        try changeLive(container.id) { () throws(EngineError) in try unpublishNow(requests, of: &container) }
    }

    private func unpublishNow(_ requests: [PortRequest], of container: inout Container) throws(EngineError) {
        try container.refreshIfChanged()
        try checkRuns(container, "taken from")
        for request in requests {
            let isMeant: (PublishedPorts, (host: UInt16, container: UInt16)) -> Bool = { request.means($0, $1) }
            let before = container.record.published ?? []
            let rest = before.without(isMeant)
            let gone = before.without { !isMeant($0, $1) }
            guard !gone.isEmpty else { throw .refused("no port '\(request)' is published for \(container.name)") }
            var record = container.record
            record.published = gone
            try withdraw(record)
            tellMonitor(of: container.id) { monitor in
                for ports in gone { try? monitor.send(AttachMessage.release(ArraySlice(ports.words.utf8)).bytes) }
            }
            try container.change { record in
                record.published = rest.isEmpty ? nil : rest
                record.ports = record.ports?.filter { kept in
                    !(kept.transport == request.transport && request.containerPorts.first <= kept.containerPorts.first
                        && kept.containerPorts.last <= request.containerPorts.last
                        && (request.hostPorts == nil || kept.hostPorts == nil || kept.hostPorts == request.hostPorts))
                }
            }
        }
        renewShortcut(to: &container)
    }
}

extension PortRequest {
    fileprivate func means(_ ports: PublishedPorts, _ pair: (host: UInt16, container: UInt16)) -> Bool {
        transport == ports.transport && containerPorts.contains(pair.container) && hostPorts?.contains(pair.host) != false
            && (address == nil || address == ports.address)
    }
}

extension PublishedPorts {
    fileprivate func has(_ other: PublishedPorts, _ pair: (host: UInt16, container: UInt16)) -> Bool {
        address == other.address && transport == other.transport && hostPorts.contains(pair.host)
    }
}

extension [PublishedPorts] {
    /// The same without some single ports.
    fileprivate func without(_ isGone: (PublishedPorts, (host: UInt16, container: UInt16)) -> Bool) -> [PublishedPorts] {
        PublishedPorts.merged(
            flatMap { ports in
                ports.pairs.filter { !isGone(ports, $0) }.compactMap { pair in
                    guard let host = PortRange(pair.host), let container = PortRange(pair.container) else { return nil }
                    return PublishedPorts(ports.address, host, to: container, ports.transport)
                }
            })
    }
}
