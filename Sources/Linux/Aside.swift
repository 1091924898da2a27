// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// A child that was sent to another processor than ours, so that both work at the same time.
///
/// A kernel may leave a new process on its parent's processor until that one waits, although others are idle: what is meant to go on side by
/// side would go one after the other.
package struct Aside: ~Copyable {
    private let pid: pid_t
    /// What it may run on.
    private let processors: ProcessorSet

    /// Nil where it may run on this processor alone, or nowhere else than it does.
    package init?(_ pid: pid_t) {
        var here: UInt32 = 0
        guard let processors = ProcessorSet(of: pid), linux_getcpu(&here) == 0,
            let others = processors.without(Int(here)), !others.isEmpty, (try? others.confine(pid)) != nil
        else { return nil }
        self.pid = pid
        self.processors = processors
    }

    /// Lets it run where it might before.
    package consuming func end() { try? processors.confine(pid) }
}
