// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Network

/// A connection about to be made, as the kernel shows it to a program.
private struct Attempt {
    var address: [UInt8] = [127, 0, 0, 1]
    var port: UInt16 = 8080
    var type: UInt32 = 1
    var protocolNumber: UInt32 = 6
    var boundDevice: UInt32 = 0
    var sourceAddress: UInt32 = 0
    var namespace: UInt64 = 0x1_0000_0002

    /// Executes a program as the kernel's interpreter would, as far as such a program goes. Gives back where the connection goes: `10.0.0.2:80`.
    func run(_ program: [BPFInstruction]) throws -> String {
        // struct bpf_sock_addr and struct bpf_sock, at addresses of their own.
        var memory: [UInt64: [UInt8]] = [1 << 40: [UInt8](repeating: 0, count: 72), 2 << 40: [UInt8](repeating: 0, count: 80)]
        func set<Value>(_ value: Value, _ base: UInt64, _ offset: Int) {
            withUnsafeBytes(of: value) { memory[base]?.replaceSubrange(offset..<(offset + $0.count), with: $0) }
        }
        for (index, byte) in address.enumerated() { set(byte, 1 << 40, 4 + index) }
        set(UInt32(port.bigEndian), 1 << 40, 24)
        set(type, 1 << 40, 32)
        set(protocolNumber, 1 << 40, 36)
        set(UInt64(2 << 40), 1 << 40, 64)
        set(boundDevice, 2 << 40, 0)
        set(sourceAddress, 2 << 40, 24)

        var registers = [UInt64](repeating: 0xdead_beef, count: 11)
        registers[1] = 1 << 40
        var counter = 0
        for _ in 0...program.count {
            try #require(program.indices.contains(counter))
            let step = program[counter]
            counter += 1
            let (to, from) = (Int(step.destination), Int(step.source))
            let immediate = UInt64(bitPattern: Int64(step.immediate))
            func load<Value: FixedWidthInteger>(_: Value.Type) throws -> UInt64 {
                let bytes = try #require(memory[registers[from]])
                return UInt64(bytes.withUnsafeBytes { $0.load(fromByteOffset: Int(step.offset), as: Value.self) })
            }
            func jump(_ condition: Bool) { if condition { counter += Int(step.offset) } }
            switch step.operation {
            case BPFInstruction.loadWord: registers[to] = try load(UInt32.self)
            case BPFInstruction.loadDouble: registers[to] = try load(UInt64.self)
            case BPFInstruction.storeWord: set(UInt32(truncatingIfNeeded: registers[from]), registers[to], Int(step.offset))
            case BPFInstruction.moveDouble:
                registers[to] = immediate & 0xffff_ffff | UInt64(UInt32(bitPattern: program[counter].immediate)) << 32
                counter += 1
            case BPFInstruction.and: registers[to] &= immediate
            case BPFInstruction.add: registers[to] &+= immediate
            case BPFInstruction.move: registers[to] = immediate
            case BPFInstruction.moveWord: registers[to] = immediate & 0xffff_ffff
            case BPFInstruction.copy: registers[to] = registers[from]
            case BPFInstruction.networkOrder: registers[to] = UInt64(UInt16(truncatingIfNeeded: registers[to]).bigEndian)
            case BPFInstruction.jumpIfNot: jump(registers[to] != immediate)
            case BPFInstruction.jumpIfWordIsNot: jump(registers[to] & 0xffff_ffff != immediate & 0xffff_ffff)
            case BPFInstruction.jumpIfOther: jump(registers[to] != registers[from])
            case BPFInstruction.jumpIfLess: jump(registers[to] < immediate)
            case BPFInstruction.jumpIfMore: jump(registers[to] > immediate)
            case BPFInstruction.call:
                try #require(step.immediate == 122 && registers[1] == 1 << 40)
                registers.replaceSubrange(0...5, with: [namespace] + [UInt64](repeating: 0xdead_beef, count: 5))
            case BPFInstruction.exit:
                // Anything else would refuse the connection.
                #expect(registers[0] == 1)
                let context = try #require(memory[1 << 40])
                #expect(context[26..<28] == [0, 0])
                return "\(context[4..<8].map { "\($0)" }.joined(separator: ".")):\(UInt16(context[24]) << 8 | UInt16(context[25]))"
            default: Issue.record("unknown operation \(step.operation)")
            }
        }
        Issue.record("no end")
        return ""
    }
}

@Suite struct ShortcutTests {
    private func shortcut(_ lines: String...) throws -> Shortcut? {
        let ports = try lines.map { try #require(PublishedPorts($0[...])) }
        return Shortcut(ports, to: try #require(IPAddress("172.18.200.129")), from: 0x1_0000_0002)
    }

    @Test("What is for a published port at the loopback goes to the container, and all else where it meant to")
    func leads() throws {
        let program = try #require(
            try shortcut(
                "127.0.0.1:8080:80/tcp", "127.0.0.1:65534-65535:1-2/tcp", "0.0.0.0:9000-9002:65533-65535/tcp", "127.200.0.255:22:22/tcp")
        ).instructions
        for (address, port, expected): ([UInt8], UInt16, String) in [
            ([127, 0, 0, 1], 8080, "172.18.200.129:80"), ([127, 0, 0, 1], 65534, "172.18.200.129:1"),
            ([127, 0, 0, 1], 65535, "172.18.200.129:2"), ([127, 0, 0, 1], 9000, "172.18.200.129:65533"),
            ([127, 9, 9, 9], 9002, "172.18.200.129:65535"), ([127, 200, 0, 255], 22, "172.18.200.129:22"),
            ([127, 0, 0, 1], 8079, "127.0.0.1:8079"), ([127, 0, 0, 1], 8081, "127.0.0.1:8081"), ([127, 0, 0, 1], 65533, "127.0.0.1:65533"),
            ([127, 0, 0, 1], 9003, "127.0.0.1:9003"), ([127, 0, 0, 2], 8080, "127.0.0.2:8080"), ([1, 0, 0, 127], 9000, "1.0.0.127:9000"),
            ([192, 0, 2, 1], 9000, "192.0.2.1:9000"), ([127, 0, 0, 1], 0, "127.0.0.1:0"),
        ] { #expect(try Attempt(address: address, port: port).run(program) == expected) }
        for other in [
            Attempt(type: 2), Attempt(protocolNumber: 262), Attempt(boundDevice: 1), Attempt(sourceAddress: 0x0100_007f),
            Attempt(namespace: 2), Attempt(namespace: 1 << 32),
        ] { #expect(try other.run(program) == "127.0.0.1:8080") }
    }

    @Test("There is none for what cannot be reached so, and more ranges than there is room for are left out")
    func none() throws {
        for line in ["127.0.0.1:53:53/udp", "192.0.2.1:80:80/tcp", "[::]:80:80/tcp", "127.0.0.1:80:80/sctp"] {
            #expect(try shortcut(line) == nil)
        }
        #expect(Shortcut([], to: IPAddress(.v4, 1), from: 1) == nil)
        let ports = try (0..<200).map { try #require(PublishedPorts("127.0.0.1:\(1000 + 2 * $0):80/tcp")) }
        let program = try #require(Shortcut(ports, to: IPAddress(.v4, 0x0a00_0002), from: 0x1_0000_0002)).instructions
        #expect(try Attempt(port: 1126).run(program) == "10.0.0.2:80")
        #expect(try Attempt(port: 1128).run(program) == "127.0.0.1:1128")
    }

    @Test("The host's ends of a bridge take large packets, the container's do not", .asRoot)
    func largePackets() throws {
        guard Machine.kernel(atLeast: 6, 3) else { return }
        try inNewNetworkNamespace {
            var network = NetworkDefinition()
            network.id = String(repeating: "7", count: 64)
            network.device = "large0"
            var netlink = try Netlink()
            let bridge = try network.makeBridge(&netlink)
            let there = try FileDescriptor(namespace: .network, at: "/proc/thread-self/ns/net")
            for name in ["host0", "host1"] {
                try netlink.makePair(name, at: bridge, Interface(device: "\(name)-in", mac: nil), in: there)
                try netlink.bringUp(name, at: try #require(try netlink.link("large0")))
                #expect(try netlink.link(name)?.largestPacket == 192 << 10)
                #expect(try netlink.link("\(name)-in")?.largestPacket == 64 << 10)
                #expect(try netlink.link("large0")?.largestPacket == 192 << 10)
            }
        }
    }
}
