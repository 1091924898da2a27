// SPDX-License-Identifier: Apache-2.0
package import JSON

/// Ports of this machine that lead to ports of a container, one to one, in the same order.
package struct PublishedPorts: Hashable, Sendable {
    /// `0.0.0.0` and `::` are all of this machine's.
    package let address: IPAddress
    package let hostPorts: PortRange
    /// As many.
    package let containerPorts: PortRange
    package let transport: Transport

    package init?(_ address: IPAddress, _ hostPorts: PortRange, to containerPorts: PortRange, _ transport: Transport) {
        guard hostPorts.count == containerPorts.count else { return nil }
        self.address = address
        self.hostPorts = hostPorts
        self.containerPorts = containerPorts
        self.transport = transport
    }

    package var isAnywhere: Bool { address.number == 0 }

    /// Each pair of ports.
    package var pairs: some Sequence<(host: UInt16, container: UInt16)> {
        zip(hostPorts.first...hostPorts.last, containerPorts.first...containerPorts.last).lazy.map { (host: $0, container: $1) }
    }

    /// Whether one packet could be for both.
    package func overlaps(_ other: PublishedPorts) -> Bool {
        transport == other.transport && address.family == other.address.family && hostPorts.overlaps(other.hostPorts)
            && (isAnywhere || other.isAnywhere || address == other.address)
    }

    /// `127.0.0.1:8080`, as docker writes it.
    package var hostDescription: String { "\(hostAddress):\(hostPorts)" }

    /// The same of one of the ports.
    package func hostDescription(of port: UInt16) -> String { "\(hostAddress):\(port)" }

    private var hostAddress: String { address.family == .v6 ? "[\(address)]" : "\(address)" }

    /// This and the next as one, where they follow each other.
    private func joined(_ next: PublishedPorts) -> PublishedPorts? {
        guard address == next.address, transport == next.transport, hostPorts.last < .max, hostPorts.last + 1 == next.hostPorts.first,
            containerPorts.last < .max, containerPorts.last + 1 == next.containerPorts.first,
            let host = PortRange(hostPorts.first, through: next.hostPorts.last),
            let container = PortRange(containerPorts.first, through: next.containerPorts.last)
        else { return nil }
        return PublishedPorts(address, host, to: container, transport)
    }

    /// The same ports in as few ranges as can be.
    package static func merged(_ all: [PublishedPorts]) -> [PublishedPorts] {
        var merged: [PublishedPorts] = []
        for ports in all {
            if let last = merged.last, let both = last.joined(ports) { merged[merged.count - 1] = both } else { merged.append(ports) }
        }
        return merged
    }
}

extension PublishedPorts: CustomStringConvertible {
    /// As docker's list of containers has it: `127.0.0.1:8080->80/tcp`.
    package var description: String { "\(hostDescription)->\(containerPorts)/\(transport.rawValue)" }
}

extension PublishedPorts {
    /// As `-p` takes it, with everything given.
    package var words: String { "\(hostDescription):\(containerPorts)/\(transport.rawValue)" }

    /// Reads what `words` writes.
    package init?(_ words: some StringProtocol) {
        guard let request = try? PortRequest(String(words)), let ports = PublishedPorts(request) else { return nil }
        self = ports
    }

    private init?(_ request: PortRequest) {
        guard let address = request.address, let host = request.hostPorts else { return nil }
        self.init(address, host, to: request.containerPorts, request.transport)
    }
}

extension PublishedPorts: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let request = try PortRequest(json: json)
        guard let ports = PublishedPorts(request) else {
            throw .mismatch(path: json.path, reason: "expected published ports, found \(request)")
        }
        self = ports
    }

    package func write(to text: inout JSONText) { text.string(words) }
}
