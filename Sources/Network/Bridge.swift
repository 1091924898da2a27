// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension NetworkDefinition {
    /// The bridge's own address on the wire, by which it is known to be this network's.
    package var bridgeMAC: MACAddress { MACAddress(forNetwork: id) }

    /// This network's bridge as the kernel has it; nil if it is not there.
    package func bridge(_ netlink: inout Netlink) throws(NetworkError) -> LinkStatus? {
        let link: LinkStatus?
        do throws(SystemError) { link = try netlink.link(device) } catch { throw .system(doing: "look at the bridge \(device)", error) }
        guard let link else { return nil }
        guard link.mac == bridgeMAC else { throw .deviceTaken(device) }
        return link
    }

    /// Makes the bridge, with its addresses, and up. The caller holds the lock of all networks.
    package func makeBridge(_ netlink: inout Netlink) throws(NetworkError) -> LinkStatus {
        do throws(SystemError) {
            try netlink.makeBridge(device, mac: bridgeMAC)
        } catch {
            switch error.errno {
            case EEXIST: throw .deviceTaken(device)
            case EOPNOTSUPP:
                throw .refused("this kernel has no bridges; load the module bridge (modprobe bridge), or give --network none or host")
            default: throw .system(doing: "make the bridge \(device)", error)
            }
        }
        do throws(NetworkError) { return try bringUpBridge(&netlink) } catch {
            try? netlink.remove(device)
            throw error
        }
    }

    /// Gives the bridge its addresses and brings it up, which comes last: one that is down was left by who was killed while making it.
    package func bringUpBridge(_ netlink: inout Netlink) throws(NetworkError) -> LinkStatus {
        do throws(SystemError) {
            // Before it is up: nothing comes in that these are against.
            for parameter in parameters { try parameter.set() }
            guard let link = try netlink.link(device) else { throw SystemError(call: "RTM_GETLINK", subject: device, errno: ENODEV) }
            for address in ranges.compactMap(\.gatewayAddress) {
                let message = try netlink.add(address, to: link.index)
                do throws(SystemError) { try netlink.perform(message) } catch  where error.errno == EEXIST {}
            }
            try netlink.perform([netlink.setMTU(of: device, to: mtu(&netlink)), netlink.change(device, flags: UInt32(IFF_UP))])
            return try netlink.link(device) ?? link
        } catch {
            throw .system(doing: "make the bridge \(device)", error)
        }
    }

    /// That of the way out, so that what a container sends need not be broken up; 1500 where there is none.
    private func mtu(_ netlink: inout Netlink) throws(SystemError) -> UInt32 {
        if let mtu = chosenMTU { return mtu }
        return try netlink.outwardMTU() ?? 1500
    }

    /// What `-o mtu=` says.
    package var chosenMTU: UInt32? { (options?["mtu"] ?? options?["com.docker.network.driver.mtu"]).flatMap { UInt32($0) } }

    /// What the host makes of what comes from its containers.
    private var parameters: [KernelParameter] {
        var parameters = [
            // Into the world only where there is a way out. The host routes for nobody else by this.
            KernelParameter("ipv4/conf/\(device)/forwarding", isInternal ? "0" : "1"),
            // A source address that is not of this network is dropped.
            KernelParameter("ipv4/conf/\(device)/rp_filter", "1"),
            KernelParameter("ipv4/conf/\(device)/accept_redirects", "0"),
            KernelParameter("ipv4/conf/\(device)/send_redirects", "0"),
            KernelParameter("ipv4/conf/\(device)/accept_source_route", "0"),
        ]
        if hasIPv6 {
            // A container that plays the router changes nothing on the host (CVE-2020-13401). Nor is it asked whether it has the bridge's
            // own addresses: for the two seconds of that, nothing would be forwarded.
            parameters += [("accept_ra", "0"), ("accept_dad", "0"), ("autoconf", "0"), ("accept_redirects", "0"), ("disable_ipv6", "0")].map
            {
                KernelParameter("ipv6/conf/\(device)/\($0.0)", $0.1)
            }
        } else {
            parameters.append(KernelParameter("ipv6/conf/\(device)/disable_ipv6", "1"))
        }
        return parameters
    }
}
