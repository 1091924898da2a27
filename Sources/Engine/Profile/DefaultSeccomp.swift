// SPDX-License-Identifier: Apache-2.0
package import OCI

/// The system call filter of a container that asks for none: what ordinary programs need, and what the capabilities it holds are for.
package struct DefaultSeccomp {
    private let architecture: Spec.Seccomp.Architecture
    /// Bit n: entry n of `SystemCallGroups.privileged` is allowed. All that the profile depends on besides the architecture.
    private let privileges: UInt32
    private let makesNamespaces: Bool

    /// `capabilities` are names as in the OCI specification, usually the bounding set.
    package init(capabilities: [String], architecture: Spec.Seccomp.Architecture = .native) {
        self.architecture = architecture
        var privileges: UInt32 = 0
        for (index, group) in SystemCallGroups.privileged.enumerated()
        where group.by.contains(where: { capabilities.contains("\($0)") }) {
            privileges |= 1 << UInt32(index)
        }
        self.privileges = privileges
        makesNamespaces = capabilities.contains("CAP_SYS_ADMIN")
    }

    /// Raised with every change of what the profile says; a test compares it with the contents.
    package static let version = 1

    /// Names this profile among all that any version makes: a file name.
    package var cacheKey: String { "default-\(Self.version)-\(String(privileges, radix: 16))-\(architecture.rawValue)" }

    package var profile: Spec.Seccomp {
        var allowed: [String] = []
        for group in SystemCallGroups.ordinary { allowed += words(group) }
        for (index, group) in SystemCallGroups.privileged.enumerated() where privileges & 1 << UInt32(index) != 0 {
            allowed += words(group.names)
        }
        if makesNamespaces { allowed += ["clone", "clone3"] }
        var calls = [Spec.Seccomp.Syscall(names: allowed, action: .allow)]
        if !makesNamespaces { calls += Self.cloneWithoutNamespaces }
        calls += Self.socketFamilies + Self.personalities
        return Spec.Seccomp(defaultAction: .errno, defaultErrnoRet: 1, architectures: architecture.family, syscalls: calls)
    }

    private func words(_ text: StaticString) -> [String] {
        "\(text)".split { $0 == " " || $0 == "\n" }.map(String.init)
    }
}

extension DefaultSeccomp {
    /// `clone` with none of the `CLONE_NEW*` bits. `clone3` keeps its flags in memory, where no filter sees them:
    /// it answers ENOSYS, and C libraries then use `clone`.
    private static var cloneWithoutNamespaces: [Spec.Seccomp.Syscall] {
        let newNamespaces: UInt64 = 0x7E02_0000
        return [
            .init(names: ["clone"], action: .allow, args: [.init(index: 0, value: newNamespaces, valueTwo: 0, op: .maskedEqual)]),
            .init(names: ["clone3"], action: .errno, errnoRet: 38),
        ]
    }

    /// All families but two. AF_ALG (38) exposes the kernel's ciphers, their parsers and their bugs; AF_VSOCK (40) knows no network
    /// namespace and reaches the hypervisor or the host. Single values above 39, because `family > 40` would be true of
    /// 2³² + 38, of which the kernel then sees 38.
    private static var socketFamilies: [Spec.Seccomp.Syscall] {
        let below = Spec.Seccomp.Argument(index: 0, value: 38, op: .less)
        let single = [39, 41, 42, 43, 44, 45].map { Spec.Seccomp.Argument(index: 0, value: $0, op: .equal) }
        return ([below] + single).map { .init(names: ["socket"], action: .allow, args: [$0]) }
    }

    /// Linux, 32-bit Linux, both with the version number of 2.6 (`UNAME26`), and asking. Others bring back old system calls,
    /// or switch off address randomisation and read-only pages.
    private static var personalities: [Spec.Seccomp.Syscall] {
        [0, 0x8, 0x2_0000, 0x2_0008, 0xFFFF_FFFF].map {
            .init(names: ["personality"], action: .allow, args: [.init(index: 0, value: $0, op: .equal)])
        }
    }
}

extension Spec.Seccomp.Architecture {
    /// What minictl was built for.
    package static var native: Spec.Seccomp.Architecture {
        #if arch(x86_64)
        .x8664
        #elseif arch(arm64)
        .aarch64
        #else
        #error("name the architecture here and in `family`")
        #endif
    }

    /// The instruction sets a kernel of this architecture runs.
    fileprivate var family: [Spec.Seccomp.Architecture] {
        switch self {
        case .x8664: [.x8664, .x86, .x32]
        case .aarch64: [.aarch64, .arm]
        default: [self]
        }
    }
}
