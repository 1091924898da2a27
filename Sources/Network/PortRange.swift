// SPDX-License-Identifier: Apache-2.0

/// A protocol that has ports.
package enum Transport: String, Hashable, Sendable, CaseIterable {
    case tcp, udp, sctp

    /// Its number in an IP header.
    package var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
}

/// Ports that follow one another, from 1 on: `8000-8010`, or one alone.
package struct PortRange: Hashable, Sendable {
    package let first: UInt16
    package let last: UInt16

    package init?(_ first: UInt16, through last: UInt16) {
        guard first > 0, first <= last else { return nil }
        self.first = first
        self.last = last
    }

    package init?(_ port: UInt16) { self.init(port, through: port) }

    /// Reads `80` or `8000-8010`. Nil for anything else.
    package init?(_ text: some StringProtocol) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = Self.port(ends[0]) else { return nil }
        guard ends.count == 2 else {
            self.init(first)
            return
        }
        guard let last = Self.port(ends[1]) else { return nil }
        self.init(first, through: last)
    }

    /// Digits alone: Swift's own initialiser also takes `+80`.
    static func port(_ text: some StringProtocol) -> UInt16? {
        text.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(text) : nil
    }

    package var count: Int { Int(last) - Int(first) + 1 }

    package func contains(_ port: UInt16) -> Bool { first <= port && port <= last }

    package func overlaps(_ other: PortRange) -> Bool { first <= other.last && other.first <= last }
}

extension PortRange: CustomStringConvertible {
    package var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}

/// Ports of a container as an image or `--expose` names them: `80`, `53/udp`, `8000-8010/tcp`.
package struct ExposedPorts: Hashable, Sendable {
    package let ports: PortRange
    package let transport: Transport

    package init(_ ports: PortRange, _ transport: Transport) {
        self.ports = ports
        self.transport = transport
    }

    /// Nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let ports = PortRange(parts[0]) else { return nil }
        guard let transport = parts.count == 1 ? .tcp : Transport(rawValue: parts[1].lowercased()) else { return nil }
        self.init(ports, transport)
    }
}

extension ExposedPorts: CustomStringConvertible {
    package var description: String { "\(ports)/\(transport.rawValue)" }
}
