// SPDX-License-Identifier: Apache-2.0

/// The names of one network, as aardvark-dns reads them: a first line of the addresses it answers at, then a line for each container.
package struct NameZone: Equatable, Sendable {
    package var gateways: [IPAddress]
    package var entries: [Entry]

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
    }

    /// Whether anybody has somebody else to find here, or asks somebody else than the host does.
    package var needsServer: Bool {
        entries.count > 1 || entries.contains { !$0.servers.isEmpty } || !gateways.contains { $0.family == .v4 }
    }

    package init(gateways: [IPAddress], entries: [Entry] = []) {
        self.gateways = gateways
        self.entries = entries
    }

    /// Reads what `text` writes. Lines that are none are left out.
    package init(_ text: String) {
        let lines = text.split(separator: "\n")
        gateways = lines.first.map { Self.addresses($0) } ?? []
        entries = lines.dropFirst().compactMap { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count >= 4 else { return nil }
            return Entry(
                id: String(fields[0]), addresses: Self.addresses(fields[1]) + Self.addresses(fields[2]),
                names: fields[3].split(separator: ",").map(String.init), servers: fields.count > 4 ? Self.addresses(fields[4]) : [])
        }
    }

    private static func addresses(_ text: Substring) -> [IPAddress] { text.split(separator: ",").compactMap { IPAddress($0) } }

    package var text: String {
        func list(_ addresses: [IPAddress]) -> String { addresses.map(\.description).joined(separator: ",") }
        var lines = [list(gateways)]
        for entry in entries {
            let names = entry.names.filter(Self.isName)
            let fields = [
                entry.id, list(entry.addresses.filter { $0.family == .v4 }), list(entry.addresses.filter { $0.family == .v6 }),
                names.joined(separator: ","), list(entry.servers),
            ]
            lines.append(fields.dropLast(entry.servers.isEmpty ? 1 : 0).joined(separator: " "))
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// Nothing that would end a field or a line.
    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ",") }
    }
}
