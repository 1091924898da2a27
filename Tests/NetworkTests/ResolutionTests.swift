// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Network

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

    @Test("a zone's number goes up with each change, and is no container")
    func serial() {
        var zone = NameZone(gateways: [addresses[0]])
        let first = zone.advance()
        #expect(zone.isEmpty && !zone.needsServer && zone.gateway == addresses[0])
        #expect(zone.text == "172.18.0.2\nserial \(IPAddress(.v4, UInt128(first)))  _serial\n")
        zone.set(NameZone.Entry(id: "a1", addresses: addresses, names: ["a"]))
        #expect(!zone.isEmpty && !zone.needsServer)
        #expect(zone.advance() == (first + 1) & 0xff_ffff)
        #expect(zone.text.hasSuffix("  _serial\na1 172.18.0.2 fd00::2 a\n"))
        #expect(zone.remove("a1") && !zone.remove("serial") && zone.isEmpty)
        #expect(NameZone.isReached(5, by: 5) && NameZone.isReached(5, by: 6) && !NameZone.isReached(5, by: 4))
        #expect(NameZone.isReached(0xff_ffff, by: 0) && !NameZone.isReached(0, by: 0xff_ffff) && !NameZone.isReached(5, by: 0xac12_0002))
    }

    @Test("an answer about a zone is read as far as it is one, and anything else says nothing")
    func answers() {
        let query = ZoneQuery(number: 0x1234)
        #expect(query.bytes.prefix(13) == [0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7] && query.bytes.count == 25)
        func answer(_ count: UInt8, _ records: [UInt8]...) -> [UInt8] {
            var bytes = query.bytes
            bytes[2] = 0x81
            bytes[7] = count
            return bytes + records.joined()
        }
        let number: [UInt8] = [0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 0, 1, 2, 3]
        let named: [UInt8] = [1, 0x61, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 9]
        let text: [UInt8] = [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, 2, 1, 0x61]
        #expect(query.answers(in: answer(1, number)[...]) == [0x10203])
        #expect(query.answers(in: answer(3, text, named, number)[...]) == [9, 0x10203])
        #expect(query.answers(in: answer(0, number)[...]) == [] && query.answers(in: answer(255, number)[...]) == [0x10203])
        #expect(ZoneQuery(number: 0x1235).answers(in: answer(1, number)[...]) == [])
        // Whatever comes: cut anywhere, and each byte another.
        let whole = answer(2, named, number)
        for end in whole.indices { #expect(query.answers(in: whole[..<end]).count < 2) }
        for index in whole.indices {
            for byte: UInt8 in [0, 1, 0x3f, 0x40, 0xbf, 0xc0, 0xff] {
                var bytes = whole
                bytes[index] = byte
                #expect(query.answers(in: bytes[...]).count <= 2)
            }
        }
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
