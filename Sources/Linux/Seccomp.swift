// SPDX-License-Identifier: Apache-2.0
import CLinux
package import CSeccomp
import Glibc

/// What the kernel does with a system call: the value a filter returns, `SECCOMP_RET_*` with its data in the low 16 bits.
package struct SeccompAction: Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let allow = SeccompAction(rawValue: UInt32(SECCOMP_RET_ALLOW))
    package static let log = SeccompAction(rawValue: UInt32(SECCOMP_RET_LOG))
    package static let notify = SeccompAction(rawValue: UInt32(SECCOMP_RET_USER_NOTIF))
    package static let trap = SeccompAction(rawValue: UInt32(SECCOMP_RET_TRAP))
    package static let killThread = SeccompAction(rawValue: UInt32(SECCOMP_RET_KILL_THREAD))
    package static let killProcess = SeccompAction(rawValue: UInt32(SECCOMP_RET_KILL_PROCESS))

    package static func errno(_ code: UInt16) -> SeccompAction {
        SeccompAction(rawValue: UInt32(SECCOMP_RET_ERRNO) | UInt32(code))
    }

    package static func trace(_ message: UInt16) -> SeccompAction {
        SeccompAction(rawValue: UInt32(SECCOMP_RET_TRACE) | UInt32(message))
    }

    /// True for actions after which the call cannot have happened.
    package var refuses: Bool {
        switch rawValue & UInt32(SECCOMP_RET_ACTION_FULL) {
        case UInt32(SECCOMP_RET_ERRNO), UInt32(SECCOMP_RET_TRAP), UInt32(SECCOMP_RET_KILL_THREAD), UInt32(SECCOMP_RET_KILL_PROCESS): true
        default: false
        }
    }
}

/// Flags of `seccomp(SECCOMP_SET_MODE_FILTER)`.
package struct SeccompFlags: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package static let synchronizeThreads = SeccompFlags(rawValue: 1 << 0)
    /// Log everything the filter does not allow. Linux 4.14.
    package static let log = SeccompFlags(rawValue: 1 << 1)
    /// Leave speculative store bypass as it was. Linux 4.17.
    package static let allowSpeculation = SeccompFlags(rawValue: 1 << 2)
    /// Give the listener's descriptor back. Linux 5.0.
    package static let newListener = SeccompFlags(rawValue: 1 << 3)
    /// While the listener works on a call only a fatal signal interrupts it. Linux 5.19.
    package static let waitKillable = SeccompFlags(rawValue: 1 << 5)
}

/// A classic BPF program over `struct seccomp_data`.
package struct SeccompProgram: Sendable {
    package let instructions: [sock_filter]

    init(instructions: [sock_filter]) { self.instructions = instructions }

    /// Takes stored bytes back. Nil unless they have a program's shape; what the instructions mean the kernel checks itself.
    package init?(bytes: ArraySlice<UInt8>) {
        let size = MemoryLayout<sock_filter>.size
        let count = bytes.count / size
        guard bytes.count == count * size, 1...Int(BPF_MAXINSNS) ~= count else { return nil }
        instructions = [sock_filter](unsafeUninitializedCapacity: count) { buffer, initialized in
            bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
            initialized = count
        }
    }

    package var bytes: [UInt8] { instructions.withUnsafeBytes { Array($0) } }

    /// Puts the calling thread and all it becomes under this filter. Needs no_new_privs or CAP_SYS_ADMIN.
    /// Returns the listener's descriptor if `.newListener` is among the flags. The corresponding call is `seccomp(2)`.
    package func install(_ flags: SeccompFlags = []) throws(SystemError) -> CInt? {
        let result = instructions.withUnsafeBufferPointer { buffer in
            // The kernel only reads it, whatever the C type says.
            var program = sock_fprog(len: UInt16(buffer.count), filter: UnsafeMutablePointer(mutating: buffer.baseAddress))
            return Result { () throws(SystemError) in
                try check("seccomp") { linux_seccomp(UInt32(SECCOMP_SET_MODE_FILTER), flags.rawValue, &program) }
            }
        }
        let descriptor = CInt(truncatingIfNeeded: try result.get())
        return flags.contains(.newListener) ? descriptor : nil
    }
}
