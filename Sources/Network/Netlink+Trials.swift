// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Whether this kernel has what networks are made of, found out in a namespace of the caller's own, with which it all goes.
extension Netlink {
    package mutating func tryBridge() throws(SystemError) {
        try makeBridge("try0", mac: MACAddress(forNetwork: ""))
        guard let bridge = try link("try0") else { throw SystemError(call: "RTM_GETLINK", subject: "try0", errno: ENODEV) }
        let here = try FileDescriptor(namespace: .network, at: "/proc/self/ns/net")
        try makePair("try1", at: bridge, Interface(device: "try2", mac: nil), in: here)
    }

    package mutating func tryMacvlan() throws(SystemError) {
        try tryBridge()
        guard let parent = try link("try2") else { throw SystemError(call: "RTM_GETLINK", subject: "try2", errno: ENODEV) }
        let here = try FileDescriptor(namespace: .network, at: "/proc/self/ns/net")
        try makeMacvlan(over: parent, mode: MacvlanMode.bridge.number, Interface(device: "try3", mac: nil), in: here)
    }
}
