// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux

/// What one container used up to a moment, and may use, as its cgroup counts it. Nil is "not counted here".
package struct Usage: Sendable {
    package let record: Record
    /// Nanoseconds of `MonotonicClock`.
    package let moment: Int64
    /// Nanoseconds of all processors together.
    package let processorTime: UInt64?
    /// Bytes, without page cache that the kernel would drop first.
    package let memory: UInt64?
    /// Bytes: its own limit, else all the machine has.
    package let memoryLimit: UInt64?
    package let bytesRead: UInt64?
    package let bytesWritten: UInt64?
    package let processes: UInt64?
    /// Bytes through its own interfaces but the loopback; nil where the network is not its own.
    package let network: (received: UInt64, sent: UInt64)?

    /// A container that does not run uses nothing.
    init(_ listing: Listing, machineMemory: UInt64) {
        record = listing.record
        let statistics = listing.status.isUp ? listing.record.cgroupHandle?.statistics() : nil
        moment = MonotonicClock.nanoseconds
        processorTime = statistics?.cpu.usage
        memory = statistics?.memory.usage.map { $0 - min($0, statistics?.memory.inactiveFile ?? 0) }
        memoryLimit = statistics.map { min($0.memory.limit ?? machineMemory, machineMemory) }
        bytesRead = statistics?.io?.readBytes
        bytesWritten = statistics?.io?.writtenBytes
        processes = statistics?.pids.current
        network = listing.status.isUp ? listing.record.start.flatMap { Self.traffic(of: $0.pid) } : nil
    }

    /// Sums over `/proc/PID/net/dev`: each line a name, then 16 numbers, of which the first are bytes received and the ninth those sent.
    private static func traffic(of pid: Int32) -> (received: UInt64, sent: UInt64)? {
        guard let namespaces = try? Namespaces(differingFrom: pid), namespaces.contains(.network),
            let text = try? File.readKernel("/proc/\(pid)/net/dev")
        else { return nil }
        var sum: (received: UInt64, sent: UInt64) = (0, 0)
        for line in text.split(separator: "\n").dropFirst(2) {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].drop(while: { $0 == " " }) != "lo" else { continue }
            let numbers = line[line.index(after: colon)...].split(separator: " ").map { UInt64($0) ?? 0 }
            guard numbers.count > 8 else { continue }
            sum = (sum.received &+ numbers[0], sum.sent &+ numbers[8])
        }
        return sum
    }

    /// Processors in use since an earlier look, in percent of one.
    package func processorPercentage(since earlier: ProcessorMark?) -> Double? {
        guard let earlier, let now = processorTime, let then = earlier.processorTime, moment > earlier.moment, now >= then else {
            return nil
        }
        return Double(now - then) * 100 / Double(moment - earlier.moment)
    }

    package var memoryPercentage: Double? {
        guard let memory, let memoryLimit, memoryLimit > 0 else { return nil }
        return Double(memory) * 100 / Double(memoryLimit)
    }
}

/// A first look at a container, for the second one to tell how much of a processor it has used since.
package struct ProcessorMark: Sendable {
    /// Nanoseconds of `MonotonicClock`.
    let moment: Int64
    let processorTime: UInt64?
}

extension Usage {
    package var mark: ProcessorMark { ProcessorMark(moment: moment, processorTime: processorTime) }
}

extension Home {
    /// Looks at the cgroups of containers: those given, else all that run, or all there are.
    package func usage(of words: [String], all: Bool) throws(EngineError) -> [Usage] {
        let pages = sysconf(CInt(_SC_PHYS_PAGES))
        let memory = UInt64(max(0, pages)) &* UInt64(max(0, sysconf(CInt(_SC_PAGESIZE))))
        return try looked(at: words, all: all).map { Usage($0, machineMemory: memory) }
    }

    /// The same, but at one file of each, by id.
    package func processorMarks(of words: [String], all: Bool) throws(EngineError) -> [String: ProcessorMark] {
        var marks: [String: ProcessorMark] = [:]
        for listing in try looked(at: words, all: all) where listing.status.isUp {
            let time = listing.record.cgroupHandle?.processorTime
            marks[listing.record.id] = ProcessorMark(moment: MonotonicClock.nanoseconds, processorTime: time)
        }
        return marks
    }

    private func looked(at words: [String], all: Bool) throws(EngineError) -> [Listing] {
        guard !words.isEmpty else { return try listings().filter { all || $0.status.isUp } }
        let boot = try Machine.boot()
        var listings: [Listing] = []
        for word in words {
            let record = try container(named: word).record
            listings.append(Listing(record: record, status: record.status(in: boot)))
        }
        return listings
    }
}
