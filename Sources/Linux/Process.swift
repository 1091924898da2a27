// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// How a process ended.
package enum Termination: Sendable, Equatable {
    case exited(UInt8)
    case signaled(Signal)

    /// The code a shell would see: the process's own, or 128 plus the signal's number.
    package var exitCode: CInt {
        switch self {
        case .exited(let code): CInt(code)
        case .signaled(let signal): 128 + signal.rawValue
        }
    }
}

/// A process that cannot be mistaken for another: numbers are used again, but never with the same start.
package struct ProcessIdentity: Sendable, Equatable {
    package let pid: pid_t
    /// Clock ticks after boot, field 22 of `/proc/PID/stat`. Comparable within one boot.
    package let startTime: UInt64
    /// Of its pidfds, which no other process of this boot has (Linux 6.9); nil where that is not known.
    package let inode: UInt64?

    package init(pid: pid_t, startTime: UInt64, inode: UInt64? = nil) {
        self.pid = pid
        self.startTime = startTime
        self.inode = inode
    }

    /// The process that has this number now.
    package init(of pid: pid_t) throws(SystemError) {
        // Held, so that all that is asked is asked of one process.
        let handle = try ProcessHandle(pid: pid)
        self.init(pid: pid, startTime: try ProcessStatistics(of: pid).startTime, inode: try handle.uniqueInode())
    }

    /// That very process, while it exists and is not a zombie; nil when it is over. Any other error says nothing about it.
    package func living() throws(SystemError) -> ProcessStatistics? {
        guard pid > 0 else { return nil }
        do throws(SystemError) {
            let now = try ProcessStatistics(of: pid)
            return now.startTime == startTime && !now.isOver ? now : nil
        } catch {
            if error.errno == ENOENT || error.errno == ESRCH { return nil }
            throw error
        }
    }

    /// False only of one that is over for certain: what cannot be looked at is not to be taken for dead.
    /// Where the inode is known this costs a fifth of what `/proc` takes, which prints fifty numbers for the one that is wanted.
    package var isAlive: Bool {
        do throws(SystemError) {
            return try inode == nil ? living() != nil : ProcessHandle.holding(self) != nil
        } catch { return true }
    }
}

/// The fields of `/proc/PID/stat` that we ask for.
package struct ProcessStatistics: Sendable {
    /// One of `RSDZTtXI`.
    package let state: UInt8
    package let parent: pid_t
    package let startTime: UInt64
    /// Of one that is over, as `wait(2)` packs it; nil for others, and for those whose status is none of our business.
    let waitStatus: CInt?

    /// It has ended, though nobody may have taken its status yet.
    package var isOver: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    package init(of pid: pid_t) throws(SystemError) {
        let path = "/proc/\(pid)/stat"
        let bytes = try FileDescriptor(opening: path).read(atMost: 1024)
        // The name in parentheses may contain anything, so count fields from the last parenthesis.
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw SystemError(call: "read", subject: path, errno: ESRCH) }
        let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first, let parent = pid_t(String(decoding: fields[1], as: UTF8.self)),
            let start = UInt64(String(decoding: fields[19], as: UTF8.self))
        else { throw SystemError(call: "read", subject: path, errno: ESRCH) }
        self.state = state
        self.parent = parent
        startTime = start
        // Field 52, the last one, since Linux 3.5.
        let last = fields.count > 49 ? fields[49].prefix { $0 != UInt8(ascii: "\n") } : []
        waitStatus = state == UInt8(ascii: "Z") ? CInt(String(decoding: last, as: UTF8.self)) : nil
    }
}

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
    fileprivate func uniqueInode() throws(SystemError) -> UInt64? {
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

extension Termination {
    package init(_ info: siginfo_t) {
        var info = info
        let status = linux_siginfo_status(&info)
        self = info.si_code == CInt(CLD_EXITED) ? .exited(UInt8(truncatingIfNeeded: status)) : .signaled(Signal(rawValue: status))
    }
}

/// Which side of a `clone3(2)` or `fork(2)` this is.
package enum Side: ~Copyable {
    case child
    case parent(pid_t, ProcessHandle)
}

/// Makes processes. The caller must be single-threaded, so that the child may go on running Swift.
package enum Process {
    /// The corresponding call is `clone3(2)`, Linux 5.3.
    /// - Parameters:
    ///   - cgroup: a cgroup v2 directory the child is born in (`CLONE_INTO_CGROUP`, Linux 5.7).
    ///   - sibling: the child becomes a child of our parent.
    package static func clone(
        _ namespaces: Namespaces = [], cgroup: CInt? = nil, sibling: Bool = false
    ) throws(SystemError) -> Side {
        var arguments = clone_args()
        var handle: CInt = -1
        arguments.flags = UInt64(namespaces.rawValue) | UInt64(CLONE_PIDFD)
        if let cgroup {
            arguments.flags |= 0x2_0000_0000  // CLONE_INTO_CGROUP
            arguments.cgroup = UInt64(cgroup)
        }
        if sibling {
            arguments.flags |= UInt64(CLONE_PARENT)
        } else {
            arguments.exit_signal = UInt64(SIGCHLD)
        }
        let pid = try withUnsafeMutablePointer(to: &handle) { pointer throws(SystemError) in
            arguments.pidfd = UInt64(UInt(bitPattern: pointer))
            return try check("clone3") { linux_clone3(&arguments, MemoryLayout<clone_args>.size) }
        }
        if pid == 0 { return .child }
        return .parent(pid_t(pid), ProcessHandle(owning: FileDescriptor(owning: handle)))
    }

    /// The old call, for where a system call filter stands already: filters cannot look into `clone3(2)`'s arguments and deny it.
    /// Gives back the child's number, and 0 in the child. The corresponding call is `fork(2)`.
    package static func fork() throws(SystemError) -> pid_t { try check("fork") { linux_fork() } }

    /// Replaces this process. Returns only with the error. The corresponding call is `execve(2)`.
    package static func execute(_ path: UnsafePointer<CChar>, _ arguments: CStrings, _ environment: CStrings) -> SystemError {
        execve(path, arguments.pointer, environment.pointer)
        return SystemError(call: "execve", subject: String(cString: path), errno: errno)
    }

    /// Ends this process at once: no handlers, no flushing of what a parent has buffered.
    package static func exit(_ code: CInt) -> Never { _exit(code) }

    package static var current: pid_t { getpid() }
    package static var isRoot: Bool { geteuid() == 0 }
}

/// A null-terminated array of C strings, as `execve(2)` wants it, made before a clone and alive until the process ends.
package struct CStrings: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    package let count: Int

    package init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[strings.count] = nil
    }
}

extension Process {
    /// Takes the status of every child that has ended. Gives back that of `main`, if it is among them.
    package static func reapAll(until main: pid_t) -> Termination? {
        var found: Termination?
        while true {
            var info = siginfo_t()
            guard linux_waitid_any(&info, WEXITED | WNOHANG) == 0 else { return found }
            let pid = linux_siginfo_pid(&info)
            if pid == 0 { return found }
            if pid == main { found = Termination(info) }
        }
    }
}
