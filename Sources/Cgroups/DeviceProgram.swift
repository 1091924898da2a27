// SPDX-License-Identifier: Apache-2.0
package import Linux

/// Device rules as eBPF, which version 2 has in place of a devices controller.
///
/// The kernel calls it with the type, the numbers and the accesses asked for at once. It walks the rules from the last to the first.
/// A rule that allows strikes its accesses off what is still asked, and if nothing is left, the answer is yes; a rule that forbids
/// any of what is left says no. So each access is decided by the last rule that speaks of it, even where one open(2) asks for two.
package struct DeviceProgram: Equatable, Sendable {
    package private(set) var instructions: [BPFInstruction] = []

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
        instructions.append(BPFInstruction.loadWord, Register.kind, from: Register.context)
        instructions.append(BPFInstruction.loadWord, Register.major, from: Register.context, 4)
        instructions.append(BPFInstruction.loadWord, Register.minor, from: Register.context, 8)
        instructions.append(BPFInstruction.copy, Register.asked, from: Register.kind)
        instructions.append(BPFInstruction.shiftRight, Register.asked, immediate: 16)
        instructions.append(BPFInstruction.and, Register.kind, immediate: 0xffff)
        for rule in rules.rules.reversed() { append(rule) }
        answer(rules.allowsByDefault)
    }

    private mutating func append(_ rule: DeviceRules.Rule) {
        let verdict: [BPFInstruction] =
            rule.allow
            ? [
                BPFInstruction(operation: BPFInstruction.and, destination: Register.asked, immediate: ~rule.access.rawValue),
                BPFInstruction(operation: BPFInstruction.jumpIfNot, destination: Register.asked, offset: 2, immediate: 0),
            ]
            : [
                BPFInstruction(operation: BPFInstruction.copy, destination: Register.scratch, source: Register.asked),
                BPFInstruction(operation: BPFInstruction.and, destination: Register.scratch, immediate: rule.access.rawValue),
                BPFInstruction(operation: BPFInstruction.jumpIfEqual, destination: Register.scratch, offset: 2, immediate: 0),
            ]
        // BPF_DEVCG_DEV_BLOCK and _CHAR; numbers have 20 bits at most, so the sign of an immediate is no concern.
        var tests: [(UInt8, Int32)] = [(Register.kind, rule.kind == .block ? 1 : 2)]
        if let major = rule.major { tests.append((Register.major, Int32(truncatingIfNeeded: major))) }
        if let minor = rule.minor { tests.append((Register.minor, Int32(truncatingIfNeeded: minor))) }
        for (index, test) in tests.enumerated() {
            // Past the remaining tests, the verdict, and the two instructions that answer.
            let rest = Int16(tests.count - index - 1 + verdict.count + 2)
            instructions.append(BPFInstruction.jumpIfNot, test.0, rest, immediate: test.1)
        }
        instructions += verdict
        answer(rule.allow)
    }

    private mutating func answer(_ yes: Bool) {
        instructions.append(BPFInstruction.move, Register.answer, immediate: yes ? 1 : 0)
        instructions.append(BPFInstruction.exit)
    }
}
