// SPDX-License-Identifier: Apache-2.0
import Linux

/// A shortcut as eBPF, which the kernel asks about each connection. It always answers yes: the connection goes on, with another destination or the
/// one it had.
struct ShortcutProgram {
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

    init(_ ranges: some Sequence<PublishedPorts>, to target: IPAddress, from namespace: UInt64) {
        begin(namespace)
        for range in ranges { lead(range, to: target) }
        passOn()
    }

    /// Goes to the end with what is not for anybody: another protocol, another namespace, a socket that is bound.
    private mutating func begin(_ namespace: UInt64) {
        instructions.append(BPFInstruction.copy, Register.context, from: Register.argument)
        instructions.append(BPFInstruction.loadWord, Register.address, from: Register.context, Field.address)
        instructions.append(BPFInstruction.copy, Register.scratch, from: Register.address)
        // In the network's order its first byte is the lowest here.
        instructions.append(BPFInstruction.and, Register.scratch, immediate: 0xff)
        exit(unless: Register.scratch, is: 127)
        // SOCK_STREAM and IPPROTO_TCP.
        for (field, number): (Int16, Int32) in [(Field.type, 1), (Field.protocolNumber, 6)] {
            instructions.append(BPFInstruction.loadWord, Register.scratch, from: Register.context, field)
            exit(unless: Register.scratch, is: number)
        }
        // Whoever is bound to an address or a link of this machine cannot reach the container from there; the rules see to it.
        instructions.append(BPFInstruction.loadDouble, Register.argument, from: Register.context, Field.socket)
        for field in [Field.boundDevice, Field.sourceAddress] {
            instructions.append(BPFInstruction.loadWord, Register.scratch, from: Register.argument, field)
            exit(unless: Register.scratch, is: 0)
        }
        instructions.append(BPFInstruction.copy, Register.argument, from: Register.context)
        // BPF_FUNC_get_netns_cookie
        instructions.append(BPFInstruction.call, 0, immediate: 122)
        instructions.append(BPFInstruction.moveDouble, Register.scratch, immediate: Int32(truncatingIfNeeded: namespace))
        instructions.append(0, 0, immediate: Int32(truncatingIfNeeded: namespace >> 32))
        exits.append(instructions.count)
        instructions.append(BPFInstruction.jumpIfOther, Register.answer, from: Register.scratch)
        instructions.append(BPFInstruction.loadWord, Register.port, from: Register.context, Field.port)
        instructions.append(BPFInstruction.networkOrder, Register.port, immediate: 16)
    }

    /// Leads what is for one of these ports, and goes to the end with it.
    private mutating func lead(_ ports: PublishedPorts, to target: IPAddress) {
        var misses: [Int] = []
        if !ports.isAnywhere {
            misses.append(instructions.count)
            instructions.append(BPFInstruction.jumpIfWordIsNot, Register.address, immediate: Self.word(ports.address))
        }
        misses.append(instructions.count)
        instructions.append(BPFInstruction.jumpIfLess, Register.port, immediate: Int32(ports.hostPorts.first))
        misses.append(instructions.count)
        instructions.append(BPFInstruction.jumpIfMore, Register.port, immediate: Int32(ports.hostPorts.last))
        instructions.append(BPFInstruction.add, Register.port, immediate: Int32(ports.containerPorts.first) - Int32(ports.hostPorts.first))
        instructions.append(BPFInstruction.networkOrder, Register.port, immediate: 16)
        instructions.append(BPFInstruction.moveWord, Register.scratch, immediate: Self.word(target))
        instructions.append(BPFInstruction.storeWord, Register.context, from: Register.scratch, Field.address)
        instructions.append(BPFInstruction.storeWord, Register.context, from: Register.port, Field.port)
        instructions.append(BPFInstruction.move, Register.answer, immediate: 1)
        instructions.append(BPFInstruction.exit)
        for index in misses { land(index) }
    }

    /// The end of whatever was for nobody.
    private mutating func passOn() {
        for index in exits { land(index) }
        instructions.append(BPFInstruction.move, Register.answer, immediate: 1)
        instructions.append(BPFInstruction.exit)
    }

    /// Has a jump lead to what comes next.
    private mutating func land(_ index: Int) { instructions[index].offset = Int16(clamping: instructions.count - index - 1) }

    private mutating func exit(unless register: UInt8, is number: Int32) {
        exits.append(instructions.count)
        instructions.append(BPFInstruction.jumpIfNot, register, immediate: number)
    }

    /// An address as a word that lies in memory in the network's order.
    private static func word(_ address: IPAddress) -> Int32 {
        Int32(bitPattern: address.bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) })
    }
}
