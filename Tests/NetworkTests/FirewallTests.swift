// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network
import Testing

@Suite("Firewall", .asRoot)
struct FirewallTests {
    private func network(_ device: String, _ subnet: String, _ gateway: String, isInternal: Bool = false) throws -> NetworkDefinition {
        var network = NetworkDefinition()
        network.name = device
        network.device = device
        network.isInternal = isInternal
        network.ranges = [AddressRange(subnet: try #require(Subnet(subnet)), gateway: IPAddress(gateway))]
        return network
    }

    private func published(_ text: String) throws -> PublishedPorts {
        let request = try PortRequest(text)
        let address = try #require(request.address)
        let host = try #require(request.hostPorts)
        return try #require(PublishedPorts(address, host, to: request.containerPorts, request.transport))
    }

    private func listing(_ set: String) throws -> String {
        try shell("nft list set inet minictl \(set) || nft list map inet minictl \(set)")
    }

    @Test("a network is an element of sets, with a way out only if it has one")
    func networks() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            let bridge = try network("minictl0", "172.18.0.0/16", "172.18.0.1")
            let closed = try network("mc-closed", "172.19.0.0/16", "172.19.0.1", isInternal: true)
            #expect(try !firewall.knows(bridge))
            try firewall.install()
            #expect(try !firewall.knows(bridge))
            try firewall.add(bridge)
            try firewall.add(bridge)
            try firewall.add(closed)
            #expect(try firewall.knows(bridge) && firewall.knows(closed))
            #expect(try listing("outward").contains("minictl0") && !listing("outward").contains("mc-closed"))
            #expect(try listing("within").contains("\"minictl0\" . \"minictl0\""))
            #expect(try listing("gateways4").contains("172.18.0.1"))
            try firewall.remove(bridge)
            try firewall.remove(bridge)
            #expect(try !firewall.knows(bridge) && firewall.knows(closed))
            #expect(try !listing("gateways4").contains("172.18.0.1"))
        }
    }

    @Test("containers of a network can be kept apart, and can go out with their own addresses")
    func options() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            try firewall.install()
            var bridge = try network("minictl0", "172.18.0.0/16", "172.18.0.1")
            bridge.options = [NetworkDefinition.connectingOption: "false", NetworkDefinition.translatingOption: "0"]
            try firewall.add(bridge)
            #expect(try !listing("together").contains("minictl0") && listing("routed").contains("minictl0"))
            bridge.options = [NetworkDefinition.connectingOption: "true"]
            bridge.device = "minictl1"
            try firewall.add(bridge)
            #expect(try listing("together").contains("minictl1") && !listing("routed").contains("minictl1"))
        }
    }

    @Test("rules that somebody flushed are noticed, and rules of others stay")
    func flushed() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            let bridge = try network("minictl0", "172.18.0.0/16", "172.18.0.1")
            _ = try shell("nft add table inet other; nft add chain inet other here")
            try firewall.install()
            try firewall.add(bridge)
            _ = try shell("nft delete table inet minictl")
            #expect(try !firewall.knows(bridge))
            try firewall.remove(bridge)
            try firewall.install()
            try firewall.add(bridge)
            #expect(try firewall.knows(bridge))
            #expect(try shell("nft list table inet other").contains("chain here"))
        }
    }

    @Test("a published port is one element, and goes without a trace")
    func ports() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            try firewall.install()
            let empty = try shell("nft list ruleset")
            let ports = try [
                published("127.0.0.1:8080:80/tcp"), published("0.0.0.0:53:5353/udp"), published("[::1]:8080:80/tcp"),
                published("[::]:9000-9001:90-91/sctp"),
            ]
            let addresses = try [#require(IPAddress("172.18.0.2")), #require(IPAddress("fd00::2"))]
            try firewall.publish(ports, to: addresses, at: "lo")
            #expect(try listing("ports4").contains("tcp . 127.0.0.1 . 8080 : 172.18.0.2 . 80"))
            #expect(try listing("anywhere4").contains("udp . 53 : 172.18.0.2 . 5353"))
            #expect(try listing("ports6").contains("tcp . ::1 . 8080 : fd00::2 . 80"))
            #expect(try listing("anywhere6").contains("sctp . 9001 : fd00::2 . 91"))
            try firewall.withdraw(ports, from: addresses)
            try firewall.withdraw(ports, from: addresses)
            usleep(50_000)
            #expect(try shell("nft list ruleset") == empty)
        }
    }

    @Test("a port that was withdrawn just now can be another container's at once, and stays so")
    func again() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            try firewall.install()
            let ports = try published("0.0.0.0:8080:80/tcp")
            let addresses = try ["172.18.0.2", "172.18.0.3"].map { try #require(IPAddress($0)) }
            for address in addresses + addresses {
                try firewall.publish([ports], to: [address], at: "lo")
                try firewall.withdraw([ports], from: [address])
                #expect(try !firewall.leads(ports))
            }
            // Back before it had run out, to the same one: for good.
            try firewall.publish([ports], to: [addresses[1]], at: "lo")
            usleep(50_000)
            #expect(try firewall.leads(ports) && listing("anywhere4").contains("tcp . 8080 : 172.18.0.3 . 80"))
        }
    }

    @Test("a port that leads to another container is not taken over, and nothing of the rest is published")
    func taken() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            try firewall.install()
            let ports = try published("0.0.0.0:8080:80/tcp")
            try firewall.publish([ports], to: [#require(IPAddress("172.18.0.2"))], at: "lo")
            try firewall.publish([ports], to: [#require(IPAddress("172.18.0.2"))], at: "lo")
            let other = try #require(IPAddress("172.18.0.3"))
            #expect(throws: NetworkError.self) { try firewall.publish([published("0.0.0.0:1:1/tcp"), ports], to: [other], at: "lo") }
            #expect(try listing("anywhere4").contains("tcp . 8080 : 172.18.0.2 . 80") && !listing("anywhere4").contains("172.18.0.3"))
        }
    }

    @Test("all ports there are can be published at once")
    func everything() throws {
        try inNewNetworkNamespace {
            var firewall = try Firewall()
            try firewall.install()
            let address = try #require(IPAddress("172.18.0.2"))
            let all = try published("0.0.0.0:1-65535:1-65535/tcp")
            try firewall.publish([all], to: [address], at: "lo")
            #expect(try listing("anywhere4").contains("tcp . 65535 : 172.18.0.2 . 65535"))
            try firewall.withdraw([all], from: [address])
            usleep(50_000)
            #expect(try !listing("anywhere4").contains("172.18.0.2"))
        }
    }
}
