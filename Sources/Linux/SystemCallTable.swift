// SPDX-License-Identifier: Apache-2.0

/// The few system call numbers that libseccomp 2.5 (Debian 12) cannot say.
enum SystemCallTable {
    /// Calls newer than the library, by number from 451. Since Linux 5.1 every architecture gives a new call the same number.
    /// Source: `scripts/syscall.tbl` of the kernel, 6.5 to 6.19.
    private static let sinceCachestat: [StaticString] = [
        "cachestat", "fchmodat2", "map_shadow_stack", "futex_wake", "futex_wait", "futex_requeue", "statmount", "listmount",
        "lsm_get_self_attr", "lsm_set_self_attr", "lsm_list_modules", "mseal", "setxattrat", "getxattrat", "listxattrat",
        "removexattrat", "open_tree_attr", "file_getattr", "file_setattr", "listns",
    ]

    /// Two that the kernel's own trampolines call, on x86_64 only (6.11 and 6.18).
    private static let wideX86: [(StaticString, UInt32)] = [("uretprobe", 335), ("uprobe", 336)]

    static func recent(_ name: String, wideX86: Bool) -> UInt32? {
        if let index = sinceCachestat.firstIndex(where: { name.matches($0) }) { return UInt32(451 + index) }
        return wideX86 ? Self.wideX86.first { name.matches($0.0) }?.1 : nil
    }

    /// i386 got calls of their own beside `socketcall` (Linux 4.3) and `ipc` (5.1). Source: `syscall_32.tbl`.
    private static let x86: [(StaticString, UInt32)] = [
        ("socket", 359), ("socketpair", 360), ("bind", 361), ("connect", 362), ("listen", 363), ("accept4", 364),
        ("getsockopt", 365), ("setsockopt", 366), ("getsockname", 367), ("getpeername", 368), ("sendto", 369),
        ("sendmsg", 370), ("recvfrom", 371), ("recvmsg", 372), ("shutdown", 373), ("recvmmsg", 337), ("sendmmsg", 345),
        ("semget", 393), ("semctl", 394), ("shmget", 395), ("shmctl", 396), ("shmat", 397), ("shmdt", 398),
        ("msgget", 399), ("msgsnd", 400), ("msgrcv", 401), ("msgctl", 402),
    ]

    static func x86Direct(_ name: String) -> UInt32? {
        x86.first { name.matches($0.0) }?.1
    }
}

extension String {
    fileprivate func matches(_ other: StaticString) -> Bool {
        utf8.elementsEqual(UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }
}
