// SPDX-License-Identifier: Apache-2.0
package import JSON

/// All addresses that begin with the same bits: `172.18.0.0/16`.
package struct Subnet: Hashable, Sendable {
    /// Its first address.
    package let base: IPAddress
    /// How many leading bits all have in common.
    package let prefix: Int

    /// The subnet of that size around an address. Nil for an impossible prefix.
    package init?(around address: IPAddress, prefix: Int) {
        guard (0...address.family.width).contains(prefix) else { return nil }
        base = IPAddress(address.family, address.number & Self.mask(address.family, prefix))
        self.prefix = prefix
    }

    /// Reads `172.18.0.0/16`; an address that is not the subnet's first is taken for it only by `init(around:prefix:)`.
    package init?(_ text: some StringProtocol) {
        guard let interface = InterfaceAddress(text), interface.subnet.base == interface.address else { return nil }
        self = interface.subnet
    }

    /// `0.0.0.0/0`.
    static let everything = Subnet(base: IPAddress(.v4, 0), prefix: 0)

    private init(base: IPAddress, prefix: Int) {
        self.base = base
        self.prefix = prefix
    }

    package var family: IPAddress.Family { base.family }

    private static func mask(_ family: IPAddress.Family, _ prefix: Int) -> UInt128 {
        prefix == 0 ? 0 : ~UInt128(0) << UInt128(family.width - prefix)
    }

    /// Its last address; with IPv4 the broadcast address.
    package var last: IPAddress { IPAddress(family, base.number | ~Self.mask(family, prefix)) }

    package func contains(_ address: IPAddress) -> Bool {
        address.family == family && address.number & Self.mask(family, prefix) == base.number
    }

    package func contains(_ other: Subnet) -> Bool { other.prefix >= prefix && contains(other.base) }

    package func overlaps(_ other: Subnet) -> Bool { contains(other.base) || other.contains(base) }

    /// The address so many after the first; nil beyond the last.
    package func address(at offset: UInt128) -> IPAddress? {
        let (number, overflow) = base.number.addingReportingOverflow(offset)
        guard !overflow, number <= last.number else { return nil }
        return IPAddress(family, number)
    }

    /// The subnet of the same size right after this one; nil at the end of the numbers.
    package var next: Subnet? {
        let (number, overflow) = last.number.addingReportingOverflow(1)
        guard !overflow, family == .v6 || number <= 0xffff_ffff else { return nil }
        return Subnet(around: IPAddress(family, number), prefix: prefix)
    }

    /// Whether an interface can have the address: one of these, and with IPv4 neither the first nor the last.
    package func canHold(_ address: IPAddress) -> Bool {
        guard contains(address), !address.isSpecial else { return false }
        return prefix >= family.width - 1 || (address != base && (family == .v6 || address != last))
    }
}

extension Subnet: CustomStringConvertible {
    package var description: String { "\(base)/\(prefix)" }
}

/// The address of an interface and how many of its bits name its subnet: `172.18.0.2/16`.
package struct InterfaceAddress: Hashable, Sendable {
    package let address: IPAddress
    package let subnet: Subnet

    package init?(_ address: IPAddress, prefix: Int) {
        guard let subnet = Subnet(around: address, prefix: prefix) else { return nil }
        self.address = address
        self.subnet = subnet
    }

    /// Reads `172.18.0.2/16`.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), (1...3).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (48...57).contains($0) }), let prefix = Int(parts[1])
        else { return nil }
        self.init(address, prefix: prefix)
    }
}

extension InterfaceAddress: CustomStringConvertible {
    package var description: String { "\(address)/\(subnet.prefix)" }
}

extension Subnet: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        guard let subnet = Subnet(text) else { throw .mismatch(path: json.path, reason: "expected a subnet, found \(text)") }
        self = subnet
    }

    package func write(to text: inout JSONText) { text.string(description) }
}

extension InterfaceAddress: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        guard let address = InterfaceAddress(text) else {
            throw .mismatch(path: json.path, reason: "expected an address with a prefix, found \(text)")
        }
        self = address
    }

    package func write(to text: inout JSONText) { text.string(description) }
}
