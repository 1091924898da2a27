// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

/// What the kernel says of one link.
package struct LinkStatus: Equatable, Sendable {
    package let index: Int32
    package let name: String
    package let mtu: UInt32
    package let mac: MACAddress?
    /// It carries packets: `IF_OPER_UP` of RFC 2863.
    package let isOperational: Bool
    /// Somebody has brought it up.
    package let isUp: Bool
    /// A packet has gone out over it; true where the kernel does not count.
    package let hasSent: Bool
    /// The largest packet of IPv4 that it is given in one piece, in bytes; nil where the kernel has the same for all (before Linux 6.3).
    let largestPacket: UInt32?

    init(_ reply: NetlinkReply) {
        // struct ifinfomsg: family, pad, type, index, flags, change.
        index = Int32(bitPattern: reply.word(4))
        isUp = reply.word(8) & UInt32(IFF_UP) != 0
        var name = ""
        var mtu: UInt32 = 1500
        var mac: MACAddress?
        var state: UInt8 = 0
        var hasSent = true
        var largestPacket: UInt32?
        for (type, value) in reply.attributes(after: 16) {
            switch type {
            case Int(IFLA_IFNAME): name = String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
            case Int(IFLA_MTU): mtu = value.word(0)
            case Int(IFLA_ADDRESS): mac = MACAddress(bytes: Array(value))
            case Int(Netlink.packetSize): largestPacket = value.word(0)
            case Int(IFLA_OPERSTATE): state = value.first ?? 0
            // struct rtnl_link_stats64: packets received, packets sent.
            case Int(IFLA_STATS64): hasSent = value.word(8) | value.word(12) != 0
            default: break
            }
        }
        self.name = name
        self.mtu = mtu
        self.mac = mac
        self.hasSent = hasSent
        self.largestPacket = largestPacket
        isOperational = state == Self.up
    }

    /// `IF_OPER_UP` of `linux/if.h`.
    private static let up: UInt8 = 6
}

extension Netlink {
    /// A link by its name; nil if there is none. Since Linux 6.8 asking also makes a change of its carrier count at once.
    package mutating func link(_ name: String) throws(SystemError) -> LinkStatus? {
        try get(NetlinkMessage("RTM_GETLINK", name) { rtnl_link_build_get_request(0, name, $0) }).map(LinkStatus.init)
    }

    package mutating func link(_ index: Int32) throws(SystemError) -> LinkStatus? {
        try get(NetlinkMessage("RTM_GETLINK", "\(index)") { rtnl_link_build_get_request(index, nil, $0) }).map(LinkStatus.init)
    }

    /// Makes a bridge, down. `EEXIST` if the name is taken.
    ///
    /// It does not watch who wants which multicast. Nobody on it asks for that, without which a bridge sends all to everybody anyway; but the
    /// watching has timers for each port, which cost the 200th container 0.1 ms.
    mutating func makeBridge(_ name: String, mac: MACAddress) throws(SystemError) {
        let message = try NetlinkMessage("RTM_NEWLINK", name, type: CInt(RTM_NEWLINK)) { message in
            nla_put_string(message, CInt(IFLA_IFNAME), name)
            nla_put(message, CInt(IFLA_ADDRESS), 6, mac.bytes)
            guard let kind = nla_nest_start(message, CInt(IFLA_LINKINFO)) else { return -1 }
            nla_put_string(message, CInt(IFLA_INFO_KIND), "bridge")
            guard let data = nla_nest_start(message, CInt(IFLA_INFO_DATA)) else { return -1 }
            nla_put_u8(message, CInt(IFLA_BR_MCAST_SNOOPING), 0)
            nla_nest_end(message, data)
            return nla_nest_end(message, kind)
        }
        try perform(message, flags: NLM_F_CREATE | NLM_F_EXCL)
    }

    /// Makes a pair of links: one here, at a bridge and down, the other straight in another namespace.
    mutating func makePair(
        _ name: String, at bridge: LinkStatus, _ peer: Interface, in namespace: borrowing FileDescriptor
    ) throws(SystemError) {
        let link = Link(rtnl_link_veth_alloc())
        link.set(name: name, mtu: bridge.mtu, mac: nil)
        link.setQueues()
        rtnl_link_set_master(link.raw, bridge.index)
        // The peer is the link's own, which frees it.
        let other = rtnl_link_veth_get_peer(link.raw)
        other.map { Link.set($0, name: peer.device, mtu: bridge.mtu, mac: peer.mac) }
        if let other { Link.setQueues(other) }
        rtnl_link_set_ns_fd(other, namespace.raw)
        try perform(link.new(name))
    }

    /// Makes a link that shares another's wire, straight in another namespace.
    mutating func makeMacvlan(
        over parent: LinkStatus, mode: CInt, _ interface: Interface, in namespace: borrowing FileDescriptor
    ) throws(SystemError) {
        let link = Link(rtnl_link_macvlan_alloc())
        link.set(name: interface.device, mtu: parent.mtu, mac: interface.mac)
        rtnl_link_set_link(link.raw, parent.index)
        rtnl_link_macvlan_set_mode(link.raw, UInt32(bitPattern: mode))
        rtnl_link_set_ns_fd(link.raw, namespace.raw)
        try perform(link.new(interface.device))
    }

    /// Takes a link and its peer away. One that is gone already is fine.
    package mutating func remove(_ name: String) throws(SystemError) {
        let link = Link(rtnl_link_alloc())
        link.set(name: name, mtu: nil, mac: nil)
        do throws(SystemError) {
            try perform(NetlinkMessage("RTM_DELLINK", name) { rtnl_link_build_delete_request(link.raw, $0) })
        } catch  where error.errno == ENODEV {}
    }

    /// Stops all traffic over a link. One that is gone already is fine.
    ///
    /// Taking it away would be the same to others, but the kernel waits 25 ms for every processor before it says so. A pair that was cut
    /// goes by itself, together with the container's namespace, and leaves its bridge only then: that the bridge forgets a port takes a look
    /// at each of the others.
    package mutating func cut(_ name: String) throws(SystemError) {
        do throws(SystemError) { try perform(change(name, flags: 0)) } catch  where error.errno == ENODEV {}
    }

    /// Lets a link of a bridge have back what came from it. A container that comes by its own published port needs it where br_netfilter
    /// keeps such packets on the bridge. One that is gone already is fine.
    package mutating func reflect(_ name: String) throws(SystemError) { try setPort(name, CInt(IFLA_BRPORT_MODE)) }

    /// Keeps a link of a bridge apart from others that are: they reach the bridge itself and nobody else on it (Linux 4.18).
    mutating func isolate(_ name: String) throws(SystemError) { try setPort(name, CInt(IFLA_BRPORT_ISOLATED)) }

    private mutating func setPort(_ name: String, _ attribute: CInt) throws(SystemError) {
        guard let link = try link(name) else { return }
        let message = try NetlinkMessage("RTM_SETLINK", name, type: CInt(RTM_SETLINK), family: Self.bridgeFamily, index: link.index) {
            message in
            guard let nest = nla_nest_start(message, CInt(IFLA_PROTINFO) | 0x8000) else { return -1 }
            nla_put_u8(message, attribute, 1)
            return nla_nest_end(message, nest)
        }
        try perform(message)
    }

    /// `AF_BRIDGE`.
    private static let bridgeFamily: UInt32 = 7

    /// Keeps a link from saying anything of its own: it gets no address of IPv6, and without one has nothing to look for.
    /// For the host's end that is enough. By `/proc/sys/net` it took 0.3 ms beside 200 containers.
    mutating func silence(_ name: String) throws(SystemError) {
        let message = try NetlinkMessage("RTM_SETLINK", name, type: CInt(RTM_SETLINK)) { message in
            nla_put_string(message, CInt(IFLA_IFNAME), name)
            guard let families = nla_nest_start(message, CInt(IFLA_AF_SPEC)), let v6 = nla_nest_start(message, AF_INET6) else { return -1 }
            nla_put_u8(message, CInt(IFLA_INET6_ADDR_GEN_MODE), UInt8(IN6_ADDR_GEN_MODE_NONE.rawValue))
            nla_nest_end(message, v6)
            return nla_nest_end(message, families)
        }
        // Without IPv6 there is nothing to say.
        do throws(SystemError) { try perform(message) } catch  where error.errno == EAFNOSUPPORT {}
    }

    /// Brings up the host's end of a pair, and has it and its bridge take large packets.
    ///
    /// What this machine sends a container is then up to 192 KB in one piece, which nobody on the way cuts up ("BIG TCP", Linux 6.3). That is for
    /// the host's ends alone: what a container sends may be for the world, and would be cut up in software.
    mutating func bringUp(_ name: String, at bridge: LinkStatus) throws(SystemError) {
        let size: UInt32 = 192 << 10
        if let before = bridge.largestPacket {
            var messages = [try set(Int(Self.packetSize), of: name, to: size)]
            // A bridge lets nobody ask for more than its ports take, nor for that much before it has any; what was set stays.
            if before < size { messages.append(try set(Int(Self.packetSize), of: bridge.name, to: size)) }
            // Nothing depends on it.
            try? perform(messages)
        }
        try perform(change(name, flags: UInt32(IFF_UP)))
    }

    /// `IFLA_GSO_IPV4_MAX_SIZE`
    fileprivate static let packetSize: CInt = 63

    /// Sets a bridge's MTU for good. Given when it is made, the kernel would forget it with the last port.
    func setMTU(of name: String, to mtu: UInt32) throws(SystemError) -> NetlinkMessage { try set(Int(IFLA_MTU), of: name, to: mtu) }

    private func set(_ attribute: Int, of name: String, to value: UInt32) throws(SystemError) -> NetlinkMessage {
        try NetlinkMessage("RTM_SETLINK", name, type: CInt(RTM_SETLINK)) { message in
            nla_put_string(message, CInt(IFLA_IFNAME), name)
            return nla_put_u32(message, CInt(attribute), value)
        }
    }

    /// Says whether a link is up.
    func change(_ name: String, flags: UInt32) throws(SystemError) -> NetlinkMessage {
        // struct ifinfomsg: family, pad, type, index, flags, change.
        let fixed: [UInt32] = [0, 0, flags, UInt32(IFF_UP)]
        return try NetlinkMessage(
            "RTM_SETLINK", name, type: CInt(RTM_SETLINK), fixed: fixed.withUnsafeBytes { Array($0) },
            name: (IFLA_IFNAME, name))
    }
}

/// What a link inside a container is called, and its address on the wire.
package struct Interface: Sendable {
    package let device: String
    package let mac: MACAddress?

    package init(device: String, mac: MACAddress?) {
        self.device = device
        self.mac = mac
    }
}

/// A `rtnl_link` of libnl: a description, from which requests are made.
private struct Link: ~Copyable {
    let raw: OpaquePointer?

    init(_ raw: OpaquePointer?) { self.raw = raw }

    deinit { if let raw { rtnl_link_put(raw) } }

    func set(name: String, mtu: UInt32?, mac: MACAddress?) {
        if let raw { Self.set(raw, name: name, mtu: mtu, mac: mac) }
    }

    static func set(_ raw: OpaquePointer, name: String, mtu: UInt32?, mac: MACAddress?) {
        rtnl_link_set_name(raw, name)
        if let mtu { rtnl_link_set_mtu(raw, mtu) }
        guard let mac, let address = nl_addr_build(AF_LLC, mac.bytes, 6) else { return }
        rtnl_link_set_addr(raw, address)
        nl_addr_put(address)
    }

    /// One queue each way. A pair would have one for each processor, with files below `/sys` for all of them, and uses none: a packet goes on
    /// where it is.
    func setQueues() { if let raw { Self.setQueues(raw) } }

    static func setQueues(_ raw: OpaquePointer) {
        rtnl_link_set_num_tx_queues(raw, 1)
        rtnl_link_set_num_rx_queues(raw, 1)
    }

    func new(_ subject: String) throws(SystemError) -> NetlinkMessage {
        try NetlinkMessage("RTM_NEWLINK", subject) { rtnl_link_build_add_request(raw, NLM_F_CREATE | NLM_F_EXCL, $0) }
    }
}
