// SPDX-License-Identifier: Apache-2.0

/// Device rules as eBPF, which version 2 has in place of a devices controller.
///
/// The kernel calls it with the type, the numbers and the accesses asked for at once. It walks the rules from the last to the first.
/// A rule that allows strikes its accesses off what is still asked, and if nothing is left, the answer is yes; a rule that forbids
/// any of what is left says no. So each access is decided by the last rule that speaks of it, even where one open(2) asks for two.
package struct DeviceProgram: Equatable, Sendable {
    package private(set) var instructions: [Instruction] = []

    /// One instruction (linux/bpf.h `struct bpf_insn`); registers are r0 to r10.
    package struct Instruction: Equatable, Sendable {
        package var operation: UInt8
        package var destination: UInt8 = 0
        package var source: UInt8 = 0
        package var offset: Int16 = 0
        package var immediate: Int32 = 0

        /// As the kernel reads it on a little-endian machine.
        package var encoded: UInt64 {
            UInt64(operation) | UInt64(destination) << 8 | UInt64(source) << 12
                | UInt64(UInt16(bitPattern: offset)) << 16 | UInt64(UInt32(bitPattern: immediate)) << 32
        }
    }

    /// What is used of eBPF: class, operation and operand kind in one byte each.
    package enum Operation {
        package static let loadWord: UInt8 = 0x61  // destination = *(u32 *)(source + offset)
        package static let shiftRight: UInt8 = 0x77
        package static let and: UInt8 = 0x57
        package static let move: UInt8 = 0xb7  // destination = immediate
        package static let copy: UInt8 = 0xbf  // destination = source
        package static let jumpIfEqual: UInt8 = 0x15
        package static let jumpIfNot: UInt8 = 0x55
        package static let exit: UInt8 = 0x95
    }

    private enum Register {
        static let answer: UInt8 = 0
        static let context: UInt8 = 1
        static let scratch: UInt8 = 1
        static let kind: UInt8 = 2
        static let asked: UInt8 = 3
        static let major: UInt8 = 4
        static let minor: UInt8 = 5
    }

    package init(_ rules: DeviceRules) {
        // struct bpf_cgroup_dev_ctx { u32 access_type (access << 16 | type), major, minor }
        append(Operation.loadWord, Register.kind, source: Register.context)
        append(Operation.loadWord, Register.major, source: Register.context, offset: 4)
        append(Operation.loadWord, Register.minor, source: Register.context, offset: 8)
        append(Operation.copy, Register.asked, source: Register.kind)
        append(Operation.shiftRight, Register.asked, 16)
        append(Operation.and, Register.kind, 0xffff)
        for rule in rules.rules.reversed() { append(rule) }
        answer(rules.allowsByDefault)
    }

    private mutating func append(_ rule: DeviceRules.Rule) {
        let verdict: [Instruction] =
            rule.allow
            ? [
                Instruction(operation: Operation.and, destination: Register.asked, immediate: ~rule.access.rawValue),
                Instruction(operation: Operation.jumpIfNot, destination: Register.asked, offset: 2, immediate: 0),
            ]
            : [
                Instruction(operation: Operation.copy, destination: Register.scratch, source: Register.asked),
                Instruction(operation: Operation.and, destination: Register.scratch, immediate: rule.access.rawValue),
                Instruction(operation: Operation.jumpIfEqual, destination: Register.scratch, offset: 2, immediate: 0),
            ]
        // BPF_DEVCG_DEV_BLOCK and _CHAR; numbers have 20 bits at most, so the sign of an immediate is no concern.
        var tests: [(UInt8, Int32)] = [(Register.kind, rule.kind == .block ? 1 : 2)]
        if let major = rule.major { tests.append((Register.major, Int32(truncatingIfNeeded: major))) }
        if let minor = rule.minor { tests.append((Register.minor, Int32(truncatingIfNeeded: minor))) }
        for (index, test) in tests.enumerated() {
            // Past the remaining tests, the verdict, and the two instructions that answer.
            let rest = Int16(tests.count - index - 1 + verdict.count + 2)
            append(Operation.jumpIfNot, test.0, test.1, offset: rest)
        }
        instructions += verdict
        answer(rule.allow)
    }

    private mutating func answer(_ yes: Bool) {
        append(Operation.move, Register.answer, yes ? 1 : 0)
        append(Operation.exit)
    }

    private mutating func append(
        _ operation: UInt8, _ destination: UInt8 = 0, _ immediate: Int32 = 0, source: UInt8 = 0, offset: Int16 = 0
    ) {
        instructions.append(
            Instruction(operation: operation, destination: destination, source: source, offset: offset, immediate: immediate))
    }
}
