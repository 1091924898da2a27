// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

extension Netlink {
    /// Gives a link an address that can be used at once: nobody else on a network of ours has it, so IPv6 need not look for doubles.
    func add(_ address: InterfaceAddress, to index: Int32) throws(SystemError) -> NetlinkMessage {
        try NetlinkMessage("RTM_NEWADDR", "\(address)") { message in
            let entry = rtnl_addr_alloc()
            defer { rtnl_addr_put(entry) }
            rtnl_addr_set_ifindex(entry, index)
            if address.address.family == .v6 { rtnl_addr_set_flags(entry, UInt32(IFA_F_NODAD)) }
            guard let local = nl_addr_build(address.address.family.number, address.address.bytes, address.address.bytes.count) else {
                return -1
            }
            defer { nl_addr_put(local) }
            nl_addr_set_prefixlen(local, CInt(address.subnet.prefix))
            let result = rtnl_addr_set_local(entry, local)
            if address.address.family == .v4, address.subnet.prefix < 31,
                let broadcast = nl_addr_build(AF_INET, address.subnet.last.bytes, 4)
            {
                rtnl_addr_set_broadcast(entry, broadcast)
                nl_addr_put(broadcast)
            }
            return result < 0 ? result : rtnl_addr_build_add_request(entry, NLM_F_CREATE | NLM_F_EXCL, message)
        }
    }

    /// The way to everywhere else, over a gateway that is a neighbour on that link.
    func addDefaultRoute(over gateway: IPAddress, _ index: Int32) throws(SystemError) -> NetlinkMessage {
        try NetlinkMessage("RTM_NEWROUTE", "default via \(gateway)") { message in
            let route = rtnl_route_alloc()
            defer { rtnl_route_put(route) }
            let everywhere = [UInt8](repeating: 0, count: gateway.bytes.count)
            guard let target = nl_addr_build(gateway.family.number, everywhere, everywhere.count),
                let neighbour = nl_addr_build(gateway.family.number, gateway.bytes, gateway.bytes.count), let hop = rtnl_route_nh_alloc()
            else { return -1 }
            defer {
                nl_addr_put(target)
                nl_addr_put(neighbour)
            }
            nl_addr_set_prefixlen(target, 0)
            rtnl_route_set_scope(route, UInt8(RT_SCOPE_UNIVERSE.rawValue))
            rtnl_route_set_dst(route, target)
            rtnl_route_nh_set_gateway(hop, neighbour)
            rtnl_route_nh_set_ifindex(hop, index)
            // The route owns its hop.
            rtnl_route_add_nexthop(route, hop)
            return rtnl_route_build_add_request(route, NLM_F_CREATE | NLM_F_EXCL, message)
        }
    }

    /// Every subnet this machine has an address in or a route to, except the route to everywhere.
    package mutating func subnetsInUse() throws(SystemError) -> [Subnet] {
        var subnets: [Subnet] = []
        for family in [IPAddress.Family.v4, .v6] {
            // struct rtmsg: family, destination's prefix, source's prefix, tos, table, protocol, scope, type, flags.
            let routes = [UInt8(family.number)] + [UInt8](repeating: 0, count: 11)
            try dump(NetlinkMessage("RTM_GETROUTE", "", type: CInt(RTM_GETROUTE), fixed: routes)) { reply in
                guard reply.byte(0) == UInt8(family.number), reply.byte(1) > 0 else { return }
                subnets += reply.subnets(after: 12, Int(RTA_DST.rawValue))
            }
            // struct ifaddrmsg: family, prefix, flags, scope, index.
            let addresses = [UInt8(family.number)] + [UInt8](repeating: 0, count: 7)
            try dump(NetlinkMessage("RTM_GETADDR", "", type: CInt(RTM_GETADDR), fixed: addresses)) { reply in
                guard reply.byte(0) == UInt8(family.number) else { return }
                subnets += reply.subnets(after: 8, Int(IFA_ADDRESS))
            }
        }
        return subnets
    }

    /// The MTU of the link that leads out; nil where nothing does.
    package mutating func outwardMTU() throws(SystemError) -> UInt32? {
        var index: UInt32?
        let fixed = [UInt8(AF_INET)] + [UInt8](repeating: 0, count: 11)
        try dump(NetlinkMessage("RTM_GETROUTE", "", type: CInt(RTM_GETROUTE), fixed: fixed)) { reply in
            guard index == nil, reply.byte(0) == UInt8(AF_INET), reply.byte(1) == 0 else { return }
            index = reply.attributes(after: 12).first { $0.type == Int(RTA_OIF.rawValue) }?.value.word(0)
        }
        guard let index else { return nil }
        return try link(Int32(bitPattern: index))?.mtu
    }
}

extension NetlinkReply {
    /// The subnet that a reply is about; its prefix is the second byte of both fixed parts.
    fileprivate func subnets(after fixed: Int, _ attribute: Int) -> [Subnet] {
        attributes(after: fixed).filter { $0.type == attribute }.compactMap { attribute in
            IPAddress(bytes: Array(attribute.value)).flatMap { Subnet(around: $0, prefix: Int(byte(1))) }
        }
    }
}
