// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// What the kernel remembers of connections, by which it translates their packets long after the rules that did so first are gone.
extension Firewall {
    /// Connections by one of their ends: where they were led to, or where they had been meant to go.
    struct ConnectionEnd {
        let address: IPAddress
        /// Translated, this is where the answers come from; else where the first packet went.
        let isTranslated: Bool
        let ports: [(transport: UInt8, port: UInt16)]
    }

    /// Forgets connections with such an end: what comes for them is new, and meets the rules. None is fine.
    mutating func forgetConnections(_ end: ConnectionEnd) throws(SystemError) {
        guard try Self.hasConnections else { return }
        for connection in try connections(end) { try forget(connection, end.address.family) }
    }

    /// Forgets those that were led to ports of a container. Its address may be another's soon, who would have them: a client could go on to
    /// talk to a container whose ports nobody was ever to reach.
    /// - Parameter isLed: whether a port is led there still, for which more may come. It is not for long.
    mutating func forgetConnections(
        _ end: ConnectionEnd, while isLed: (inout Self) throws(SystemError) -> Bool
    ) throws(SystemError) {
        guard try Self.hasConnections, try !connections(end).isEmpty else { return }
        for _ in 0..<50 where try isLed(&self) { usleep(1000) }
        try forgetConnections(end)
    }

    /// Looking through all of them takes the kernel milliseconds, for how many it has room; this tells whether there is any.
    private static var hasConnections: Bool {
        get throws(SystemError) {
            do throws(SystemError) { return try File.readKernel("/proc/sys/net/netfilter/nf_conntrack_count") != "0\n" } catch
                where error.errno == ENOENT
            { return false }
        }
    }

    /// One connection, in the kernel's bytes: what names it.
    private struct Connection {
        var attributes: [(type: Int, value: ArraySlice<UInt8>)]
    }

    private mutating func connections(_ end: ConnectionEnd) throws(SystemError) -> [Connection] {
        sequence &+= 1
        let message = NetfilterMessage(connectionsWith: end, sequence: sequence)
        try check("send", "conntrack") { send(socket.raw, message.bytes, message.bytes.count, 0) }
        var found: [Connection] = []
        while true {
            for reply in try socket.receiveReplies() where reply.sequence == sequence {
                if reply.type == NLMSG_DONE { return found }
                guard reply.type == NLMSG_ERROR else {
                    let attributes = reply.attributes(after: 4)
                    // Before Linux 5.8 the kernel says all there are.
                    if end.isOne(of: attributes) {
                        found.append(Connection(attributes: attributes.filter { Self.naming.contains($0.type) }))
                    }
                    continue
                }
                let code = -Int32(bitPattern: reply.word(0))
                // A kernel without nf_conntrack_netlink cannot be asked, and forgets them in its own time.
                if code == EINVAL { return [] }
                throw SystemError(call: "IPCTNL_MSG_CT_GET", errno: code)
            }
        }
    }

    /// `CTA_TUPLE_ORIG`, `CTA_ID`, `CTA_ZONE`.
    private static let naming = [1, 12, 18]

    private mutating func forget(_ connection: Connection, _ family: IPAddress.Family) throws(SystemError) {
        sequence &+= 1
        let message = NetfilterMessage(forgetting: connection.attributes, family, sequence: sequence)
        try check("send", "conntrack") { send(socket.raw, message.bytes, message.bytes.count, 0) }
        while true {
            for reply in try socket.receiveReplies() where reply.sequence == sequence && reply.type == NLMSG_ERROR {
                let code = -Int32(bitPattern: reply.word(0))
                // It has ended by itself.
                if code == 0 || code == ENOENT { return }
                throw SystemError(call: "IPCTNL_MSG_CT_DELETE", errno: code)
            }
        }
    }
}

extension Firewall.ConnectionEnd {
    /// `CTA_TUPLE_REPLY` or `CTA_TUPLE_ORIG`.
    fileprivate var tuple: Int { isTranslated ? 2 : 1 }

    /// In `CTA_TUPLE_IP`: of the source for answers, of the destination for what was sent first; IPv4 then IPv6.
    fileprivate var addressType: Int { (isTranslated ? 1 : 2) + (address.family == .v4 ? 0 : 2) }

    /// Whether a connection of these attributes has this end.
    fileprivate func isOne(of attributes: [(type: Int, value: ArraySlice<UInt8>)]) -> Bool {
        func value(_ types: Int...) -> ArraySlice<UInt8>? {
            var nested = attributes
            for (depth, type) in types.enumerated() {
                guard let found = nested.first(where: { $0.type == type })?.value else { return nil }
                if depth == types.count - 1 { return found }
                nested = NetlinkReply(type: 0, sequence: 0, payload: found).attributes(after: 0)
            }
            return nil
        }
        // CTA_TUPLE_PROTO: the protocol, then the source's port or the destination's.
        guard value(tuple, 1, addressType).map(Array.init) == address.bytes, let transport = value(tuple, 2, 1)?.first,
            let port = value(tuple, 2, isTranslated ? 2 : 3), port.count == 2
        else { return false }
        return ports.contains { $0.transport == transport && port.elementsEqual([UInt8($0.port >> 8), UInt8($0.port & 0xff)]) }
    }
}

extension NetfilterMessage {
    /// Asks for connections with an address at one end (`CTA_FILTER`, Linux 5.8).
    fileprivate init(connectionsWith end: Firewall.ConnectionEnd, sequence: UInt32) {
        self.init(.getConnections, family: end.address.family, flags: NLM_F_REQUEST | NLM_F_DUMP, sequence: sequence) { message in
            message.nest(UInt16(end.tuple)) { $0.nest(1) { $0.attribute(UInt16(end.addressType), end.address.bytes) } }
            message.nest(25) { filter in
                // What is compared, of each tuple: 1 is the source's address, 2 the destination's.
                for tuple in [1, 2] {
                    filter.attribute(UInt16(tuple), Self.raw(UInt32(tuple != end.tuple ? 0 : end.isTranslated ? 1 : 2)))
                }
            }
        }
    }

    fileprivate init(forgetting attributes: [(type: Int, value: ArraySlice<UInt8>)], _ family: IPAddress.Family, sequence: UInt32) {
        self.init(.deleteConnection, family: family, flags: NLM_F_REQUEST | NLM_F_ACK, sequence: sequence) { message in
            for (type, value) in attributes { message.attribute(UInt16(truncatingIfNeeded: type) | (type == 1 ? 0x8000 : 0), Array(value)) }
        }
    }
}
