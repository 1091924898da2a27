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
