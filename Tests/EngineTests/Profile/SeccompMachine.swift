// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc
import Linux
import OCI

/// One system call as a filter sees it.
struct Call {
    var architecture: UInt32 = Call.wide
    var number: UInt32
    var arguments: [UInt64] = []

    static let wide: UInt32 = 0xC000_003E
    static let x86: UInt32 = 0x4000_0003
    static let x32Bit: UInt32 = 0x4000_0000

    fileprivate func word(_ offset: UInt32) -> UInt32? {
        switch offset {
        case 0: return number
        case 4: return architecture
        case 16..<64 where offset % 4 == 0:
            let index = Int(offset - 16) / 8
            let value = index < arguments.count ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? value : value >> 32)
        default: return nil
        }
    }
}

extension SeccompProgram {
    /// Runs the program as the kernel would. Nil if the kernel would not have taken it.
    func decision(_ call: Call) -> SeccompAction? {
        var accumulator: UInt32 = 0
        var at = 0
        while at < instructions.count {
            let step = instructions[at]
            at += 1
            switch step.code {
            case 0x20:
                guard let word = call.word(step.k) else { return nil }
                accumulator = word
            case 0x54: accumulator &= step.k
            case 0x05: at += Int(step.k)
            case 0x15: at += Int(accumulator == step.k ? step.jt : step.jf)
            case 0x25: at += Int(accumulator > step.k ? step.jt : step.jf)
            case 0x35: at += Int(accumulator >= step.k ? step.jt : step.jf)
            case 0x06: return SeccompAction(rawValue: step.k)
            default: return nil
            }
        }
        return nil
    }
}

/// What libseccomp itself makes of a profile, called as runc and crun call it.
func libraryProgram(_ profile: Spec.Seccomp) -> SeccompProgram? {
    func action(_ action: Spec.Seccomp.Action, _ errno: UInt?) -> UInt32 {
        action == .allow ? 0x7FFF_0000 : 0x5_0000 | UInt32(errno ?? 1)
    }
    let fallback = action(profile.defaultAction, profile.defaultErrnoRet)
    guard let context = seccomp_init(fallback) else { return nil }
    defer { seccomp_release(context) }
    seccomp_arch_add(context, Call.x86)
    seccomp_arch_add(context, 0x4000_003E)
    for call in profile.syscalls ?? [] where action(call.action, call.errnoRet) != fallback {
        let conditions = (call.args ?? []).map { argument in
            let operation: scmp_compare =
                switch argument.op {
                case .notEqual: SCMP_CMP_NE
                case .less: SCMP_CMP_LT
                case .lessOrEqual: SCMP_CMP_LE
                case .equal: SCMP_CMP_EQ
                case .greaterOrEqual: SCMP_CMP_GE
                case .greater: SCMP_CMP_GT
                case .maskedEqual: SCMP_CMP_MASKED_EQ
                }
            return scmp_arg_cmp(
                arg: UInt32(argument.index), op: operation, datum_a: argument.value, datum_b: argument.valueTwo ?? 0)
        }
        for name in call.names {
            let number = seccomp_syscall_resolve_name(name)
            if number == -1 { continue }
            seccomp_rule_add_array(
                context, action(call.action, call.errnoRet), number, UInt32(conditions.count), conditions)
        }
    }
    guard let file = try? FileDescriptor(opening: "/tmp", [.temporary, .readWrite], mode: 0o600),
        seccomp_export_bpf(context, file.raw) == 0, lseek(file.raw, 0, SEEK_SET) == 0, let bytes = try? file.readAll()
    else { return nil }
    return SeccompProgram(bytes: bytes[...])
}
