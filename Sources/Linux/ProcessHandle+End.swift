// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension ProcessHandle {
    /// How a process that has ended went, also where it was not our child. Then its status can be read in `/proc` as long as its parent has
    /// not taken it, and from then on the kernel keeps it for who holds the pidfd (`ioctl(PIDFD_GET_INFO)` with `PIDFD_INFO_EXIT`, Linux
    /// 6.15). Nil where nobody can tell any more.
    package func termination() throws(SystemError) -> Termination? {
        do throws(SystemError) { return try reap() } catch  where error.errno == ECHILD {}
        if let pid = try? pid(), let status = try? ProcessStatistics(of: pid).waitStatus, try waitForEnd(milliseconds: 0) {
            // The number could not go to another while this one had it.
            if (try? self.pid()) == pid { return Termination(waitStatus: status) }
        }
        // Its new parent is taking the status just now.
        for _ in 0..<Self.patience {
            var info = linux_pidfd_info()
            info.mask = UInt64(linux_pidfd_info_exit)
            let answer = linux_ioctl_pointer(descriptor.raw, UInt(linux_pidfd_get_info), &info)
            if answer == 0, info.mask & UInt64(linux_pidfd_info_exit) != 0 { return Termination(waitStatus: info.exit_code) }
            // Alive or a zombie still, the kernel leaves the bit out; an older one does not know the call.
            guard answer == 0 || errno == ESRCH else { return nil }
            usleep(1000)
        }
        return nil
    }

    /// In milliseconds.
    private static let patience = 50
}

extension ProcessIdentity {
    /// How that very process ended, as long as nobody has taken its status.
    package var termination: Termination? {
        guard pid > 0, let now = try? ProcessStatistics(of: pid), now.startTime == startTime else { return nil }
        return now.waitStatus.map { Termination(waitStatus: $0) }
    }
}

extension Termination {
    /// As `wait(2)` packs it.
    init(waitStatus status: CInt) {
        self =
            linux_exited(status) != 0
            ? .exited(UInt8(truncatingIfNeeded: linux_exit_code(status))) : .signaled(Signal(rawValue: linux_term_signal(status)))
    }
}
