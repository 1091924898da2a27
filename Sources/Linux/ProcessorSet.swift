// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// Processors that a thread may run on, a bit for each. There is room for 1,024; the kernel says so where it has more.
package struct ProcessorSet: Sendable {
    private typealias Bits = InlineArray<16, UInt64>
    private var bits: Bits

    /// Whatever the cgroup allows: it has the last word on any set.
    package static let all = ProcessorSet(bits: Bits(repeating: .max))

    private init(bits: Bits) { self.bits = bits }

    /// Those of some ranges. What is beyond the last bit is left out.
    package init(_ ranges: [ClosedRange<Int>]) {
        self.init(bits: Bits(repeating: 0))
        for index in ranges.joined() where index >= 0 && index / 64 < bits.count { bits[index / 64] |= 1 << UInt64(index % 64) }
    }

    /// Those of a process; nil where that cannot be told. The corresponding call is `sched_getaffinity(2)`.
    package init?(of pid: pid_t) {
        var bits = Bits(repeating: 0)
        let size = MemoryLayout<Bits>.size
        let read = withUnsafeMutableBytes(of: &bits) {
            linux_sched_getaffinity(pid, size, $0.assumingMemoryBound(to: UInt64.self).baseAddress)
        }
        guard read > 0 else { return nil }
        self.init(bits: bits)
    }

    /// So many at most that the caller may run on, without the one it does run on; nil where there is no other.
    package static func others(count: Int) -> ProcessorSet? {
        var here: UInt32 = 0
        guard let own = ProcessorSet(of: 0), linux_getcpu(&here) == 0 else { return nil }
        let others = own.following(Int(here), count: count)
        return others.isEmpty ? nil : others
    }

    package var isEmpty: Bool { bits.indices.allSatisfy { bits[$0] == 0 } }

    /// Nil where there is no such bit.
    func without(_ index: Int) -> ProcessorSet? {
        guard index >= 0, index / 64 < bits.count else { return nil }
        var rest = self
        rest.bits[index / 64] &= ~(1 << UInt64(index % 64))
        return rest
    }

    /// So many of them at most, the next ones after a processor, and from the first again after the last; never that one itself.
    package func following(_ index: Int, count: Int) -> ProcessorSet {
        let total = bits.count * 64
        guard (0..<total).contains(index) else { return ProcessorSet([]) }
        let others = (1..<total).lazy.map { (index + $0) % total }
        return ProcessorSet(others.filter(contains).prefix(count).map { $0...$0 })
    }

    package func contains(_ index: Int) -> Bool {
        index >= 0 && index / 64 < bits.count && bits[index / 64] & 1 << UInt64(index % 64) != 0
    }

    /// Confines a thread, 0 for the caller, to them. The corresponding call is `sched_setaffinity(2)`.
    package func confine(_ pid: pid_t = 0) throws(SystemError) {
        try check("sched_setaffinity") {
            withUnsafeBytes(of: bits) { linux_sched_setaffinity(pid, $0.count, $0.assumingMemoryBound(to: UInt64.self).baseAddress) }
        }
    }
}
