// SPDX-License-Identifier: Apache-2.0
import Linux

/// What a cgroup has used and may use. Nil is "not counted here" or, for a limit, "none".
package struct Statistics: Equatable, Sendable {
    package struct Memory: Equatable, Sendable {
        /// Bytes, page cache included.
        package var usage: UInt64?
        package var peak: UInt64?
        package var limit: UInt64?
        /// Bytes of page cache that the kernel would drop first; docker shows usage without them.
        package var inactiveFile: UInt64?
        package var oomKills: UInt64?
    }

    package struct CPU: Equatable, Sendable {
        /// Nanoseconds of all CPUs together.
        package var usage: UInt64?
        package var user: UInt64?
        package var system: UInt64?
        package var periods: UInt64?
        package var throttledPeriods: UInt64?
        package var throttledTime: UInt64?
    }

    package struct Pids: Equatable, Sendable {
        package var current: UInt64?
        package var limit: UInt64?
    }

    /// Sums over all devices.
    package struct BlockIO: Equatable, Sendable {
        package var readBytes: UInt64 = 0
        package var writtenBytes: UInt64 = 0
        package var reads: UInt64 = 0
        package var writes: UInt64 = 0
    }

    package var memory = Memory()
    package var cpu = CPU()
    package var pids = Pids()
    package var io: BlockIO?
}

extension Cgroup {
    /// Reads what there is; a file that is missing leaves its figures nil, and so does a cgroup that was removed.
    package func statistics() -> Statistics {
        var statistics = Statistics()
        statistics.memory = memoryStatistics
        statistics.cpu = cpuStatistics
        if let place = paths.place(of: .pids) {
            statistics.pids.current = number(place.directory + "/pids.current")
            statistics.pids.limit = number(place.directory + "/pids.max")
        }
        statistics.io = ioStatistics
        return statistics
    }

    /// How many processes in it and below the kernel has killed for want of memory. Nil where nothing counts them.
    package var oomKills: UInt64? {
        guard let (directory, version) = paths.place(of: .memory) else { return nil }
        // Version 1 counts since Linux 4.13.
        let file = version == .v1 ? "/memory.oom_control" : "/memory.events"
        return text(directory + file).flatMap { CgroupFile.value("oom_kill", in: $0) }
    }

    /// Nanoseconds of all processors together, which is one file; nil where nothing counts them.
    package var processorTime: UInt64? {
        if let accounting = paths.legacy(.cpuacct) { return number(accounting + "/cpuacct.usage") }
        return cpuStatistics.usage
    }

    private var memoryStatistics: Statistics.Memory {
        var memory = Statistics.Memory()
        guard let (directory, version) = paths.place(of: .memory) else { return memory }
        let stat = text(directory + "/memory.stat") ?? ""
        switch version {
        case .v1:
            memory.usage = number(directory + "/memory.usage_in_bytes")
            memory.peak = number(directory + "/memory.max_usage_in_bytes")
            memory.limit = number(directory + "/memory.limit_in_bytes")
            memory.inactiveFile = CgroupFile.value("total_inactive_file", in: stat)
        case .v2:
            memory.usage = number(directory + "/memory.current")
            memory.peak = number(directory + "/memory.peak")
            memory.limit = number(directory + "/memory.max")
            memory.inactiveFile = CgroupFile.value("inactive_file", in: stat)
        }
        memory.oomKills = oomKills
        return memory
    }

    private var cpuStatistics: Statistics.CPU {
        var cpu = Statistics.CPU()
        if let accounting = paths.legacy(.cpuacct) {
            cpu.usage = number(accounting + "/cpuacct.usage")
            cpu.user = number(accounting + "/cpuacct.usage_user")
            cpu.system = number(accounting + "/cpuacct.usage_sys")
        }
        guard let (directory, version) = paths.place(of: .cpu), let stat = text(directory + "/cpu.stat") else { return cpu }
        cpu.periods = CgroupFile.value("nr_periods", in: stat)
        cpu.throttledPeriods = CgroupFile.value("nr_throttled", in: stat)
        switch version {
        case .v1: cpu.throttledTime = CgroupFile.value("throttled_time", in: stat)
        case .v2:
            func nanoseconds(_ key: StaticString) -> UInt64? {
                CgroupFile.value(key, in: stat).flatMap {
                    let (time, over) = $0.multipliedReportingOverflow(by: 1000)
                    return over ? nil : time
                }
            }
            cpu.usage = nanoseconds("usage_usec")
            cpu.user = nanoseconds("user_usec")
            cpu.system = nanoseconds("system_usec")
            cpu.throttledTime = nanoseconds("throttled_usec")
        }
        return cpu
    }

    private var ioStatistics: Statistics.BlockIO? {
        guard let (directory, version) = paths.place(of: .io) else { return nil }
        switch version {
        case .v1:
            guard let bytes = text(directory + "/blkio.throttle.io_service_bytes_recursive"),
                let count = text(directory + "/blkio.throttle.io_serviced_recursive")
            else { return nil }
            return Statistics.BlockIO(legacyBytes: bytes, operations: count)
        case .v2: return text(directory + "/io.stat").map(Statistics.BlockIO.init(unified:))
        }
    }

    private func text(_ file: String) -> String? { try? File.readKernel(file) }

    private func number(_ file: String) -> UInt64? { text(file).flatMap(CgroupFile.number) }
}

extension Statistics.BlockIO {
    /// Lines `8:0 Read 4096`.
    package init(legacyBytes bytes: String, operations: String) {
        self.init()
        for line in bytes.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let value = UInt64(words[2]) else { continue }
            if words[1] == "Read" { readBytes &+= value }
            if words[1] == "Write" { writtenBytes &+= value }
        }
        for line in operations.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let value = UInt64(words[2]) else { continue }
            if words[1] == "Read" { reads &+= value }
            if words[1] == "Write" { writes &+= value }
        }
    }

    /// Lines `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.
    package init(unified text: String) {
        self.init()
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            guard let equals = word.firstIndex(of: "="), let value = UInt64(word[word.index(after: equals)...]) else { continue }
            switch word[..<equals] {
            case "rbytes": readBytes &+= value
            case "wbytes": writtenBytes &+= value
            case "rios": reads &+= value
            case "wios": writes &+= value
            default: break
            }
        }
    }
}
