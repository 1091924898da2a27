// SPDX-License-Identifier: Apache-2.0
import Linux
package import Network

/// Published ports of containers that are there already: at once where one runs, and from its next start on.
extension Home {
    /// What is published of a container now; nothing of one that does not run.
    package func publishedPorts(of container: borrowing Container) throws(EngineError) -> [PublishedPorts] {
        try container.status(in: Machine.boot()).isUp ? container.record.published ?? [] : []
    }

    /// Publishes more. Gives back what came of it.
    package func publish(_ requests: [PortRequest], of word: String) throws(EngineError) -> [PublishedPorts] {
        var container = try container(named: word)
        guard try container.status(in: Machine.boot()).isUp else {
            throw .refused("\(container.name) does not run; ports are added to one that does")
        }
        guard container.record.publishedEndpoint != nil else {
            throw .refused("\(container.name) is on no bridge network, where ports are published")
        }
        // Held until the rules are there; from then on they alone say that the port is taken.
        let reservation = try reserve(requests)
        let new = reservation.ports
        var record = container.record
        record.published = new
        try checkPorts(record)
        try container.change { record in
            record.published = PublishedPorts.merged((record.published ?? []) + new)
            record.ports = (record.ports ?? []) + requests
        }
        do throws(EngineError) { try publish(record) } catch {
            try? container.change { record in
                record.published = record.published?.without { ports, pair in new.contains { $0.has(ports, pair) } }
                record.ports = record.ports.map { Array($0.dropLast(requests.count)) }
            }
            throw error
        }
        return new
    }

    /// Takes published ports away: those of a request that are published; nothing of what it does not say has to fit.
    package func unpublish(_ requests: [PortRequest], of word: String) throws(EngineError) {
        var container = try container(named: word)
        let isUp = try container.status(in: Machine.boot()).isUp
        guard isUp else { throw .refused("\(container.name) does not run; ports are taken from one that does") }
        for request in requests {
            let isMeant: (PublishedPorts, (host: UInt16, container: UInt16)) -> Bool = { request.means($0, $1) }
            let before = container.record.published ?? []
            let rest = before.without(isMeant)
            let gone = before.without { !isMeant($0, $1) }
            guard !gone.isEmpty else { throw .refused("no port '\(request)' is published for \(container.name)") }
            var record = container.record
            record.published = gone
            try withdraw(record)
            try container.change { record in
                record.published = rest.isEmpty ? nil : rest
                record.ports = record.ports?.filter { kept in
                    !(kept.transport == request.transport && request.containerPorts.first <= kept.containerPorts.first
                        && kept.containerPorts.last <= request.containerPorts.last
                        && (request.hostPorts == nil || kept.hostPorts == nil || kept.hostPorts == request.hostPorts))
                }
            }
        }
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
