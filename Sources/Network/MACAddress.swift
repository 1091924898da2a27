// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux

/// The address of an Ethernet interface: six bytes.
package struct MACAddress: Hashable, Sendable {
    /// Below 2⁴⁸.
    package let number: UInt64

    private init(number: UInt64) { self.number = number }

    /// From six bytes; nil for another number of them.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 6 else { return nil }
        number = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads `02:42:ac:12:00:02`. Nil for anything else, and for an address that an interface cannot have: a group's, or all zeros.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 6, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.first != UInt8(ascii: "+") }) else { return nil }
        let bytes = parts.compactMap { UInt8($0, radix: 16) }
        guard let address = MACAddress(bytes: bytes), bytes[0] & 1 == 0, address.number != 0 else { return nil }
        self = address
    }

    /// The one of an interface that has this address, as docker makes it: whoever takes over an IPv4 address takes over its MAC address,
    /// so no neighbour remembers a wrong one.
    package init(for address: IPAddress) {
        number = 0x0242_0000_0000 | UInt64(truncatingIfNeeded: address.number & 0xffff_ffff)
    }

    /// One of a bridge's own, from the network's id: it tells whose a bridge is, and does not change as interfaces come and go.
    package init(forNetwork id: String) {
        number = 0x6e00_0000_0000 | (UInt64(id.prefix(10), radix: 16) ?? 0)
    }

    package var bytes: [UInt8] { stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt64($0)) } }
}

extension MACAddress: CustomStringConvertible {
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

extension MACAddress: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        guard let address = MACAddress(text) else { throw .mismatch(path: json.path, reason: "expected a MAC address, found \(text)") }
        self = address
    }

    package func write(to text: inout JSONText) { text.string(description) }
}
