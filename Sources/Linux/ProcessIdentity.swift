// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

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
    /// It is on its way out, and has never become another program since its fork. For certain even while it still looks alive.
    package let endsUnexecuted: Bool
    /// Of one that is over, as `wait(2)` packs it; nil for others, and for those whose status is none of our business.
    let waitStatus: CInt?

    /// It has ended, though nobody may have taken its status yet.
    package var isOver: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }

    /// `PF_EXITING` and `PF_FORKNOEXEC` of the kernel's `sched.h`.
    private static let ending: UInt32 = 0x4
    private static let unexecuted: UInt32 = 0x40

    package init(of pid: pid_t) throws(SystemError) {
        let path = "/proc/\(pid)/stat"
        let bytes = try FileDescriptor(opening: path).read(atMost: 1024)
        // The name in parentheses may contain anything, so count fields from the last parenthesis.
        guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { throw SystemError(call: "read", subject: path, errno: ESRCH) }
        let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
        guard fields.count > 19, let state = fields[0].first, let parent = pid_t(String(decoding: fields[1], as: UTF8.self)),
            let start = UInt64(String(decoding: fields[19], as: UTF8.self)), let flags = UInt32(String(decoding: fields[6], as: UTF8.self))
        else { throw SystemError(call: "read", subject: path, errno: ESRCH) }
        self.state = state
        self.parent = parent
        startTime = start
        endsUnexecuted = flags & Self.ending != 0 && flags & Self.unexecuted != 0
        // Field 52, the last one, since Linux 3.5.
        let last = fields.count > 49 ? fields[49].prefix { $0 != UInt8(ascii: "\n") } : []
        waitStatus = state == UInt8(ascii: "Z") ? CInt(String(decoding: last, as: UTF8.self)) : nil
    }
}
