// SPDX-License-Identifier: Apache-2.0
import JSON
import Network
import Testing

@Suite("Addresses") struct AddressTests {
    @Test(
        "an address is read and written in its shortest form",
        arguments: [
            ("172.18.0.2", "172.18.0.2"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("fd00:0:0::2", "fd00::2"),
            ("::", "::"), ("::ffff:10.0.0.1", "::ffff:10.0.0.1"), ("FE80::A", "fe80::a"),
        ])
    func reads(text: String, written: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == written)
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(
        "what is no address is nil, not a trap",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\0", "1.2.3.-4", "a.b.c.d", ":", ":::",
            "1::2::3", "fe80::1%eth0", "12345::", "1:2:3:4:5:6:7:8:9", String(repeating: "1", count: 5000),
        ])
    func refuses(text: String) { #expect(IPAddress(text) == nil) }

    @Test("a subnet is its first address and a prefix")
    func subnets() throws {
        let subnet = try #require(Subnet("172.18.0.0/16"))
        #expect(subnet.last.description == "172.18.255.255")
        #expect(subnet.address(at: 2)?.description == "172.18.0.2")
        #expect(subnet.address(at: 65535)?.description == "172.18.255.255")
        #expect(subnet.address(at: 65536) == nil)
        #expect(subnet.address(at: .max) == nil)
        #expect(subnet.next?.description == "172.19.0.0/16")
        #expect(InterfaceAddress("172.18.3.4/16")?.subnet == subnet)
    }

    @Test(
        "what is no subnet is nil",
        arguments: ["", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129"])
    func refusesSubnets(text: String) { #expect(Subnet(text) == nil) }

    @Test("subnets at the edges of the numbers do not trap")
    func edges() throws {
        let all = try #require(Subnet("0.0.0.0/0"))
        #expect(all.next == nil)
        #expect(all.last.description == "255.255.255.255")
        let all6 = try #require(Subnet("::/0"))
        #expect(all6.next == nil)
        #expect(all6.address(at: .max)?.description == "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
        let host = try #require(Subnet("255.255.255.255/32"))
        #expect(host.next == nil)
        #expect(host.address(at: 0) == host.base)
        #expect(host.address(at: 1) == nil)
    }

    @Test("subnets overlap when one holds the other, whichever that is")
    func overlaps() throws {
        let wide = try #require(Subnet("10.0.0.0/8"))
        let narrow = try #require(Subnet("10.1.2.0/24"))
        let other = try #require(Subnet("11.0.0.0/8"))
        let six = try #require(Subnet("::/0"))
        #expect(wide.overlaps(narrow) && narrow.overlaps(wide))
        #expect(!wide.overlaps(other) && !six.overlaps(wide))
        #expect(wide.contains(narrow) && !narrow.contains(wide))
    }

    @Test("the first and the last address of an IPv4 subnet are nobody's")
    func holdable() throws {
        let subnet = try #require(Subnet("10.9.0.0/24"))
        for (text, isPossible) in [
            ("10.9.0.0", false), ("10.9.0.1", true), ("10.9.0.254", true), ("10.9.0.255", false), ("10.9.1.1", false),
        ] {
            #expect(subnet.canHold(try #require(IPAddress(text))) == isPossible, "\(text)")
        }
        let pair = try #require(Subnet("10.9.0.0/31"))
        #expect(pair.canHold(try #require(IPAddress("10.9.0.0"))))
        let six = try #require(Subnet("fd00::/64"))
        #expect(!six.canHold(six.base) && six.canHold(six.last))
    }

    @Test("a MAC address is six bytes that an interface can have")
    func mac() {
        #expect(MACAddress("02:42:AC:12:00:02")?.description == "02:42:ac:12:00:02")
        #expect(IPAddress("172.18.0.2").map { MACAddress(for: $0).description } == "02:42:ac:12:00:02")
        for text in [
            "", "02:42:ac:12:00", "02:42:ac:12:00:02:03", "01:00:5e:00:00:01", "00:00:00:00:00:00", "0242ac120002", "02:42:ac:12:00:+2",
        ] {
            #expect(MACAddress(text) == nil, "\(text)")
        }
        let bridge = MACAddress(forNetwork: "0123456789abcdef")
        #expect(bridge.description == "6e:01:23:45:67:89")
        #expect(MACAddress(bridge.description) == bridge)
    }

    @Test("records read back as they were written")
    func records() throws {
        var network = NetworkDefinition()
        network.name = "blue"
        network.ranges = [AddressRange(subnet: try #require(Subnet("10.1.0.0/16")), gateway: IPAddress("10.1.0.1"))]
        network.labels = ["a": "b"]
        #expect(try JSONDecoder().decode(NetworkDefinition.self, from: JSONEncoder(pretty: false).encode(network)) == network)
        var endpoint = Endpoint(network: "blue")
        endpoint.address = InterfaceAddress("10.1.0.7/16")
        endpoint.mac = endpoint.address.map { MACAddress(for: $0.address) }
        endpoint.aliases = ["web"]
        #expect(try JSONDecoder().decode(Endpoint.self, from: JSONEncoder(pretty: false).encode(endpoint)) == endpoint)
        var wish = Endpoint(network: "blue")
        wish.aliases = ["web"]
        #expect(endpoint.wish == wish)
    }

    @Test(
        "a damaged record is an error",
        arguments: [#"{"subnet":"10.0.0.1/8"}"#, #"{"subnet":7}"#, #"{"subnet":"10.0.0.0/8","gateway":"x"}"#, "{}"])
    func damaged(text: String) {
        #expect(throws: (any Error).self) { try JSONDecoder().decode(AddressRange.self, from: Array(text.utf8)) }
    }
}
