// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    var programFindings: [Finding] { [firewall, names, forwarding, forwarding6, registries, ps] }

    /// Our rules set in a network namespace of its own.
    private var firewall: Finding {
        let error = Trial.run(in: .network) { () throws(SystemError) in
            do throws(NetworkError) {
                let firewall = try Firewall()
                try firewall.install()
            } catch {
                if case .system(_, let cause) = error { throw cause }
                throw SystemError(call: "nft", subject: "\(error)", errno: EPROTO)
            }
        }
        guard let error else { return Finding("nft", .works, "ports can be published, and networks kept apart") }
        let sentence = error.errno == EPROTO ? error.subject : "\(error)"
        return Finding(
            "nft", .fails, "no container can be on a network, which is where one is unless --network none or host is given: \(sentence)",
            remedy: "apt-get install nftables && modprobe -a nf_tables nft_chain_nat")
    }

    private var names: Finding {
        guard let program = NameServer.program else {
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

    private var forwarding6: Finding {
        let state: Bool?
        do throws(SystemError) { state = try Forwarding.canForwardIPv6 } catch {
            return Finding("IPv6", .limited, "it cannot be found out whether IPv6 is forwarded: \(error)")
        }
        switch state {
        case true?: return Finding("IPv6", .works, "networks made with --ipv6 reach the world, as far as this machine does")
        case false?:
            return Finding(
                "IPv6", .limited,
                "networks made with --ipv6 reach this machine but not the world: it forwards no IPv6, and before Linux 6.17 only all links at once can",
                remedy: "sysctl -w net.ipv6.conf.all.forwarding=1, with accept_ra=2 for a link that gets its address from a router")
        case nil: return Finding("IPv6", .limited, "this machine has no IPv6, so no network can have any")
        }
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
