// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc

/// Writes a BPF program from its end to its start. Jumps go only forward, so every target is already there when a jump is
/// written, its distance is known, and equal endings are shared.
struct SeccompAssembler {
    /// An instruction already written, counted from the program's end.
    struct Label: Equatable {
        fileprivate let index: Int
        fileprivate var action: SeccompAction?
    }

    enum Test: UInt16 {
        case equal = 0x15
        case greater = 0x25
        case greaterOrEqual = 0x35
    }

    private var reversed: [sock_filter] = []
    private var endings: [(action: SeccompAction, index: Int)] = []

    init() { reversed.reserveCapacity(512) }

    /// The program in the kernel's order; nil if it is longer than the kernel takes.
    var program: SeccompProgram? {
        guard reversed.count <= Int(BPF_MAXINSNS) else { return nil }
        return SeccompProgram(instructions: reversed.reversed())
    }

    private mutating func write(_ code: UInt16, _ yes: Int = 0, _ no: Int = 0, _ operand: UInt32) -> Label {
        reversed.append(sock_filter(code: code, jt: UInt8(yes), jf: UInt8(no), k: operand))
        return Label(index: reversed.count - 1)
    }

    /// How many instructions the next one would jump over to get there.
    private func distance(_ label: Label) -> Int { reversed.count - 1 - label.index }

    /// Ends the filter with `action`. An ending near enough for what comes next is used again.
    mutating func finish(_ action: SeccompAction) -> Label {
        let known = endings.firstIndex { $0.action == action }
        if let known, reversed.count - endings[known].index < 128 {
            return Label(index: endings[known].index, action: action)
        }
        var label = write(0x06, 0, 0, action.rawValue)
        label.action = action
        if let known { endings[known].index = label.index } else { endings.append((action, label.index)) }
        return label
    }

    /// Loads a 32-bit word of `struct seccomp_data`, then goes on at `next`.
    mutating func load(offset: UInt32, next: Label) -> Label {
        bringNear(next)
        return write(0x20, 0, 0, offset)
    }

    /// Keeps only the loaded word's bits in `mask`, then goes on at `next`.
    mutating func mask(_ mask: UInt32, next: Label) -> Label {
        bringNear(next)
        return write(0x54, 0, 0, mask)
    }

    /// Compares the loaded word with `operand`.
    mutating func branch(_ test: Test, _ operand: UInt32, yes: Label, no: Label) -> Label {
        // Eight bits of distance. A detour for one moves the other away by one, hence 254 first.
        let yes = distance(yes) > 254 ? detour(yes) : yes
        let no = distance(no) > 255 ? detour(no) : no
        return write(test.rawValue, distance(yes), distance(no), operand)
    }

    /// Makes `label` the instruction that follows the next one written.
    private mutating func bringNear(_ label: Label) {
        if distance(label) > 0 { _ = detour(label) }
    }

    private mutating func detour(_ label: Label) -> Label {
        if let action = label.action {
            var copy = write(0x06, 0, 0, action.rawValue)
            copy.action = action
            if let known = endings.firstIndex(where: { $0.action == action }) { endings[known].index = copy.index }
            return copy
        }
        return write(0x05, 0, 0, UInt32(distance(label)))
    }
}
