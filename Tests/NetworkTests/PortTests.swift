// SPDX-License-Identifier: Apache-2.0
import JSON
import Network
import Testing

@Suite("Ports")
struct PortTests {
    private func request(_ text: String) -> String {
        do throws(PortRequest.Invalid) {
            let request = try PortRequest(text)
            let host = request.hostPorts.map { "\($0)" } ?? "any"
            return "\(request.address.map { "\($0)" } ?? "default") \(host) \(request.containerPorts) \(request.transport)"
        } catch { return "invalid" }
    }

    @Test(
        "-p is read as docker reads it",
        arguments: [
            ("80", "default any 80 tcp"),
            ("8080:80", "default 8080 80 tcp"),
            ("8080:80/UDP", "default 8080 80 udp"),
            ("0:80", "default any 80 tcp"),
            (":80", "default any 80 tcp"),
            ("127.0.0.1::80", "127.0.0.1 any 80 tcp"),
            ("0.0.0.0:8080:80/sctp", "0.0.0.0 8080 80 sctp"),
            ("[::1]:8080:80", "::1 8080 80 tcp"),
            ("[fd00::1]::80", "fd00::1 any 80 tcp"),
            ("8000-8002:80-82", "default 8000-8002 80-82 tcp"),
            ("8000-8010:80", "default 8000-8010 80 tcp"),
            ("80-82", "default any 80-82 tcp"),
            ("target=80,published=8080,protocol=udp", "default 8080 80 udp"),
            ("target=80,host_ip=::1", "::1 any 80 tcp"),
        ])
    func grammar(_ text: String, _ expected: String) {
        #expect(request(text) == expected)
    }

    @Test(
        "what cannot be published is refused",
        arguments: [
            "", ":", "::", "0", "65536", "80:0", "8080:", "80/icmp", "80/", "8080:80:90:100", "::1:8080:80", "[::1:8080:80",
            "[127.0.0.1]:1:1",
            "1.2.3:80:80", "localhost:80:80", "+80", "-80", "80-", "82-80", "8000-8002:80-81", "8000:80-81", "8 0:80", "80\u{0}",
            "target=80,x=1",
            "published=80", "99999999999999999999:1", "1-2-3:4",
        ])
    func refused(_ text: String) {
        #expect(request(text) == "invalid")
    }

    @Test("a request reads what it writes", arguments: ["80/tcp", "8080:80/udp", "127.0.0.1::80/tcp", "[::1]:1-3:7-9/sctp", "1-9:5/tcp"])
    func roundTrip(_ text: String) throws {
        #expect(try PortRequest(text).description == text)
    }

    @Test("ports of an image may be named with a protocol")
    func exposed() {
        #expect(ExposedPorts("80")?.description == "80/tcp")
        #expect(ExposedPorts("53/udp")?.description == "53/udp")
        #expect(ExposedPorts("8000-8010/tcp")?.description == "8000-8010/tcp")
        for text in ["", "/tcp", "80/", "80/x", "0", "80/tcp/udp"] { #expect(ExposedPorts(text) == nil, "\(text)") }
    }

    private func published(_ address: String, _ host: String, _ container: String, _ transport: Transport = .tcp) throws -> PublishedPorts {
        let address = try #require(IPAddress(address))
        let host = try #require(PortRange(host))
        let container = try #require(PortRange(container))
        return try #require(PublishedPorts(address, host, to: container, transport))
    }

    @Test("published ports are shown as docker shows them, and kept whole")
    func shown() throws {
        let ports = try published("127.0.0.1", "8080", "80")
        #expect(ports.description == "127.0.0.1:8080->80/tcp")
        #expect(try published("::", "53-54", "53-54", .udp).description == "[::]:53-54->53-54/udp")
        let bytes = try JSONEncoder(pretty: false).encode([ports])
        #expect(String(decoding: bytes, as: UTF8.self) == #"["127.0.0.1:8080:80/tcp"]"#)
        #expect(try JSONDecoder().decode([PublishedPorts].self, from: bytes) == [ports])
    }

    @Test("ports that follow each other are shown as one range")
    func merged() throws {
        let all = try [
            published("0.0.0.0", "8000", "80"), published("0.0.0.0", "8001", "81"), published("0.0.0.0", "8002", "90"),
            published("127.0.0.1", "8003", "91"), published("127.0.0.1", "65535", "92"),
        ]
        #expect(
            PublishedPorts.merged(all).map(\.description) == [
                "0.0.0.0:8000-8001->80-81/tcp", "0.0.0.0:8002->90/tcp", "127.0.0.1:8003->91/tcp", "127.0.0.1:65535->92/tcp",
            ])
    }

    @Test("two that one packet could be for overlap")
    func overlaps() throws {
        let ports = try published("127.0.0.1", "8000-8010", "80-90")
        #expect(try ports.overlaps(published("0.0.0.0", "8010", "80")))
        #expect(try ports.overlaps(published("127.0.0.1", "8000", "1")))
        #expect(try !ports.overlaps(published("127.0.0.2", "8000", "1")))
        #expect(try !ports.overlaps(published("127.0.0.1", "8011", "1")))
        #expect(try !ports.overlaps(published("127.0.0.1", "8000", "1", .udp)))
        #expect(try !ports.overlaps(published("::", "8000", "1")))
    }
}
