// SPDX-License-Identifier: Apache-2.0

/// One instruction of eBPF (linux/bpf.h `struct bpf_insn`, RFC 9669); registers are r0 to r10.
package struct BPFInstruction: Equatable, Sendable {
    package var operation: UInt8
    package var destination: UInt8
    package var source: UInt8
    package var offset: Int16
    package var immediate: Int32

    package init(operation: UInt8, destination: UInt8 = 0, source: UInt8 = 0, offset: Int16 = 0, immediate: Int32 = 0) {
        self.operation = operation
        self.destination = destination
        self.source = source
        self.offset = offset
        self.immediate = immediate
    }

    /// As the kernel reads it on a little-endian machine.
    package var encoded: UInt64 {
        UInt64(operation) | UInt64(destination) << 8 | UInt64(source) << 12
            | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: immediate)) << 32
    }

    // What is used of eBPF: class, operation and operand kind in one byte each. Where nothing else is said, all 64 bits count.

    package static let loadWord: UInt8 = 0x61  // destination = *(u32 *)(source + offset)
    package static let loadDouble: UInt8 = 0x79  // destination = *(u64 *)(source + offset)
    package static let storeWord: UInt8 = 0x63  // *(u32 *)(destination + offset) = source
    /// Its upper half is the immediate of the next instruction, which is no operation of its own.
    package static let moveDouble: UInt8 = 0x18
    package static let shiftRight: UInt8 = 0x77
    package static let and: UInt8 = 0x57
    package static let add: UInt8 = 0x07
    package static let move: UInt8 = 0xb7  // destination = immediate
    package static let moveWord: UInt8 = 0xb4  // destination = immediate, without its sign in the upper half
    package static let copy: UInt8 = 0xbf  // destination = source
    /// To or from the network's order; the immediate says of how many bits, and the others become 0.
    package static let networkOrder: UInt8 = 0xdc
    package static let jumpIfEqual: UInt8 = 0x15
    package static let jumpIfNot: UInt8 = 0x55
    package static let jumpIfWordIsNot: UInt8 = 0x56
    package static let jumpIfOther: UInt8 = 0x5d  // destination != source
    package static let jumpIfLess: UInt8 = 0xa5
    package static let jumpIfMore: UInt8 = 0x25
    package static let call: UInt8 = 0x85  // r0 = the helper of that number (r1 to r5), which are anything afterwards
    package static let exit: UInt8 = 0x95
}

extension [BPFInstruction] {
    package mutating func append(
        _ operation: UInt8, _ destination: UInt8 = 0, from source: UInt8 = 0, _ offset: Int16 = 0, immediate: Int32 = 0
    ) {
        append(BPFInstruction(operation: operation, destination: destination, source: source, offset: offset, immediate: immediate))
    }
}
