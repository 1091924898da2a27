// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Lets packets pass between our bridges and the links that lead out, and makes the host a router for nobody else.
///
/// The kernel forwards what comes in over a link that forwards. For containers to be answered, the links that lead out have to. Where the
/// host is a router already (`net.ipv4.ip_forward`), they do, and what passes is the administrator's business. Where it is none, we make those
/// links forward that have routes, one by one, and the chain `passing` drops what is not for us. `ip_forward` itself stays as it was: once
/// it is set, somebody wants a router, and the chain is passed by.
package enum Forwarding {
    package static func enable(for network: NetworkDefinition) throws(NetworkError) {
        var firewall = try Firewall()
        do throws(SystemError) {
            if network.hasIPv6 { try enableIPv6(network.device) }
            guard try !isRouter() else { return try firewall.clear("uplinks") }
            for device in try routedDevices() {
                let file = "/proc/sys/net/ipv4/conf/\(device)/forwarding"
                // One that forwards is somebody else's wish, or was ours before.
                guard try File.readKernel(file).hasPrefix("0"), try !firewall.has(Firewall.name(device), in: "bridges") else { continue }
                // Guarded first.
                try firewall.add([Firewall.Change("uplinks", [Firewall.Element(key: Firewall.name(device))])])
                try File.writeKernel(file, "1")
            }
        } catch {
            throw .system(doing: "let packets pass between the network \(network.name) and others", error)
        }
    }

    private static func isRouter() throws(SystemError) -> Bool { try File.readKernel("/proc/sys/net/ipv4/ip_forward").hasPrefix("1") }

    /// The devices of the IPv4 routes, but for the loopback. A host with as many routes as the Internet is a router, and is not asked.
    private static func routedDevices() throws(SystemError) -> Set<String> {
        let table = String(decoding: try FileDescriptor(opening: "/proc/thread-self/net/route").readAll(limit: 64 << 20), as: UTF8.self)
        let devices = table.split(separator: "\n").dropFirst().compactMap { line in
            line.split(whereSeparator: { $0 == "\t" || $0 == " " }).first.map(String.init)
        }
        return Set(devices).subtracting(["lo"])
    }

    /// With IPv6 a host that forwards is a router to itself: it no longer believes those that tell it its addresses. So it is left as it is,
    /// except by the switch of a single link, which has no such side (`force_forwarding`, Linux 6.17).
    private static func enableIPv6(_ device: String) throws(SystemError) {
        guard try !File.readKernel("/proc/sys/net/ipv6/conf/all/forwarding").hasPrefix("1") else { return }
        for device in try routedDevices().union([device]) { try KernelParameter("ipv6/conf/\(device)/force_forwarding", "1").set() }
    }
}
