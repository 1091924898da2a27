// SPDX-License-Identifier: Apache-2.0

extension Spec {
    /// The system call filter (config-linux.md, "Seccomp"), in the words of libseccomp.
    package struct Seccomp: Equatable, Sendable {
        package var defaultAction: Action
        package var defaultErrnoRet: UInt?
        package var architectures: [Architecture]?
        package var flags: [Flag]?
        package var listenerPath: String?
        package var listenerMetadata: String?
        package var syscalls: [Syscall]?

        package init(
            defaultAction: Action, defaultErrnoRet: UInt? = nil, architectures: [Architecture]? = nil, flags: [Flag]? = nil,
            listenerPath: String? = nil, listenerMetadata: String? = nil, syscalls: [Syscall]? = nil
        ) {
            self.defaultAction = defaultAction
            self.defaultErrnoRet = defaultErrnoRet
            self.architectures = architectures
            self.flags = flags
            self.listenerPath = listenerPath
            self.listenerMetadata = listenerMetadata
            self.syscalls = syscalls
        }
    }
}

extension Spec.Seccomp {
    /// What happens to calls of these names whose arguments match all of `args`.
    package struct Syscall: Equatable, Sendable {
        package var names: [String]
        package var action: Action
        package var errnoRet: UInt?
        package var args: [Argument]?

        package init(names: [String], action: Action, errnoRet: UInt? = nil, args: [Argument]? = nil) {
            self.names = names
            self.action = action
            self.errnoRet = errnoRet
            self.args = args
        }
    }

    /// A comparison with one argument. For `maskedEqual`, `value` is the mask and `valueTwo` what remains under it.
    package struct Argument: Equatable, Sendable {
        package var index: UInt
        package var value: UInt64
        package var valueTwo: UInt64?
        package var op: Operator

        package init(index: UInt, value: UInt64, valueTwo: UInt64? = nil, op: Operator) {
            self.index = index
            self.value = value
            self.valueTwo = valueTwo
            self.op = op
        }
    }

    package enum Action: String, Vocabulary {
        case kill = "SCMP_ACT_KILL"
        case killProcess = "SCMP_ACT_KILL_PROCESS"
        case killThread = "SCMP_ACT_KILL_THREAD"
        case trap = "SCMP_ACT_TRAP"
        case errno = "SCMP_ACT_ERRNO"
        case trace = "SCMP_ACT_TRACE"
        case allow = "SCMP_ACT_ALLOW"
        case log = "SCMP_ACT_LOG"
        case notify = "SCMP_ACT_NOTIFY"

        package static var noun: String { "seccomp action" }
    }

    package enum Operator: String, Vocabulary {
        case notEqual = "SCMP_CMP_NE"
        case less = "SCMP_CMP_LT"
        case lessOrEqual = "SCMP_CMP_LE"
        case equal = "SCMP_CMP_EQ"
        case greaterOrEqual = "SCMP_CMP_GE"
        case greater = "SCMP_CMP_GT"
        case maskedEqual = "SCMP_CMP_MASKED_EQ"

        package static var noun: String { "seccomp operator" }
    }

    package enum Flag: String, Vocabulary {
        case tsync = "SECCOMP_FILTER_FLAG_TSYNC"
        case log = "SECCOMP_FILTER_FLAG_LOG"
        case specAllow = "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
        case waitKillableReceive = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"

        package static var noun: String { "seccomp flag" }
    }

    package enum Architecture: String, Vocabulary {
        case x86 = "SCMP_ARCH_X86"
        case x8664 = "SCMP_ARCH_X86_64"
        case x32 = "SCMP_ARCH_X32"
        case arm = "SCMP_ARCH_ARM"
        case aarch64 = "SCMP_ARCH_AARCH64"
        case mips = "SCMP_ARCH_MIPS"
        case mips64 = "SCMP_ARCH_MIPS64"
        case mips64n32 = "SCMP_ARCH_MIPS64N32"
        case mipsel = "SCMP_ARCH_MIPSEL"
        case mipsel64 = "SCMP_ARCH_MIPSEL64"
        case mipsel64n32 = "SCMP_ARCH_MIPSEL64N32"
        case ppc = "SCMP_ARCH_PPC"
        case ppc64 = "SCMP_ARCH_PPC64"
        case ppc64le = "SCMP_ARCH_PPC64LE"
        case s390 = "SCMP_ARCH_S390"
        case s390x = "SCMP_ARCH_S390X"
        case parisc = "SCMP_ARCH_PARISC"
        case parisc64 = "SCMP_ARCH_PARISC64"
        case riscv64 = "SCMP_ARCH_RISCV64"
        case loongarch64 = "SCMP_ARCH_LOONGARCH64"
        case m68k = "SCMP_ARCH_M68K"
        case sh = "SCMP_ARCH_SH"
        case sheb = "SCMP_ARCH_SHEB"

        package static var noun: String { "architecture" }
    }
}
