// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The first interface of every network namespace, down at first (`rtnetlink(7)`).
package enum Loopback {
    /// Sends `RTM_NEWLINK` with `IFF_UP` for interface 1, which is always `lo`, and waits for the kernel's answer.
    package static func bringUp() throws(SystemError) {
        let link = FileDescriptor(
            owning: try check("socket", "netlink") {
                socket(AF_NETLINK, CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), CInt(linux_netlink_route))
            })
        // struct nlmsghdr: length, type and flags (REQUEST | ACK), sequence, port; struct ifinfomsg: family and type, index, flags, mask.
        let request: [UInt32] = [32, 16 | 0x5 << 16, 1, 0, 0, 1, UInt32(IFF_UP), UInt32(IFF_UP)]
        try check("send", "netlink") { send(link.raw, request, 32, 0) }
        var answer = [Int32](repeating: 0, count: 64)
        let size = try check("recv", "netlink") { recv(link.raw, &answer, 256, 0) }
        // struct nlmsgerr follows the header: 0 or a negative errno.
        guard size >= 20, answer[4] == 0 else {
            throw SystemError(call: "bring up", subject: "lo", errno: size >= 20 ? -answer[4] : EPROTO)
        }
    }
}
