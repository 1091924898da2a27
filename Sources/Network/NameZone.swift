// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The names of one network, as aardvark-dns reads them: a first line of the addresses it answers at, then a line for each container.
/// Kept as bytes: of two hundred lines one is changed, and the others are only stepped over.
package struct NameZone: Equatable, Sendable {
    /// Every line with its end.
    package private(set) var bytes: [UInt8]

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

    package init(gateways: [IPAddress]) { bytes = Array("\(list(gateways))\n".utf8) }

    /// Reads what `bytes` has.
    package init(_ bytes: [UInt8]) { self.bytes = bytes.last == Self.end ? bytes : bytes + [Self.end] }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package var isEmpty: Bool { line(after: headEnd) == nil }

    package mutating func set(_ entry: Entry) {
        remove(entry.id)
        bytes += Array("\(entry.line)\n".utf8)
    }

    /// True if it was there.
    @discardableResult
    package mutating func remove(_ id: String) -> Bool {
        let wanted = Array("\(id) ".utf8)
        var start = headEnd
        while let line = line(after: start) {
            if bytes[line].starts(with: wanted) {
                bytes.removeSubrange(line)
                return true
            }
            start = line.upperBound
        }
        return false
    }

    /// Whether anybody has somebody else to find here, or asks somebody else than the host does, or asks at an address of IPv6.
    package var needsServer: Bool {
        guard let first = line(after: headEnd) else { return false }
        if line(after: first.upperBound) != nil { return true }
        return bytes[first].count(where: { $0 == UInt8(ascii: " ") }) > 3 || !bytes[..<headEnd].contains(UInt8(ascii: "."))
    }

    // MARK: lines

    private static let end = UInt8(ascii: "\n")

    private var headEnd: Int { line(after: 0)?.upperBound ?? 0 }

    /// The line that begins there, its end included; nil behind the last. By `memchr(3)`: a zone is read a few times at each start.
    private func line(after start: Int) -> Range<Int>? {
        bytes.withUnsafeBytes { raw in
            guard let base = raw.baseAddress, start < raw.count else { return nil }
            guard let found = memchr(base + start, CInt(Self.end), raw.count - start) else { return start..<raw.count }
            return start..<(base.distance(to: UnsafeRawPointer(found)) + 1)
        }
    }
}

private func list(_ addresses: [IPAddress]) -> String { addresses.map(\.description).joined(separator: ",") }
