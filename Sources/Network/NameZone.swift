// SPDX-License-Identifier: Apache-2.0

/// The names of one network, as aardvark-dns reads them: a first line of the addresses it answers at, then a line for each container.
/// A line is changed without a look at the others, of which there may be many.
package struct NameZone: Equatable, Sendable {
    private let head: Substring
    private var lines: [Substring]

    package struct Entry: Equatable, Sendable {
        /// The container's whole id.
        package var id: String
        package var addresses: [IPAddress]
        package var names: [String]
        /// Who is asked for other names; empty for the host's.
        package var servers: [IPAddress]

        package init(id: String, addresses: [IPAddress], names: [String], servers: [IPAddress] = []) {
            self.id = id
            self.addresses = addresses
            self.names = names
            self.servers = servers
        }

        /// `ID IPV4,… IPV6,… NAME,…`, and `SERVER,…` where there are any.
        fileprivate var line: String {
            let names = names.filter(Self.isName).joined(separator: ",")
            let line = "\(id) \(list(addresses.filter { $0.family == .v4 })) \(list(addresses.filter { $0.family == .v6 })) \(names)"
            return servers.isEmpty ? line : "\(line) \(list(servers))"
        }

        /// Nothing that would end a field or a line.
        private static func isName(_ name: String) -> Bool {
            !name.isEmpty && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ",") }
        }
    }

    package init(gateways: [IPAddress]) {
        head = list(gateways)[...]
        lines = []
    }

    /// Reads what `text` writes.
    package init(_ text: String) {
        let all = text.split(separator: "\n")
        head = all.first ?? ""
        lines = Array(all.dropFirst())
    }

    package var text: String { ([head] + lines).joined(separator: "\n") + "\n" }

    package var isEmpty: Bool { lines.isEmpty }

    package mutating func set(_ entry: Entry) {
        remove(entry.id)
        lines.append(entry.line[...])
    }

    /// True if it was there.
    @discardableResult
    package mutating func remove(_ id: String) -> Bool {
        guard let index = lines.firstIndex(where: { $0.hasPrefix(id) }) else { return false }
        lines.remove(at: index)
        return true
    }

    /// Whether anybody has somebody else to find here, or asks somebody else than the host does, or asks at an address of IPv6.
    package var needsServer: Bool {
        guard lines.count == 1 else { return lines.count > 1 }
        return lines[0].utf8.count(where: { $0 == UInt8(ascii: " ") }) > 3 || !head.contains(".")
    }
}

private func list(_ addresses: [IPAddress]) -> String { addresses.map(\.description).joined(separator: ",") }
