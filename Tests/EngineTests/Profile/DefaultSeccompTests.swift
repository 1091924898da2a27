// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import Runtime
import Testing

@testable import Engine

private let eperm = SeccompAction.errno(UInt16(EPERM))
private let enosys = SeccompAction.errno(UInt16(ENOSYS))

private func filter(adding capabilities: [String] = []) throws -> SeccompProgram {
    let held = DefaultCapabilities.names + capabilities
    return try SeccompFilter(compiling: DefaultSeccomp(capabilities: held, architecture: .x8664).profile).program
}

private func number(_ name: String, _ architecture: String = "x86_64") throws -> UInt32 {
    try #require(SeccompArchitecture(architecture)?.entry(name)?.number, "\(name)")
}

@Suite struct DefaultSeccompTests {
    @Test(
        "Ordinary programs get what they need",
        arguments: """
            read write openat close mmap execve vfork wait4 futex rseq set_robust_list arch_prctl getrandom statx newfstatat faccessat2
            fchmodat2 renameat2 copy_file_range splice memfd_create epoll_pwait2 inotify_add_watch eventfd2 timerfd_settime signalfd4
            accept4 sendmmsg getsockopt socketpair shmget semop msgsnd mq_open setuid setgroups capset chroot prctl seccomp ptrace
            landlock_restrict_self pidfd_open close_range io_setup mlock2 pkey_alloc membarrier clock_nanosleep sched_setaffinity
            setpriority prlimit64 mknodat getxattr getxattrat file_getattr mseal futex_wait cachestat process_vm_readv name_to_handle_at
            """.split { $0 == " " || $0 == "\n" }.map(String.init))
    func allowed(name: String) throws {
        #expect(try filter().decision(Call(number: number(name))) == .allow)
    }

    @Test(
        "What leads out of a container is refused",
        arguments: """
            unshare setns mount umount2 pivot_root open_tree move_mount fsopen fsconfig fsmount fspick mount_setattr open_tree_attr
            quotactl quotactl_fd fanotify_init bpf perf_event_open sethostname setdomainname keyctl add_key request_key kexec_load
            kexec_file_load init_module finit_module delete_module userfaultfd io_uring_setup io_uring_enter io_uring_register
            open_by_handle_at kcmp pidfd_getfd process_madvise syslog reboot get_mempolicy mbind move_pages vhangup acct iopl ioperm
            swapon swapoff uselib ustat sysfs lookup_dcookie settimeofday clock_settime
            """.split { $0 == " " || $0 == "\n" }.map(String.init))
    func refused(name: String) throws {
        #expect(try filter().decision(Call(number: number(name))) == eperm)
        if let narrow = try #require(SeccompArchitecture("x86")).entry(name)?.number {
            #expect(try filter().decision(Call(architecture: Call.x86, number: narrow)) == eperm)
        }
        if let x32 = try #require(SeccompArchitecture("x32")).entry(name)?.number {
            #expect(try filter().decision(Call(number: x32)) == eperm)
        }
    }

    @Test("A capability brings the calls it is for, and no others")
    func capabilities() throws {
        let cases: [(String, String)] = [
            ("CAP_SYS_ADMIN", "mount"), ("CAP_SYS_ADMIN", "unshare"), ("CAP_SYS_ADMIN", "clone3"), ("CAP_BPF", "bpf"),
            ("CAP_PERFMON", "perf_event_open"), ("CAP_SYSLOG", "syslog"), ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
            ("CAP_SYS_PTRACE", "kcmp"), ("CAP_SYS_NICE", "mbind"), ("CAP_SYS_TIME", "settimeofday"), ("CAP_SYS_MODULE", "init_module"),
            ("CAP_SYS_PACCT", "acct"), ("CAP_SYS_RAWIO", "iopl"), ("CAP_SYS_TTY_CONFIG", "vhangup"), ("CAP_SYS_BOOT", "reboot"),
        ]
        for (capability, name) in cases {
            let with = try filter(adding: [capability])
            #expect(try with.decision(Call(number: number(name))) == .allow, "\(name) with \(capability)")
            #expect(try with.decision(Call(number: number("keyctl"))) == eperm)
            for (other, call) in cases where other != capability && capability != "CAP_SYS_ADMIN" && name != call {
                #expect(try with.decision(Call(number: number(call))) != .allow, "\(call) with \(capability)")
            }
        }
        let without = try SeccompFilter(compiling: DefaultSeccomp(capabilities: [], architecture: .x8664).profile).program
        #expect(try without.decision(Call(number: number("chroot"))) == eperm)
    }

    @Test("Threads may be made, namespaces may not")
    func clone() throws {
        let filter = try filter()
        let clone = try number("clone")
        let threadFlags: UInt64 = 0x3D0F00
        #expect(filter.decision(Call(number: clone, arguments: [threadFlags])) == .allow)
        #expect(filter.decision(Call(number: clone, arguments: [17])) == .allow)
        for bit in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] as [UInt64] {
            #expect(filter.decision(Call(number: clone, arguments: [bit])) == eperm)
            #expect(filter.decision(Call(number: clone, arguments: [bit | threadFlags | 1 << 32])) == eperm)
            #expect(filter.decision(Call(architecture: Call.x86, number: 120, arguments: [bit])) == eperm)
            #expect(filter.decision(Call(number: clone | Call.x32Bit, arguments: [bit])) == eperm)
        }
        #expect(filter.decision(Call(number: 435)) == enosys)
        #expect(filter.decision(Call(architecture: Call.x86, number: 435)) == enosys)
    }

    @Test("Socket families AF_ALG and AF_VSOCK are refused, also behind bits that the kernel drops")
    func socket() throws {
        let filter = try filter()
        for family in UInt64(0)...45 where family != 38 && family != 40 {
            #expect(filter.decision(Call(number: 41, arguments: [family])) == .allow)
            #expect(filter.decision(Call(architecture: Call.x86, number: 359, arguments: [family])) == .allow)
        }
        for family in [38, 40, 46, 1 << 32 | 38, 1 << 32 | 40, 1 << 63 | 40, 0xFFFF_FFFF_0000_0026] as [UInt64] {
            #expect(filter.decision(Call(number: 41, arguments: [family])) == eperm)
            #expect(filter.decision(Call(number: 41 | Call.x32Bit, arguments: [family])) == eperm)
        }
        #expect(filter.decision(Call(architecture: Call.x86, number: 359, arguments: [38])) == eperm)
        #expect(filter.decision(Call(architecture: Call.x86, number: 359, arguments: [40])) == eperm)
        #expect(filter.decision(Call(architecture: Call.x86, number: 102, arguments: [1])) == .allow)
    }

    @Test("Five personalities are allowed")
    func personality() throws {
        let filter = try filter()
        for (value, expected) in [
            (0, .allow), (8, .allow), (0x20000, .allow), (0x20008, .allow), (0xFFFF_FFFF, .allow), (0x40000, eperm), (3, eperm),
        ] as [(UInt64, SeccompAction)] {
            #expect(filter.decision(Call(number: 135, arguments: [value])) == expected)
        }
    }

    @Test("Numbers from the future answer ENOSYS, foreign architectures are killed")
    func unknown() throws {
        let filter = try filter()
        for number in [471, 500, 0x3FFF_FFFF, 0x4000_0000 + 900, .max] as [UInt32] {
            #expect(filter.decision(Call(number: number)) == enosys)
            #expect(filter.decision(Call(architecture: Call.x86, number: number)) == enosys)
        }
        #expect(filter.decision(Call(architecture: 0xC000_00B7, number: 0)) == .killProcess)
    }

    @Test("The cache key tells profiles apart exactly as far as they differ")
    func keys() {
        let capabilities = ["CAP_SYS_ADMIN", "CAP_SYS_TIME", "CAP_BPF", "CAP_CHOWN", "CAP_SYS_CHROOT", "CAP_SYSLOG"]
        let all = (0..<64).map { bits in
            DefaultSeccomp(capabilities: capabilities.indices.filter { bits & 1 << $0 != 0 }.map { capabilities[$0] })
        }
        for one in all {
            for other in all { #expect((one.cacheKey == other.cacheKey) == (one.profile == other.profile)) }
        }
    }

    @Test("A changed profile has a new version, or filters stored before would stay in use")
    func version() throws {
        let everything = SystemCallGroups.privileged.flatMap(\.by).map { "\($0)" }
        let profiles = [[], everything].map { DefaultSeccomp(capabilities: $0, architecture: .x8664).profile }
        let checksum = try JSONEncoder().encode(profiles).reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        let known: [Int: UInt64] = [1: 12_411_106_576_225_282_195]
        #expect(known[DefaultSeccomp.version] == checksum, "raise DefaultSeccomp.version and add its checksum here")
    }
}
