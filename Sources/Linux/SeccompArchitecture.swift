// SPDX-License-Identifier: Apache-2.0
import CSeccomp
import Glibc

/// One set of system call numbers, in libseccomp's terms: x32 is one of its own though the kernel reports it as x86_64.
package struct SeccompArchitecture: Hashable, Sendable {
    /// libseccomp's token.
    let token: UInt32

    /// The name as libseccomp has it, for example `x86_64`; nil if it knows no such architecture.
    package init?(_ name: String) {
        let token = seccomp_arch_resolve_name(name)
        guard token != 0 else { return nil }
        self.token = token
    }

    private init(token: UInt32) { self.token = token }

    /// What this program runs on.
    package static var native: SeccompArchitecture { SeccompArchitecture(token: seccomp_arch_native()) }

    /// The same library version gives the same numbers: major, minor and micro in one word.
    package static var tableVersion: UInt32 {
        guard let version = seccomp_version()?.pointee else { return 0 }
        return version.major << 16 | version.minor << 8 | version.micro
    }

    private static let x32Token: UInt32 = 0x4000_003E
    private static let x86Token: UInt32 = 0x4000_0003
    static let x32Bit: UInt32 = 0x4000_0000
    static let wideX86Audit: UInt32 = 0xC000_003E

    var isX32: Bool { token == Self.x32Token }
    var isX86: Bool { token == Self.x86Token }

    /// `AUDIT_ARCH_*`, as the kernel has it in `seccomp_data.arch`.
    var audit: UInt32 { isX32 ? token | 0x8000_0000 : token }

    /// `__AUDIT_ARCH_LE`: which half of a 64-bit argument comes first in memory.
    var isLittleEndian: Bool { token & 0x4000_0000 != 0 }

    /// Registers of 64 bits, as x32 has them too.
    var hasWideArguments: Bool { audit & 0x8000_0000 != 0 }
}

extension SeccompArchitecture {
    /// How a name is called in this architecture.
    package struct Entry: Equatable {
        /// The number of the call itself; nil if it is reached through a multiplexer only.
        package var number: UInt32?
        /// The other door, `socketcall` or `ipc`: its number, and which call the first argument asks for.
        package var multiplexed: (number: UInt32, call: UInt32)?

        package static func == (left: Entry, right: Entry) -> Bool {
            left.number == right.number && left.multiplexed?.number == right.multiplexed?.number
                && left.multiplexed?.call == right.multiplexed?.call
        }
    }

    /// Finds a system call by name; nil if the name is unknown, or known but not on this architecture.
    package func entry(_ name: String) -> Entry? {
        let found = seccomp_syscall_resolve_name_arch(token, name)
        if found >= 0 || (isX32 && UInt32(bitPattern: found) & 0xF000_0000 == Self.x32Bit) {
            return Entry(number: UInt32(bitPattern: found))
        }
        if found == -1 {
            guard let number = SystemCallTable.recent(name, wideX86: audit == Self.wideX86Audit) else { return nil }
            return Entry(number: isX32 ? number | Self.x32Bit : number)
        }
        return isX86 ? multiplexed(name, pseudo: found) : nil
    }

    /// For i386 libseccomp answers −100−n for call n of `socketcall`, and −200−n for call n of `ipc`.
    private func multiplexed(_ name: String, pseudo: CInt) -> Entry? {
        let socketcall: UInt32 = 102
        let ipc: UInt32 = 117
        return switch pseudo {
        case -120 ... -101: Entry(number: SystemCallTable.x86Direct(name), multiplexed: (socketcall, UInt32(-100 - pseudo)))
        case -224 ... -201: Entry(number: SystemCallTable.x86Direct(name), multiplexed: (ipc, UInt32(-200 - pseudo)))
        default: nil
        }
    }
}
