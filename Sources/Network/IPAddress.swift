// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON

/// An address of IPv4 or IPv6, without a zone.
package struct IPAddress: Hashable, Sendable {
    package enum Family: Sendable {
        case v4, v6

        /// Bits of an address.
        package var width: Int { self == .v4 ? 32 : 128 }

        /// As `socket(2)` names it.
        package var number: CInt { self == .v4 ? AF_INET : AF_INET6 }
    }

    package let family: Family
    /// The address as a number; below 2³² with IPv4.
    package let number: UInt128

    /// Bits beyond the family's width are cut.
    package init(_ family: Family, _ number: UInt128) {
        self.family = family
        self.number = family == .v4 ? number & 0xffff_ffff : number
    }

    /// Reads `172.18.0.2` or `fd00::2`, with the rules of `inet_pton(3)`. Nil for anything else.
    package init?(_ text: String) {
        guard text.utf8.count <= 45, !text.utf8.contains(0) else { return nil }
        let family: Family = text.utf8.contains(UInt8(ascii: ":")) ? .v6 : .v4
        var bytes = [UInt8](repeating: 0, count: family.width / 8)
        guard inet_pton(family.number, text, &bytes) == 1 else { return nil }
        self.init(family, bytes)
    }

    package init?(_ text: Substring) { self.init(String(text)) }

    /// The same from a C string, as a directory's names are: two hundred of them are read at each start.
    init?(_ text: UnsafePointer<CChar>) {
        var raw: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
        if inet_pton(AF_INET, text, &raw) == 1 {
            self.init(.v4, UInt128(UInt32(bigEndian: raw.0)))
        } else if inet_pton(AF_INET6, text, &raw) == 1 {
            let words = [raw.0, raw.1, raw.2, raw.3]
            self.init(.v6, words.reduce(0) { $0 << 32 | UInt128(UInt32(bigEndian: $1)) })
        } else {
            return nil
        }
    }

    /// From bytes in network order: four or sixteen of them.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.init(bytes.count == 4 ? .v4 : .v6, bytes)
    }

    private init(_ family: Family, _ bytes: [UInt8]) {
        self.init(family, bytes.reduce(0) { $0 << 8 | UInt128($1) })
    }

    /// In network order.
    package var bytes: [UInt8] {
        stride(from: family.width - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> UInt128($0)) }
    }

    /// Loopback, unspecified, multicast or broadcast: nothing that an interface of a container can have.
    package var isSpecial: Bool {
        switch family {
        case .v4: number >> 24 == 127 || number >> 24 == 0 || number >> 28 >= 0xe
        case .v6: number <= 1 || number >> 120 == 0xff
        }
    }
}

extension IPAddress: CustomStringConvertible {
    /// As `inet_ntop(3)` writes it.
    package var description: String {
        var buffer = [CChar](repeating: 0, count: 48)
        guard inet_ntop(family.number, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

extension IPAddress: Comparable {
    package static func < (left: IPAddress, right: IPAddress) -> Bool { left.number < right.number }
}

extension IPAddress: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        guard let address = IPAddress(text) else { throw .mismatch(path: json.path, reason: "expected an address, found \(text)") }
        self = address
    }

    package func write(to text: inout JSONText) { text.string(description) }
}
