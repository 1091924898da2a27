// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    var networkFindings: [Finding] { [bridges, macvlans, shortcuts, subnet] }

    private var bridges: Finding {
        let error = Trial.run(in: .network) { () throws(SystemError) in
            var netlink = try Netlink()
            try netlink.tryBridge()
            // And one as a network has it, with its limits.
            var network = NetworkDefinition()
            network.id = String(repeating: "0", count: 64)
            network.device = "minictl0"
            do throws(NetworkError) { _ = try network.makeBridge(&netlink) } catch {
                if case .system(_, let cause) = error { throw cause }
                throw SystemError(call: "RTM_NEWLINK", subject: "\(error)", errno: EPROTO)
            }
        }
        guard let error else { return Finding("bridges", .works, "containers can be connected to networks") }
        return Finding(
            "bridges", .limited, "no container can be on a network, so --network none or host has to be given: \(error)",
            remedy: error.errno == EOPNOTSUPP ? "modprobe bridge veth" : nil)
    }

    private var macvlans: Finding {
        let error = Trial.run(in: .network) { () throws(SystemError) in
            var netlink = try Netlink()
            try netlink.tryMacvlan()
        }
        guard let error else { return Finding("macvlan", .works, "containers can share a wire of this machine's") }
        return Finding(
            "macvlan", .limited, "no network with the driver macvlan: \(error)",
            remedy: error.errno == EOPNOTSUPP ? "modprobe macvlan" : nil)
    }

    private var shortcuts: Finding {
        let error = Trial.run(in: .network) { () throws(SystemError) in
            guard let port = PortRange(9), let ports = PublishedPorts(IPAddress(.v4, 0x7f00_0001), port, to: port, .tcp),
                try Shortcut.open([ports], to: IPAddress(.v4, 0x7f00_0001), named: "mcdoctor") != nil
            else { throw SystemError(call: "open", subject: "cgroup version 2", errno: ENOENT) }
        }
        guard let error else {
            return Finding("shortcuts", .works, "clients on this machine reach ports at 127.0.0.1 without address translation")
        }
        return Finding("shortcuts", .limited, "clients on this machine reach ports at 127.0.0.1 by address translation alone: \(error)")
    }

    /// Where the default network is, or will be.
    private var subnet: Finding {
        do throws(EngineError) {
            if let subnet = try storedNetwork(NetworkDefinition.defaultName)?.range(.v4)?.subnet {
                return Finding("default network", .works, "\(subnet)")
            }
            let subnet = try Self.freeSubnet(besides: subnetsInUse() + storedNetworks().flatMap(\.ranges).map(\.subnet))
            return Finding("default network", .works, "\(subnet) will be taken for it")
        } catch {
            return Finding("default network", .limited, "\(error)")
        }
    }
}
