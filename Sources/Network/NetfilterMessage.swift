// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A message to the kernel's nf_tables or conntrack in the making (`linux/netfilter/nf_tables.h`, `nfnetlink_conntrack.h`).
struct NetfilterMessage {
    private(set) var bytes: [UInt8]

    enum Kind: UInt16 {
        // NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_…
        case addElements = 0x0a0c
        case getElement = 0x0a0d
        case deleteElements = 0x0a0e
        // NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_…
        case getConnections = 0x0101
        case deleteConnection = 0x0102
        // NFNL_MSG_BATCH_…
        case begin = 0x10
        case end = 0x11
    }

    /// - Parameter family: 1 is all of `inet`, as our table.
    init(_ kind: Kind, family: UInt8 = 1, flags: CInt, sequence: UInt32) {
        // struct nlmsghdr: length, type and flags, sequence, port.
        bytes = [0, 0, 0, 0] + Self.raw(kind.rawValue) + Self.raw(UInt16(truncatingIfNeeded: flags)) + Self.raw(sequence) + [0, 0, 0, 0]
        // struct nfgenmsg: family, version, subsystem of a batch.
        let isBatch = kind == .begin || kind == .end
        bytes += isBatch ? [0, 0, 0, 10] : [family, 0, 0, 0]
        close(0)
    }

    /// A message about elements of one set of ours; about all there are if there are none to name.
    init(_ kind: Kind, _ elements: some Collection<Firewall.Element>, of set: StaticString, flags: CInt, sequence: UInt32) {
        self.init(kind, flags: flags, sequence: sequence)
        attribute(1, text: "minictl")
        attribute(2, text: "\(set)")
        if !elements.isEmpty { nest(3) { list in for element in elements { list.add(element) } } }
        close(0)
    }

    /// A message about connections of one family.
    init(_ kind: Kind, family: IPAddress.Family, flags: CInt, sequence: UInt32, _ body: (inout Self) -> Void) {
        self.init(kind, family: UInt8(truncatingIfNeeded: family.number), flags: flags, sequence: sequence)
        body(&self)
        close(0)
    }

    private mutating func add(_ element: Firewall.Element) {
        nest(1) { item in
            item.nest(1) { $0.attribute(1, element.key) }
            if let value = element.value { item.nest(2) { $0.attribute(1, value) } }
            // NFTA_SET_ELEM_TIMEOUT and …_EXPIRATION, milliseconds in network order.
            if element.isRunningOut { for type: UInt16 in [4, 5] { item.attribute(type, [0, 0, 0, 0, 0, 0, 0, 1]) } }
        }
    }

    private mutating func attribute(_ type: UInt16, text: String) { attribute(type, Array(text.utf8) + [0]) }

    mutating func attribute(_ type: UInt16, _ value: [UInt8]) {
        bytes += Self.raw(UInt16(truncatingIfNeeded: value.count + 4)) + Self.raw(type) + value
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func nest(_ type: UInt16, _ body: (inout Self) -> Void) {
        let start = bytes.count
        bytes += [0, 0] + Self.raw(type | 0x8000)
        body(&self)
        let length = Self.raw(UInt16(truncatingIfNeeded: bytes.count - start))
        bytes.replaceSubrange(start..<(start + 2), with: length)
    }

    /// Writes down how long the message is.
    private mutating func close(_ start: Int) {
        bytes.replaceSubrange(start..<(start + 4), with: Self.raw(UInt32(truncatingIfNeeded: bytes.count)))
    }

    static func raw<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] { withUnsafeBytes(of: number) { Array($0) } }
}
