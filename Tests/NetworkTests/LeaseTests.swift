// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network
import TestGround
import Testing

@Suite("Leases") struct LeaseTests {
    private final class Runtime {
        private let scratch: ScratchDirectory
        let folder: FileDescriptor

        init() throws {
            scratch = try ScratchDirectory("minictl-leases")
            folder = try scratch.open()
        }

        func leases() throws -> Leases { try Leases(of: "blue", in: folder.place) }
    }

    private func range(_ text: String, gateway: String? = nil, allocation: String? = nil) throws -> AddressRange {
        AddressRange(
            subnet: try #require(Subnet(text)), gateway: gateway.flatMap { IPAddress($0) }, allocation: allocation.flatMap { Subnet($0) })
    }

    private func claim(_ leases: borrowing Leases, _ range: AddressRange, _ id: String, _ wanted: String? = nil, over: Set<String> = [])
        throws -> String
    {
        try leases.claim(range, for: id, wanted: wanted.flatMap { IPAddress($0) }, isOver: { over.contains($0) }).description
    }

    @Test("The lowest free address goes first, and never the gateway's")
    func lowest() throws {
        let runtime = try Runtime()
        let leases = try runtime.leases()
        let range = try range("10.0.0.0/29", gateway: "10.0.0.2")
        #expect(try claim(leases, range, "a") == "10.0.0.1")
        #expect(try claim(leases, range, "b") == "10.0.0.3")
        #expect(try claim(leases, range, "c") == "10.0.0.4")
        try leases.release([try #require(IPAddress("10.0.0.3"))], of: "b")
        #expect(try claim(leases, range, "d") == "10.0.0.3")
        // What is another's is not given back.
        try leases.release([try #require(IPAddress("10.0.0.3"))], of: "b")
        #expect(try leases.all().map { "\($0.address) \($0.owner)" }.sorted() == ["10.0.0.1 a", "10.0.0.3 d", "10.0.0.4 c"])
    }

    @Test("When all are taken, those of containers that are over are given again, and then there are none")
    func exhausted() throws {
        let runtime = try Runtime()
        let leases = try runtime.leases()
        let range = try range("10.0.0.0/30", gateway: "10.0.0.1")
        #expect(try claim(leases, range, "a") == "10.0.0.2")
        #expect { try claim(leases, range, "b") } throws: { "\($0)" == "all addresses of 10.0.0.0/30 are in use" }
        #expect(try claim(leases, range, "b", over: ["a"]) == "10.0.0.2")
    }

    @Test("A wanted address is had unless it is another's")
    func wanted() throws {
        let runtime = try Runtime()
        let leases = try runtime.leases()
        let range = try range("10.0.0.0/24", gateway: "10.0.0.1", allocation: "10.0.0.128/25")
        #expect(try claim(leases, range, "a") == "10.0.0.128")
        #expect(try claim(leases, range, "a", "10.0.0.7") == "10.0.0.7")
        #expect(try claim(leases, range, "a", "10.0.0.7") == "10.0.0.7")
        #expect { try claim(leases, range, "b", "10.0.0.7") } throws: { "\($0)".contains("in use by container a") }
        #expect(try claim(leases, range, "b", "10.0.0.7", over: ["a"]) == "10.0.0.7")
        for address in ["10.0.0.0", "10.0.0.1", "10.0.0.255", "10.0.1.1"] {
            #expect(throws: NetworkError.self, "\(address)") { try claim(leases, range, "c", address) }
        }
    }

    @Test("IPv6 is the same with more room")
    func six() throws {
        let runtime = try Runtime()
        let leases = try runtime.leases()
        let range = try range("fd00::/64", gateway: "fd00::1")
        #expect(try claim(leases, range, "a") == "fd00::2")
        #expect(try claim(leases, range, "b", "fd00::ffff:ffff") == "fd00::ffff:ffff")
    }
}

@Suite("Address pool") struct AddressPoolTests {
    @Test("The first is docker's second, and what is in use is passed over, whole or in part")
    func order() throws {
        func free(_ used: String...) -> String? { AddressPool.free(besides: used.compactMap { Subnet($0) })?.description }
        #expect(free() == "172.18.0.0/16")
        #expect(free("172.18.3.0/24") == "172.19.0.0/16")
        #expect(free("172.16.0.0/12") == "192.168.0.0/20")
        #expect(free("172.16.0.0/12", "192.168.0.0/16") == "10.89.0.0/24")
        #expect(free("172.16.0.0/12", "192.168.0.0/16", "10.89.0.0/24") == "10.89.1.0/24")
        #expect(free("172.16.0.0/12", "192.168.0.0/16", "10.0.0.0/8") == nil)
        // A default route and IPv6 take nothing.
        #expect(free("0.0.0.0/0", "::/0", "fd00::/8") == "172.18.0.0/16")
    }

    @Test("A unique local subnet has the network's forty bits")
    func local() {
        #expect(AddressPool.local(forNetwork: "0123456789abcdef")?.description == "fd01:2345:6789::/64")
        #expect(AddressPool.local(forNetwork: "")?.description == "fd00::/64")
    }
}
