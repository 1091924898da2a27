// SPDX-License-Identifier: Apache-2.0
import Network
import Testing

@Suite("Names")
struct ResolutionTests {
    private let addresses = ["172.18.0.2", "fd00::2"].compactMap { IPAddress($0) }

    @Test("a zone has a line for each container, in the form that aardvark-dns reads")
    func zone() {
        var zone = NameZone(gateways: ["172.18.0.1", "fd00::1"].compactMap { IPAddress($0) })
        #expect(zone.isEmpty && !zone.needsServer)
        zone.set(NameZone.Entry(id: "a1", addresses: addresses, names: ["web", "a,b", "c d", "", "www"]))
        #expect(zone.text == "172.18.0.1,fd00::1\na1 172.18.0.2 fd00::2 web,www\n")
        #expect(!zone.needsServer)
        zone.set(NameZone.Entry(id: "b2", addresses: [addresses[0]], names: ["db"], servers: addresses))
        #expect(zone.text.hasSuffix("\nb2 172.18.0.2  db 172.18.0.2,fd00::2\n") && zone.needsServer)
        #expect(NameZone(zone.bytes) == zone)
        zone.set(NameZone.Entry(id: "a1", addresses: [addresses[0]], names: ["other"]))
        #expect(zone.text.contains("a1 172.18.0.2  other") && !zone.text.contains("web"))
        #expect(zone.remove("b2") && !zone.remove("b2") && !zone.needsServer)
        #expect(zone.remove("a1") && zone.isEmpty)
    }

    @Test("a single container that asks its own server, or asks by IPv6, needs the name server")
    func needs() {
        var own = NameZone(gateways: [addresses[0]])
        own.set(NameZone.Entry(id: "a1", addresses: addresses, names: ["a"], servers: addresses))
        #expect(own.needsServer)
        var v6 = NameZone(gateways: [addresses[1]])
        v6.set(NameZone.Entry(id: "a1", addresses: addresses, names: ["a"]))
        #expect(v6.needsServer)
    }

    @Test("resolv.conf is read as the C library reads it, whatever is in it")
    func resolver() {
        let file = ResolverFile(
            "# comment\n; another\nnameserver 127.0.0.53\nnameserver\t192.0.2.1\r\nnameserver fe80::1%eth0\ndomain a.org\nsearch b.org c.org\noptions edns0 trust-ad\nnonsense\nnameserver"
        )
        #expect(file.servers == ["127.0.0.53", "192.0.2.1", "fe80::1%eth0"])
        #expect(file.reachableServers == ["192.0.2.1"])
        #expect(file.search == ["b.org", "c.org"] && file.options == ["edns0", "trust-ad"])
        #expect(ResolverFile(file.text) == file)
        #expect(ResolverFile("") == ResolverFile() && ResolverFile().text == "")
    }
}
