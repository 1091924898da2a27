// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// What a namespace or a bridge would find out with a question to everybody. It is told as if it had been found out: it is checked when it
/// has not been heard of for some time, and forgotten like everything learned.
extension Netlink {
    /// Which address on the wire belongs to an address (`ip-neighbour(8)`).
    func addNeighbour(_ address: IPAddress, at mac: MACAddress, on index: Int32) throws(SystemError) -> NetlinkMessage {
        try neighbour("\(address)", at: mac, address.bytes, family: address.family.number, on: index, state: NUD_STALE, flags: 0)
    }

    /// Which port of its bridge an address on the wire is behind; the port has to be forwarding (`bridge(8)`, `fdb`).
    func addForwarding(to mac: MACAddress, over port: Int32) throws(SystemError) -> NetlinkMessage {
        try neighbour("\(mac)", at: mac, nil, family: AF_BRIDGE, on: port, state: NUD_REACHABLE, flags: NTF_MASTER)
    }

    private func neighbour(
        _ subject: String, at mac: MACAddress, _ address: [UInt8]?, family: CInt, on index: Int32, state: CInt, flags: CInt
    ) throws(SystemError) -> NetlinkMessage {
        try NetlinkMessage("RTM_NEWNEIGH", subject) { message in
            guard let raw = nlmsg_alloc_simple(CInt(RTM_NEWNEIGH), NLM_F_CREATE | NLM_F_REPLACE) else { return -1 }
            message.pointee = raw
            var fixed = ndmsg()
            fixed.ndm_family = UInt8(truncatingIfNeeded: family)
            fixed.ndm_ifindex = index
            fixed.ndm_state = UInt16(truncatingIfNeeded: state)
            fixed.ndm_flags = UInt8(truncatingIfNeeded: flags)
            let result = nlmsg_append(raw, &fixed, MemoryLayout<ndmsg>.size, 4)
            guard result >= 0 else { return result }
            if let address { nla_put(raw, CInt(NDA_DST), CInt(address.count), address) }
            return nla_put(raw, CInt(NDA_LLADDR), CInt(mac.bytes.count), mac.bytes)
        }
    }
}
