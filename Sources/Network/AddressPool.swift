// SPDX-License-Identifier: Apache-2.0

/// Where subnets come from that nobody chose: private ranges (RFC 1918), those first that docker's users know.
package enum AddressPool {
    /// The first block, the size of one network, and how many there are.
    private static let blocks: [(base: UInt32, prefix: Int, count: UInt32)] = [
        (0xac12_0000, 16, 14),  // 172.18.0.0 to 172.31.0.0
        (0xc0a8_0000, 20, 16),  // 192.168.0.0 to 192.168.240.0
        (0x0a59_0000, 24, 16384),  // 10.89.0.0 to 10.152.255.0
    ]

    /// The default network's, where it is free.
    package static var first: Subnet? { free(besides: []) }

    /// The first subnet that overlaps none of those in use.
    package static func free(besides used: [Subnet]) -> Subnet? {
        let used = used.filter { $0.family == .v4 && $0.prefix > 0 }
        for block in blocks {
            var candidate = Subnet(around: IPAddress(.v4, UInt128(block.base)), prefix: block.prefix)
            for _ in 0..<block.count {
                guard let subnet = candidate else { break }
                if !used.contains(where: { $0.overlaps(subnet) }) { return subnet }
                candidate = subnet.next
            }
        }
        return nil
    }

    /// A unique local subnet (RFC 4193), its forty random bits from the network's id.
    package static func local(forNetwork id: String) -> Subnet? {
        let random = UInt128(id.prefix(10), radix: 16) ?? 0
        return Subnet(around: IPAddress(.v6, 0xfd << 120 | random << 80), prefix: 64)
    }
}
