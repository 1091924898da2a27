// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

/// The short way to a container's ports for who is on this machine: its connection to a port at the loopback is one to the container from the
/// beginning, without an address to be translated for each packet, as Cilium does for services ("socket-level load balancing").
///
/// It is for TCP over IPv4 to addresses of 127.0.0.0/8, which are this machine's wherever it is. All else, and all where the kernel does not
/// let us, goes by the rules of `Firewall` as ever.
package struct Shortcut: Sendable {
    package let instructions: [BPFInstruction]

    /// More are left to the rules.
    private static let mostRanges = 64

    /// Nil where there is nothing to be reached so.
    /// - Parameters:
    ///   - target: the container's address.
    ///   - namespace: of the clients, as `SO_NETNS_COOKIE` tells it.
    package init?(_ ports: [PublishedPorts], to target: IPAddress, from namespace: UInt64) {
        let ranges = Self.ranges(ports)
        guard target.family == .v4, !ranges.isEmpty else { return nil }
        var program = Program()
        program.begin(namespace)
        for range in ranges.prefix(Self.mostRanges) { program.lead(range, to: target) }
        program.passOn()
        instructions = program.instructions
    }

    /// Opens it for all processes of this machine that are in our network namespace, as long as what is given back stays open. Nil where there
    /// is nothing to be reached so, or no room.
    /// - Parameter name: by which it is known again; see `ConnectLink`.
    package static func open(_ ports: [PublishedPorts], to target: IPAddress, named name: String) throws(SystemError) -> ConnectLink? {
        // The kernel has room for 64, and others need some.
        guard serves(ports), let cgroup = try root(), try ConnectLink.count(at: cgroup) < 48 else { return nil }
        guard let shortcut = Shortcut(ports, to: target, from: try namespace()) else { return nil }
        return try ConnectLink(shortcut.instructions, name: name, at: cgroup)
    }

    /// The directory of cgroup version 2 that all processes are below; nil where there is none.
    private static func root() throws(SystemError) -> FileDescriptor? {
        for path in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            // CGROUP2_SUPER_MAGIC
            guard let root = try? FileDescriptor(opening: path, .directory), try root.fileSystemMagic() == 0x6367_7270 else { continue }
            return root
        }
        return nil
    }

    /// `SO_NETNS_COOKIE` (Linux 5.14), which the kernel's programs know a network namespace by.
    private static func namespace() throws(SystemError) -> UInt64 {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(owning: try check("socket") { Glibc.socket(AF_INET, type, 0) })
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        try check("getsockopt", "SO_NETNS_COOKIE") { getsockopt(socket.raw, SOL_SOCKET, 71, &cookie, &size) }
        return cookie
    }

    /// Whether any of these ports can be reached so.
    package static func serves(_ ports: [PublishedPorts]) -> Bool { !ranges(ports).isEmpty }

    private static func ranges(_ ports: [PublishedPorts]) -> [PublishedPorts] {
        ports.filter { $0.transport == .tcp && $0.address.family == .v4 && ($0.isAnywhere || $0.address.isLoopback) }
    }
}

/// The program in the making. Whatever it answers, the connection goes on: with another destination or the one it had.
private struct Program {
    private(set) var instructions: [BPFInstruction] = []
    /// Jumps to the end, by their place.
    private var exits: [Int] = []

    private enum Register {
        static let answer: UInt8 = 0
        static let argument: UInt8 = 1
        static let scratch: UInt8 = 2
        // Those that calls leave alone.
        static let context: UInt8 = 6
        static let address: UInt8 = 7
        static let port: UInt8 = 8
    }

    /// `struct bpf_sock_addr`, and of what it points to `struct bpf_sock`, in bytes.
    private enum Field {
        static let address: Int16 = 4
        static let port: Int16 = 24
        static let type: Int16 = 32
        static let protocolNumber: Int16 = 36
        static let socket: Int16 = 64
        static let boundDevice: Int16 = 0
        static let sourceAddress: Int16 = 24
    }

    /// Goes to the end with what is not for anybody: another protocol, another namespace, a socket that is bound.
    mutating func begin(_ namespace: UInt64) {
        append(BPFInstruction.copy, Register.context, from: Register.argument)
        append(BPFInstruction.loadWord, Register.address, from: Register.context, Field.address)
        append(BPFInstruction.copy, Register.scratch, from: Register.address)
        // In the network's order its first byte is the lowest here.
        append(BPFInstruction.and, Register.scratch, immediate: 0xff)
        exit(unless: Register.scratch, is: 127)
        // SOCK_STREAM and IPPROTO_TCP.
        for (field, number): (Int16, Int32) in [(Field.type, 1), (Field.protocolNumber, 6)] {
            append(BPFInstruction.loadWord, Register.scratch, from: Register.context, field)
            exit(unless: Register.scratch, is: number)
        }
        // Whoever is bound to an address or a link of this machine cannot reach the container from there; the rules see to it.
        append(BPFInstruction.loadDouble, Register.argument, from: Register.context, Field.socket)
        for field in [Field.boundDevice, Field.sourceAddress] {
            append(BPFInstruction.loadWord, Register.scratch, from: Register.argument, field)
            exit(unless: Register.scratch, is: 0)
        }
        append(BPFInstruction.copy, Register.argument, from: Register.context)
        // BPF_FUNC_get_netns_cookie
        append(BPFInstruction.call, 0, immediate: 122)
        append(BPFInstruction.moveDouble, Register.scratch, immediate: Int32(truncatingIfNeeded: namespace))
        append(0, 0, immediate: Int32(truncatingIfNeeded: namespace >> 32))
        exits.append(instructions.count)
        append(BPFInstruction.jumpIfOther, Register.answer, from: Register.scratch)
        append(BPFInstruction.loadWord, Register.port, from: Register.context, Field.port)
        append(BPFInstruction.networkOrder, Register.port, immediate: 16)
    }

    /// Leads what is for one of these ports, and goes to the end with it.
    mutating func lead(_ ports: PublishedPorts, to target: IPAddress) {
        var misses: [Int] = []
        if !ports.isAnywhere {
            misses.append(instructions.count)
            append(BPFInstruction.jumpIfWordIsNot, Register.address, immediate: Self.word(ports.address))
        }
        misses.append(instructions.count)
        append(BPFInstruction.jumpIfLess, Register.port, immediate: Int32(ports.hostPorts.first))
        misses.append(instructions.count)
        append(BPFInstruction.jumpIfMore, Register.port, immediate: Int32(ports.hostPorts.last))
        append(BPFInstruction.add, Register.port, immediate: Int32(ports.containerPorts.first) - Int32(ports.hostPorts.first))
        append(BPFInstruction.networkOrder, Register.port, immediate: 16)
        append(BPFInstruction.moveWord, Register.scratch, immediate: Self.word(target))
        append(BPFInstruction.storeWord, Register.context, from: Register.scratch, Field.address)
        append(BPFInstruction.storeWord, Register.context, from: Register.port, Field.port)
        append(BPFInstruction.move, Register.answer, immediate: 1)
        append(BPFInstruction.exit)
        for index in misses { land(index) }
    }

    /// The end of whatever was for nobody.
    mutating func passOn() {
        for index in exits { land(index) }
        append(BPFInstruction.move, Register.answer, immediate: 1)
        append(BPFInstruction.exit)
    }

    /// Has a jump lead to what comes next.
    private mutating func land(_ index: Int) { instructions[index].offset = Int16(clamping: instructions.count - index - 1) }

    private mutating func exit(unless register: UInt8, is number: Int32) {
        exits.append(instructions.count)
        append(BPFInstruction.jumpIfNot, register, immediate: number)
    }

    private mutating func append(
        _ operation: UInt8, _ register: UInt8 = 0, from source: UInt8 = 0, _ offset: Int16 = 0, immediate: Int32 = 0
    ) {
        instructions.append(
            BPFInstruction(operation: operation, destination: register, source: source, offset: offset, immediate: immediate))
    }

    /// An address as a word that lies in memory in the network's order.
    private static func word(_ address: IPAddress) -> Int32 {
        Int32(bitPattern: address.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}
