// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc

/// What one argument of a call must be for a rule to apply. All values are unsigned, of the register's width.
package struct SeccompCondition: Equatable, Sendable {
    package enum Comparison: Equatable, Sendable {
        case equal(UInt64)
        case notEqual(UInt64)
        case less(UInt64)
        case lessOrEqual(UInt64)
        case greater(UInt64)
        case greaterOrEqual(UInt64)
        /// The bits in `mask` are exactly `value`.
        case masked(mask: UInt64, value: UInt64)
    }

    /// 0 to 5.
    package let argument: Int
    package let comparison: Comparison

    /// Nil if there is no such argument.
    package init?(argument: Int, _ comparison: Comparison) {
        guard 0...5 ~= argument else { return nil }
        self.argument = argument
        self.comparison = comparison
    }
}

/// What happens to calls of one number whose arguments meet all conditions.
package struct SeccompRule: Sendable {
    package let number: UInt32
    package let conditions: [SeccompCondition]
    package let action: SeccompAction

    package init(number: UInt32, conditions: [SeccompCondition] = [], action: SeccompAction) {
        self.number = number
        self.conditions = conditions
        self.action = action
    }
}

/// The rules for one architecture, in the order in which they apply.
package struct SeccompTable: Sendable {
    package let architecture: SeccompArchitecture
    package var rules: [SeccompRule]

    package init(_ architecture: SeccompArchitecture, rules: [SeccompRule] = []) {
        self.architecture = architecture
        self.rules = rules
    }
}

extension SeccompProgram {
    /// Compiles tables into one program: a search over intervals of numbers for each architecture.
    ///
    /// libseccomp spends an instruction or three on each allowed call; runs of equal numbers need two for all. Its program for an
    /// ordinary profile is four times as long, takes 8 ms to make, and the kernel needs 0.1 ms more to check and translate it.
    /// The library remains the authority on names and numbers, and the tests compare decisions.
    ///
    /// Rules for one number: the first without conditions decides alone; else the first whose conditions hold; else `fallback`.
    /// Numbers above the largest in a table end in `beyond`; architectures without a table end the process.
    /// Nil if the kernel's limit of 4096 instructions is exceeded.
    package init?(_ tables: [SeccompTable], otherwise fallback: SeccompAction, beyond: SeccompAction) {
        var assembler = SeccompAssembler()
        var next = assembler.finish(.killProcess)
        var pending = tables[...]
        while let last = pending.popLast() {
            let audit = last.architecture.audit
            var group = [last]
            while let index = pending.lastIndex(where: { $0.architecture.audit == audit }) { group.append(pending.remove(at: index)) }
            let steps = Step.covering(group, fallback, beyond)
            let search = assembler.search(
                steps[...], fallback, wide: last.architecture.hasWideArguments, little: last.architecture.isLittleEndian)
            let body = assembler.load(offset: 0, next: search)
            next = assembler.branch(.equal, audit, yes: body, no: next)
        }
        _ = assembler.load(offset: 4, next: next)
        guard let program = assembler.program else { return nil }
        self = program
    }
}

/// From this number on, until the next step, one decision holds.
private struct Step {
    enum Decision {
        case action(SeccompAction)
        case rules([SeccompRule])
    }

    let start: UInt32
    let decision: Decision

    /// All 2³² numbers. x86_64 and x32 share them: the latter's have bit 30 set.
    static func covering(_ tables: [SeccompTable], _ fallback: SeccompAction, _ beyond: SeccompAction) -> [Step] {
        var steps: [Step] = []
        let x32 = tables.first { $0.architecture.isX32 }
        let plain = tables.first { !$0.architecture.isX32 }
        if let plain { append(plain.rules, from: 0, to: &steps, fallback, beyond) } else { steps.append(0, .killProcess) }
        if let x32 {
            append(x32.rules, from: SeccompArchitecture.x32Bit, to: &steps, fallback, beyond)
        } else if plain?.architecture.audit == SeccompArchitecture.wideX86Audit {
            steps.append(SeccompArchitecture.x32Bit, .killProcess)
        }
        return steps
    }

    private static func append(
        _ rules: [SeccompRule], from start: UInt32, to steps: inout [Step], _ fallback: SeccompAction, _ beyond: SeccompAction
    ) {
        var order = rules.indices.map { (number: rules[$0].number, index: $0) }
        order.sort { $0 < $1 }
        var next = start
        var rest = order[...]
        while let number = rest.first?.number {
            let same = rest.prefix { $0.number == number }
            rest = rest.dropFirst(same.count)
            if number > next { steps.append(next, fallback) }
            steps.append(number, decide(same.map { rules[$0.index] }, fallback))
            guard number < .max else { return }
            next = number + 1
        }
        steps.append(next, beyond)
    }

    /// Rules that say what happens anyway are left out, so that they do not hide others: as runc and crun do.
    private static func decide(_ rules: [SeccompRule], _ fallback: SeccompAction) -> Decision {
        let telling = rules.filter { $0.action != fallback }
        if let plain = telling.first(where: { $0.conditions.isEmpty }) { return .action(plain.action) }
        return telling.isEmpty ? .action(fallback) : .rules(telling)
    }
}

extension [Step] {
    fileprivate mutating func append(_ start: UInt32, _ action: SeccompAction) { append(start, .action(action)) }

    fileprivate mutating func append(_ start: UInt32, _ decision: Step.Decision) {
        if case .action(let new) = decision, case .action(let old)? = last?.decision, new == old { return }
        append(Step(start: start, decision: decision))
    }
}

extension SeccompAssembler {
    /// Finds the loaded number's step by halving.
    fileprivate mutating func search(_ steps: ArraySlice<Step>, _ fallback: SeccompAction, wide: Bool, little: Bool) -> Label {
        if steps.count == 1, let step = steps.first {
            switch step.decision {
            case .action(let action): return finish(action)
            case .rules(let rules): return choose(rules, fallback, wide: wide, little: little)
            }
        }
        let middle = steps.startIndex + steps.count / 2
        let high = search(steps[middle...], fallback, wide: wide, little: little)
        let low = search(steps[..<middle], fallback, wide: wide, little: little)
        return branch(.greaterOrEqual, steps[middle].start, yes: high, no: low)
    }

    private mutating func choose(_ rules: [SeccompRule], _ fallback: SeccompAction, wide: Bool, little: Bool) -> Label {
        var next = finish(fallback)
        for rule in rules.reversed() {
            var matched = finish(rule.action)
            for condition in rule.conditions.reversed() {
                let base = UInt32(16 + 8 * condition.argument)
                let words = (low: little ? base : base + 4, high: little ? base + 4 : base)
                matched = compare(condition.comparison, words, wide: wide, yes: matched, no: next)
            }
            next = matched
        }
        return next
    }

    private mutating func compare(
        _ comparison: SeccompCondition.Comparison, _ words: (low: UInt32, high: UInt32), wide: Bool, yes: Label, no: Label
    ) -> Label {
        switch comparison {
        case .equal(let value): equal(.max, value, words, wide: wide, yes: yes, no: no)
        case .notEqual(let value): equal(.max, value, words, wide: wide, yes: no, no: yes)
        case .masked(let mask, let value): equal(mask, value, words, wide: wide, yes: yes, no: no)
        case .greater(let value): order(.greater, value, words, wide: wide, yes: yes, no: no)
        case .greaterOrEqual(let value): order(.greaterOrEqual, value, words, wide: wide, yes: yes, no: no)
        case .less(let value): order(.greaterOrEqual, value, words, wide: wide, yes: no, no: yes)
        case .lessOrEqual(let value): order(.greater, value, words, wide: wide, yes: no, no: yes)
        }
    }

    private mutating func equal(
        _ mask: UInt64, _ value: UInt64, _ words: (low: UInt32, high: UInt32), wide: Bool, yes: Label, no: Label
    ) -> Label {
        let low = halfEqual(UInt32(truncatingIfNeeded: mask), UInt32(truncatingIfNeeded: value), words.low, yes: yes, no: no)
        guard wide else { return low }
        return halfEqual(UInt32(truncatingIfNeeded: mask >> 32), UInt32(truncatingIfNeeded: value >> 32), words.high, yes: low, no: no)
    }

    private mutating func halfEqual(_ mask: UInt32, _ value: UInt32, _ offset: UInt32, yes: Label, no: Label) -> Label {
        if mask == 0 && value == 0 { return yes }
        let test = branch(.equal, value, yes: yes, no: no)
        return load(offset: offset, next: mask == .max ? test : self.mask(mask, next: test))
    }

    private mutating func order(
        _ test: Test, _ value: UInt64, _ words: (low: UInt32, high: UInt32), wide: Bool, yes: Label, no: Label
    ) -> Label {
        let lower = branch(test, UInt32(truncatingIfNeeded: value), yes: yes, no: no)
        let low = load(offset: words.low, next: lower)
        guard wide else { return low }
        let high = UInt32(truncatingIfNeeded: value >> 32)
        let same = branch(.equal, high, yes: low, no: no)
        let above = branch(.greater, high, yes: yes, no: same)
        return load(offset: words.high, next: above)
    }
}
