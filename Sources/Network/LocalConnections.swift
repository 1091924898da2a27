// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// Connections of this network namespace's own processes (`sock_diag(7)`).
package enum LocalConnections {
    /// Ends those over TCP and IPv4 that lead to ports of an address, as if they had been reset there (`SOCK_DESTROY`, Linux 4.5). A kernel that
    /// cannot do that leaves them.
    package static func end(to address: IPAddress, _ ports: [PublishedPorts]) throws(NetworkError) {
        do throws(SystemError) { try endAll(to: address, ports) } catch {
            throw .system(doing: "cut connections to published ports", error)
        }
    }

    private static func endAll(to address: IPAddress, _ ports: [PublishedPorts]) throws(SystemError) {
        let ranges = ports.filter { $0.transport == .tcp && $0.address.family == .v4 }.map(\.containerPorts)
        guard address.family == .v4, !ranges.isEmpty else { return }
        let type = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(owning: try check("socket", "sock_diag") { Glibc.socket(AF_NETLINK, type, NETLINK_SOCK_DIAG) })
        for identity in try all(socket) {
            // struct inet_diag_sockid: ports, addresses of 16 bytes each, link, cookie.
            let far = UInt16(identity[2]) << 8 | UInt16(identity[3])
            guard identity[20..<24].elementsEqual(address.bytes), ranges.contains(where: { $0.contains(far) }) else { continue }
            try destroy(identity, socket)
        }
    }

    private static func all(_ socket: borrowing FileDescriptor) throws(SystemError) -> [[UInt8]] {
        try send(20, flags: NLM_F_DUMP, [UInt8](repeating: 0, count: 48), socket)  // SOCK_DIAG_BY_FAMILY
        var found: [[UInt8]] = []
        while true {
            for reply in try socket.receiveReplies() {
                if reply.type == NLMSG_DONE { return found }
                if reply.type == NLMSG_ERROR {
                    // Without inet_diag nobody can be asked.
                    guard -Int32(bitPattern: reply.word(0)) != ENOENT else { return [] }
                    throw SystemError(call: "SOCK_DIAG_BY_FAMILY", errno: -Int32(bitPattern: reply.word(0)))
                }
                // struct inet_diag_msg: four bytes before what names the socket.
                let identity = Array(reply.payload.dropFirst(4).prefix(48))
                if identity.count == 48 { found.append(identity) }
            }
        }
    }

    private static func destroy(_ identity: [UInt8], _ socket: borrowing FileDescriptor) throws(SystemError) {
        try send(21, flags: NLM_F_ACK, identity, socket)  // SOCK_DESTROY
        while true {
            for reply in try socket.receiveReplies() where reply.type == NLMSG_ERROR {
                let code = -Int32(bitPattern: reply.word(0))
                // It has ended by itself, or this kernel has none of it.
                if [0, ENOENT, EOPNOTSUPP].contains(code) { return }
                throw SystemError(call: "SOCK_DESTROY", errno: code)
            }
        }
    }

    private static func send(_ type: UInt16, flags: CInt, _ identity: [UInt8], _ socket: borrowing FileDescriptor) throws(SystemError) {
        // struct nlmsghdr, then struct inet_diag_req_v2: family, protocol, two bytes of extensions, states, what names the socket.
        let flags = UInt16(truncatingIfNeeded: flags | NLM_F_REQUEST)
        var bytes = raw(UInt32(72)) + raw(type) + raw(flags) + raw(UInt32(0)) + raw(UInt32(0))
        bytes += [UInt8(AF_INET), UInt8(IPPROTO_TCP), 0, 0] + raw(states) + identity
        try check("send", "sock_diag") { Glibc.send(socket.raw, bytes, bytes.count, 0) }
    }

    /// `TCP_ESTABLISHED`, `_SYN_SENT`, `_FIN_WAIT1`, `_FIN_WAIT2`, `_CLOSE_WAIT`, `_LAST_ACK`, a bit each.
    private static let states: UInt32 = [1, 2, 4, 5, 8, 9].reduce(0) { $0 | 1 << $1 }

    private static func raw(_ value: some FixedWidthInteger & BitwiseCopyable) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }
}
