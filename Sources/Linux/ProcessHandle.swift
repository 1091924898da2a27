// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// A reference to one process that stays right when its number is used again. The corresponding call is `pidfd_open(2)`, Linux 5.3.
package struct ProcessHandle: ~Copyable {
    package let descriptor: FileDescriptor

    package init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    package init(pid: pid_t) throws(SystemError) {
        self.init(owning: FileDescriptor(owning: try check("pidfd_open", "\(pid)") { linux_pidfd_open(pid, 0) }))
    }

    /// Opens that very process: `ESRCH` if the number has gone to another.
    package init(_ identity: ProcessIdentity) throws(SystemError) {
        guard identity.pid > 0 else { throw SystemError(call: "pidfd_open", subject: "\(identity.pid)", errno: ESRCH) }
        let handle = try ProcessHandle(pid: identity.pid)
        // Asked after the descriptor is held, so the answer is about the process it refers to.
        guard try handle.refers(to: identity) else { throw SystemError(call: "pidfd_open", subject: "\(identity.pid)", errno: ESRCH) }
        self = handle
    }

    /// The same; nil if that process is over. Any other error says nothing about it.
    package static func holding(_ identity: ProcessIdentity) throws(SystemError) -> ProcessHandle? {
        do throws(SystemError) { return try ProcessHandle(identity) } catch  where error.errno == ESRCH { return nil }
    }

    private func refers(to identity: ProcessIdentity) throws(SystemError) -> Bool {
        guard let inode = identity.inode else { return try identity.living() != nil }
        guard try descriptor.status().inode == inode else { return false }
        // A zombie has its inode still.
        return try !waitForEnd(milliseconds: 0)
    }

    /// The number by which the process is known from all others of this boot. Nil before Linux 6.9, when all pidfds were one inode.
    package func uniqueInode() throws(SystemError) -> UInt64? {
        try descriptor.fileSystemMagic() == Self.pidfs ? UInt64(descriptor.status().inode) : nil
    }

    /// `PID_FS_MAGIC`
    private static let pidfs: UInt32 = 0x5049_4446

    /// The corresponding call is `pidfd_send_signal(2)`.
    package func signal(_ signal: Signal) throws(SystemError) {
        try check("kill", signal.description) { linux_pidfd_send_signal(descriptor.raw, signal.rawValue) }
    }

    /// Its number in our pid namespace, from `/proc/self/fdinfo`; `ESRCH` when it has ended and been reaped.
    package func pid() throws(SystemError) -> pid_t {
        let text = try File.readKernel("/proc/self/fdinfo/\(descriptor.raw)")
        for line in text.split(separator: "\n") where line.hasPrefix("Pid:") {
            if let pid = pid_t(line.dropFirst(4).drop { $0 == "\t" || $0 == " " }), pid > 0 { return pid }
        }
        throw SystemError(call: "pidfd_open", errno: ESRCH)
    }

    /// Waits until the process has ended, at most that long. Works for processes that are not our children.
    package func waitForEnd(milliseconds: CInt = -1) throws(SystemError) -> Bool {
        var poll = pollfd(fd: descriptor.raw, events: Int16(POLLIN), revents: 0)
        return try check("poll") { Glibc.poll(&poll, 1, milliseconds) } > 0
    }

    /// Kills our own child and takes its status: what it was doing is given up.
    package func abandon() {
        try? signal(.kill)
        _ = try? reap()
    }

    /// Takes the exit status of our own child. The corresponding call is `waitid(P_PIDFD)`, Linux 5.4.
    package func reap() throws(SystemError) -> Termination {
        var info = siginfo_t()
        try check("waitid") { linux_waitid_pidfd(descriptor.raw, &info, WEXITED) }
        return Termination(info)
    }
}
