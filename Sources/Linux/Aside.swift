// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// A child that was sent to another processor than ours, so that both work at the same time.
///
/// A kernel may leave a new process on its parent's processor until that one waits, although others are idle: what is meant to go on side by
/// side would go one after the other.
package struct Aside: ~Copyable {
    private let pid: pid_t
    /// What it may run on, a bit for each processor.
    private let mask: Mask

    /// Room for 1,024 processors; the kernel says so where it has more.
    private typealias Mask = InlineArray<16, UInt64>

    /// Nil where it may run on this processor alone, or nowhere else than it does. The corresponding call is `sched_setaffinity(2)`.
    package init?(_ pid: pid_t) {
        var mask = Mask(repeating: 0)
        var here: UInt32 = 0
        let size = MemoryLayout<Mask>.size
        let read = withUnsafeMutableBytes(of: &mask) {
            linux_sched_getaffinity(pid, size, $0.assumingMemoryBound(to: UInt64.self).baseAddress)
        }
        guard read > 0, linux_getcpu(&here) == 0, here < 1024 else { return nil }
        var others = mask
        others[Int(here) / 64] &= ~(1 << UInt64(here % 64))
        guard others.indices.contains(where: { others[$0] != 0 }), Self.set(pid, others) else { return nil }
        self.pid = pid
        self.mask = mask
    }

    /// Lets it run where it might before.
    package consuming func end() { _ = Self.set(pid, mask) }

    private static func set(_ pid: pid_t, _ mask: Mask) -> Bool {
        withUnsafeBytes(of: mask) { linux_sched_setaffinity(pid, $0.count, $0.assumingMemoryBound(to: UInt64.self).baseAddress) == 0 }
    }
}
