// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Changes to the calling process itself.
extension Process {
    /// This process is killed when its parent ends. Cleared by any change of ids. The corresponding call is `prctl(PR_SET_PDEATHSIG)`.
    package static func dieWithParent() throws(SystemError) {
        try check("prctl", "PR_SET_PDEATHSIG") { linux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0) }
    }

    /// Whether others of the same ids may trace this process and look into its `/proc` directory. The corresponding call is `prctl(PR_SET_DUMPABLE)`.
    package static func setDumpable(_ on: Bool) throws(SystemError) {
        try check("prctl", "PR_SET_DUMPABLE") { linux_prctl(PR_SET_DUMPABLE, on ? 1 : 0, 0, 0, 0) }
    }

    /// The name `ps` shows, at most 15 bytes. The corresponding call is `prctl(PR_SET_NAME)`.
    package static func setName(_ name: StaticString) {
        _ = linux_prctl(PR_SET_NAME, UInt(bitPattern: name.utf8Start), 0, 0, 0)
    }

    /// What `main` was given, the program's name first. Bytes that are no UTF-8 are shown as U+FFFD.
    package static var arguments: [String] {
        guard let vector = linux_arguments() else { return [] }
        return (0..<Int(linux_argument_count())).compactMap { vector[$0].map { String(cString: $0) } }
    }

    /// The first of them that is no UTF-8, as it is shown.
    package static var foreignArgument: String? {
        guard let vector = linux_arguments() else { return nil }
        for index in 0..<Int(linux_argument_count()) {
            if let word = vector[index], String(validatingCString: word) == nil { return String(cString: word) }
        }
        return nil
    }

    /// Zeroes what `/proc/PID/cmdline` and `environ` show of this process, which can then read neither any more,
    /// and leaves a name to be shown there.
    /// The kernel puts both in one piece before the name of the program (`AT_EXECFN`, `getauxval(3)`).
    package static func wipeArguments(leaving name: StaticString) {
        guard let first = linux_arguments()?[0], let end = UnsafeMutableRawPointer(bitPattern: getauxval(UInt(AT_EXECFN))) else { return }
        let size = end - UnsafeMutableRawPointer(first)
        if size > 0 { memset(first, 0, size) }
        if size > name.utf8CodeUnitCount { memcpy(first, name.utf8Start, name.utf8CodeUnitCount) }
    }

    /// Gives freed memory back, in a process that has done its large work and is to stay. The corresponding call is `malloc_trim(3)`.
    package static func trimMemory() { _ = linux_malloc_trim(0) }

    package static func setGroups(_ groups: [UInt32]) throws(SystemError) {
        try check("setgroups") { linux_setgroups(groups.count, groups) }
    }

    package static func setGroupIDs(_ id: UInt32) throws(SystemError) { try check("setresgid", "\(id)") { linux_setresgid(id, id, id) } }

    package static func setUserIDs(_ id: UInt32) throws(SystemError) { try check("setresuid", "\(id)") { linux_setresuid(id, id, id) } }

    /// Becomes root of the user namespace it is in, and of no group else.
    package static func becomeRoot() throws(SystemError) {
        try setGroups([])
        try setGroupIDs(0)
        try setUserIDs(0)
        // A change of ids has made it what fs.suid_dumpable says: readable for that root, on some machines.
        try setDumpable(false)
    }

    /// Lets the permitted set survive leaving uid 0; exec clears the wish again. The corresponding call is `prctl(PR_SET_KEEPCAPS)`.
    package static func keepCapabilities() throws(SystemError) {
        try check("prctl", "PR_SET_KEEPCAPS") { linux_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) }
    }

    /// No exec gives more rights than this process has, for ever. The corresponding call is `prctl(PR_SET_NO_NEW_PRIVS)`, Linux 3.5.
    package static func forbidNewPrivileges() throws(SystemError) {
        try check("prctl", "PR_SET_NO_NEW_PRIVS") { linux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
    }

    /// False if the working directory lies outside the process's root: the kernel then answers `(unreachable)…`, which glibc would hide.
    package static func workingDirectoryIsReachable() throws(SystemError) -> Bool {
        var buffer = [CChar](repeating: 0, count: 4097)
        try check("getcwd") { linux_getcwd(&buffer, buffer.count) }
        return buffer[0] == CChar(UInt8(ascii: "/"))
    }

    package static func setPersonality(_ persona: UInt) throws(SystemError) {
        try check("personality") { linux_personality(persona) }
    }

    /// - Parameter nodes: a bit for each memory node; none where the mode takes none.
    package static func setMemoryPolicy(_ mode: CInt, nodes: [UInt]) throws(SystemError) {
        // The kernel reads one bit less than it is told (set_mempolicy(2), "BUGS").
        let bits = nodes.isEmpty ? 0 : UInt(nodes.count * 64 + 1)
        try check("set_mempolicy") { linux_set_mempolicy(mode, nodes.isEmpty ? nil : nodes, bits) }
    }

    package static func setIOPriority(class kind: CInt, level: CInt) throws(SystemError) {
        try check("ioprio_set") { linux_ioprio_set(CInt(linux_ioprio_who_process), 0, kind << 13 | level) }
    }

    /// Times in nanoseconds. The corresponding call is `sched_setattr(2)`, Linux 3.14.
    package static func setScheduler(
        policy: UInt32, flags: UInt64, nice: Int32, priority: UInt32, runtime: UInt64, deadline: UInt64, period: UInt64
    ) throws(SystemError) {
        try check("sched_setattr") { linux_sched_setattr(0, policy, flags, nice, priority, runtime, deadline, period) }
    }
}

/// Session keyrings (`session-keyring(7)`).
package enum Keyring {
    /// Leaves the caller's session keyring for a new one that only its owner can read. A kernel without keyrings is fine.
    package static func joinNewSession(_ name: String) throws(SystemError) {
        do throws(SystemError) {
            let key = try check("keyctl", "session keyring") { linux_keyctl_join(name) }
            // Possessor all, owner view, search and setattr: what containers need and no more (after runc's).
            _ = linux_keyctl_setperm(Int32(truncatingIfNeeded: key), 0x3f0f_0000)
        } catch  where error.errno == ENOSYS {}
    }
}

extension ProcessCapabilities {
    /// Makes every permitted capability effective again, after the user changed.
    package static func raiseEffective() throws(SystemError) {
        var header = __user_cap_header_struct(version: 0x2008_0522, pid: 0)
        var data = [__user_cap_data_struct](repeating: __user_cap_data_struct(), count: 2)
        try check("capget") { capget(&header, &data) }
        for index in data.indices { data[index].effective = data[index].permitted }
        try check("capset") { capset(&header, &data) }
    }
}
