// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Connections to published ports that the kernel passes from link to link by itself, past all rules, once they are established: a flowtable
/// (Linux 4.16; 5.13 by way of a bridge). Somebody has to ask for it, because rules of others are passed by too, and not every kernel has it.
extension Firewall {
    /// Does so for a network that wants it, between its bridge and the links that have routes now. Its bridge is there.
    package func offload(_ network: NetworkDefinition) throws(NetworkError) {
        guard network.offloadsPorts else { return }
        var devices: Set<String> = [network.device]
        do throws(SystemError) {
            devices.formUnion(try Forwarding.routedDevices(.v4))
            if network.hasIPv6 { devices.formUnion(try Forwarding.routedDevices(.v6)) }
        } catch {
            throw .system(doing: "look at the links that have routes", error)
        }
        // What is there already stays, with its links; one that goes takes itself out.
        let script = """
            add flowtable inet minictl direct { hook ingress priority filter; devices = { \(Self.list(devices)) }; }
            add chain inet minictl offloading { type filter hook forward priority filter - 1; policy accept; }
            flush chain inet minictl offloading
            add rule inet minictl offloading meta oifkind "bridge" oifname @offloaded iifname != @bridges ct status dnat \
            meta l4proto { tcp, udp } flow add @direct

            """
        if let complaint = try Self.complaint(of: ["-f", "-"], script) {
            throw .refused("the network \(network.name) cannot have \(NetworkDefinition.offloadOption): \(complaint)")
        }
    }

    /// Says it if this kernel cannot.
    package static func tryOffload() throws(NetworkError) {
        let script = """
            table inet minictl_try {
                flowtable direct { hook ingress priority filter; devices = { lo }; }
                chain offloading { type filter hook forward priority filter; flow add @direct; }
            }

            """
        if try complaint(of: ["-c", "-f", "-"], script) != nil {
            throw .refused(
                "this kernel has no flowtables, which \(NetworkDefinition.offloadOption) needs; load nft_flow_offload with modprobe, or leave it out"
            )
        }
    }

    private static func list(_ devices: Set<String>) -> String {
        // Root may have called a link by anything; what would end a word of nft's is left out.
        let plain = devices.filter { $0.utf8.allSatisfy { $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") } }
        return plain.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
    }
}
