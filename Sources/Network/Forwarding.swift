// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Lets packets pass between our bridges and the links that lead out, and makes the host a router for nobody else.
///
/// The kernel forwards what comes in over a link that forwards. For containers to be answered, the links that lead out have to. Where the
/// host is a router already (`net.ipv4.ip_forward`), they do, and what passes is the administrator's business. Where it is none, we make those
/// links forward that have routes, one by one, and the chain `passing` drops what is not for us. `ip_forward` itself stays as it was: once
/// it is set, somebody wants a router, and the chain is passed by.
///
/// A link that forwards because of us has 2 in the place of the 1 that others write: the kernel keeps the number, and we know it again when
/// somebody has flushed all rules.
package enum Forwarding {
    /// - Parameter isLost: the rules have just been made anew.
    package static func enable(for network: NetworkDefinition, isLost: Bool = false) throws(NetworkError) {
        var firewall = try Firewall()
        do throws(SystemError) {
            try enable(.v4, &firewall, isLost)
            if network.hasIPv6 { try enable(.v6, &firewall, isLost, bridge: network.device) }
        } catch {
            throw .system(doing: "let packets pass between the network \(network.name) and others", error)
        }
    }

    /// Makes these links forward no more, unless somebody wants a router by now.
    static func restore(on devices: [String], _ devices6: [String]) throws(SystemError) {
        if try !isRouter(.v4) {
            var ours = Set(devices)
            for device in try routedDevices(.v4) where try read("/proc/sys/net/" + file(device, .v4))?.first == "2" { ours.insert(device) }
            for device in ours { try KernelParameter(file(device, .v4), "0").set() }
        }
        for device in devices6 { try KernelParameter(file(device, .v6), "0").set() }
    }

    /// With IPv6 a host that forwards is a router to itself: it no longer believes those that tell it its addresses. So it is left as it is,
    /// except by the switch of a single link, which has no such side (`force_forwarding`, Linux 6.17); where that is missing, nothing is
    /// forwarded until the administrator says so.
    private static func enable(
        _ family: IPAddress.Family, _ firewall: inout Firewall, _ isLost: Bool, bridge: String? = nil
    ) throws(SystemError) {
        let set: StaticString = family == .v4 ? "uplinks" : "uplinks6"
        guard try !isRouter(family) else {
            if try !firewall.keys(of: set).isEmpty { try firewall.clear(set) }
            return
        }
        if let bridge { try KernelParameter(file(bridge, family), "1").set() }
        for device in try routedDevices(family) {
            let path = "/proc/sys/net/" + file(device, family)
            let name = Firewall.name(device)
            guard let state = try read(path)?.first, try !firewall.has(name, in: "bridges") else { continue }
            // One that forwards is somebody else's wish, or was ours before. With IPv6 there is no telling, so it is guarded if in doubt.
            let isOurs = state == "2" || (family == .v6 && isLost && state == "1")
            guard state == "0" || isOurs else { continue }
            // Guarded first.
            if try !firewall.has(name, in: set) { try firewall.add([Firewall.Change(set, [Firewall.Element(key: name)])]) }
            if state == "0" { try File.writeKernel(path, family == .v4 ? "2" : "1") }
        }
    }

    private static func file(_ device: String, _ family: IPAddress.Family) -> String {
        family == .v4 ? "ipv4/conf/\(device)/forwarding" : "ipv6/conf/\(device)/force_forwarding"
    }

    /// Nil where the kernel has no such switch.
    private static func read(_ path: String) throws(SystemError) -> String? {
        do throws(SystemError) { return try File.readKernel(path) } catch  where error.errno == ENOENT { return nil }
    }

    /// What is known of IPv6 between networks and the world: nil if the kernel has none, else whether it is or can be forwarded.
    package static var canForwardIPv6: Bool? {
        get throws(SystemError) {
            guard try read("/proc/sys/net/ipv6/conf/all/forwarding") != nil else { return nil }
            if try isRouter(.v6) { return true }
            return try read("/proc/sys/net/ipv6/conf/all/force_forwarding") != nil
        }
    }

    /// A kernel without IPv6 forwards none, and is not asked to.
    private static func isRouter(_ family: IPAddress.Family) throws(SystemError) -> Bool {
        switch family {
        case .v4: try File.readKernel("/proc/sys/net/ipv4/ip_forward").hasPrefix("1")
        case .v6: try read("/proc/sys/net/ipv6/conf/all/forwarding")?.hasPrefix("1") ?? true
        }
    }

    /// The devices of routes, but for the loopback. A host with as many routes as the Internet is a router, and is not asked.
    static func routedDevices(_ family: IPAddress.Family) throws(SystemError) -> Set<String> {
        let name = family == .v4 ? "route" : "ipv6_route"
        let table = String(decoding: try FileDescriptor(opening: "/proc/thread-self/net/\(name)").readAll(limit: 64 << 20), as: UTF8.self)
        // Of IPv4 the first word below a heading, of IPv6 the last; there, every link has routes to its neighbours and groups.
        let devices = table.split(separator: "\n").dropFirst(family == .v4 ? 1 : 0).compactMap { line -> String? in
            if family == .v6, line.hasPrefix("fe8") || line.hasPrefix("ff") { return nil }
            let words = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            return (family == .v4 ? words.first : words.last).map(String.init)
        }
        return Set(devices).subtracting(["lo"])
    }
}
