// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    var programFindings: [Finding] { [bridges, firewall, names, forwarding, registries, ps] }

    /// A bridge made in a network namespace of its own.
    private var bridges: Finding {
        let error = Trial.run(in: .network) { () throws(SystemError) in
            var network = NetworkDefinition()
            network.id = String(repeating: "0", count: 64)
            network.device = "minictl0"
            var netlink = try Netlink()
            do throws(NetworkError) { _ = try network.makeBridge(&netlink) } catch {
                if case .system(_, let cause) = error { throw cause }
                throw SystemError(call: "RTM_NEWLINK", subject: "\(error)", errno: EPROTO)
            }
        }
        guard let error else { return Finding("networks", .works, "bridges can be made and limited") }
        return Finding(
            "networks", .limited, "bridges cannot be made, so containers need --network none or host: \(error)",
            remedy: error.errno == EOPNOTSUPP ? "modprobe bridge veth" : nil)
    }

    /// A table made in a network namespace of its own.
    private var firewall: Finding {
        guard let nft = HostProgram("nft") else {
            return Finding(
                "nft", .limited, "there is no nft, so no port can be published and no network leads outside",
                remedy: "apt-get install nftables")
        }
        let error = Trial.run(in: .network) { () throws(SystemError) in
            let result = try nft.output(["add table inet minictl { chain c { type nat hook prerouting priority -100; }; }"])
            if result.end == .exited(0) { return }
            let reason = String(decoding: result.error, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            throw SystemError(call: "nft", subject: reason, errno: EPROTO)
        }
        guard let error else { return Finding("nft", .works, "tables and address translation can be made") }
        return Finding(
            "nft", .limited, "nft is there, but the kernel does not take its rules: \(error)", remedy: "modprobe nf_tables nft_chain_nat")
    }

    private var names: Finding {
        guard let program = HostProgram("aardvark-dns", in: ["/usr/lib/podman/", "/usr/libexec/podman/", "/usr/local/lib/podman/"]) else {
            return Finding(
                "aardvark-dns", .limited, "there is no name server for networks; containers find each other through /etc/hosts instead",
                remedy: "apt-get install aardvark-dns")
        }
        guard let result = try? program.output(["--version"]), result.end == .exited(0) else {
            return Finding("aardvark-dns", .limited, "\(program.path) does not run", remedy: "apt-get install --reinstall aardvark-dns")
        }
        let version = String(decoding: result.output, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? program.path
        return Finding("aardvark-dns", .works, "containers on a network find each other by name (\(version))")
    }

    private var forwarding: Finding {
        guard let text = try? File.readKernel("/proc/sys/net/ipv4/ip_forward") else {
            return Finding("forwarding", .limited, "this machine has no IPv4", remedy: nil)
        }
        let isOn = text.hasPrefix("1")
        return Finding("forwarding", .works, isOn ? "on for the whole machine" : "off; it is turned on where a network needs it")
    }

    private var registries: Finding {
        guard HostProgram("skopeo") != nil else {
            return Finding("skopeo", .limited, "there is no skopeo, so no image can be fetched or sent", remedy: "apt-get install skopeo")
        }
        return Finding("skopeo", .works, "images can be fetched from registries and sent there")
    }

    private var ps: Finding {
        guard HostProgram("ps") != nil else {
            return Finding("ps", .limited, "there is no ps, which top needs", remedy: "apt-get install procps")
        }
        return Finding("ps", .works, "top shows processes as it does")
    }
}
