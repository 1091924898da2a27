// SPDX-License-Identifier: Apache-2.0
import Engine
import Linux
import OCI

extension Request {
    var resourceWords: [String] {
        var words: [String] = []
        func add(_ option: String, _ value: (some CustomStringConvertible)?) { if let value { words += [option, "\(value)"] } }
        let memory = resources.memory
        add("-m", memory?.limit.map(Self.size))
        // As much swap as memory is what one gets without asking.
        add("--memory-swap", memory?.swap.flatMap { swap in memory?.limit.map { swap == $0 &* 2 } == true ? nil : Self.size(swap) })
        add("--memory-reservation", memory?.reservation.map(Self.size))
        add("--memory-swappiness", memory?.swappiness)
        if memory?.disableOOMKiller == true { words.append("--oom-kill-disable") }
        add("--oom-score-adj", oomScoreAdjustment)
        if let cpu = resources.cpu {
            if let quota = cpu.quota, quota > 0, cpu.period == 100_000 {
                add("--cpus", Self.decimal(quota))
            } else {
                add("--cpu-quota", cpu.quota)
                add("--cpu-period", cpu.period)
            }
            add("--cpu-shares", cpu.shares)
            add("--cpu-rt-period", cpu.realtimePeriod)
            add("--cpu-rt-runtime", cpu.realtimeRuntime)
            add("--cpuset-cpus", cpu.cpus)
            add("--cpuset-mems", cpu.mems)
        }
        add("--pids-limit", resources.pids?.limit)
        if let io = resources.blockIO {
            add("--blkio-weight", io.weight)
            for device in io.weightDevice ?? [] { add("--blkio-weight-device", device.word) }
            for (option, devices) in [
                ("--device-read-bps", io.throttleReadBpsDevice), ("--device-write-bps", io.throttleWriteBpsDevice),
                ("--device-read-iops", io.throttleReadIOPSDevice), ("--device-write-iops", io.throttleWriteIOPSDevice),
            ] {
                for device in devices ?? [] { add(option, device.word) }
            }
        }
        for limit in limits { add("--ulimit", limit.word) }
        add("--cgroup-parent", cgroupParent)
        return words
    }

    /// Bytes in the largest unit of which they are a whole number.
    static func size(_ bytes: Int64) -> String {
        for (shift, unit) in [(30, "g"), (20, "m"), (10, "k")] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    /// Hundred-thousandths as a decimal number.
    private static func decimal(_ quota: Int64) -> String {
        var fraction = "\(quota % 100_000 + 100_000)".dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(quota / 100_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}

extension Spec.Resources.ThrottleDevice {
    fileprivate var word: String { "\(blockDevice(major, minor)):\(rate)" }
}

extension Spec.Resources.WeightDevice {
    fileprivate var word: String { "\(blockDevice(major, minor)):\(weight ?? 0)" }
}

/// The device's node on this machine, if it has one.
private func blockDevice(_ major: Int64, _ minor: Int64) -> String {
    Machine.devicePath(block: true, UInt32(clamping: major), UInt32(clamping: minor)) ?? "\(major):\(minor)"
}

extension Spec.Process.Rlimit {
    fileprivate var word: String {
        let name = type.hasPrefix("RLIMIT_") ? String(type.dropFirst(7)).lowercased() : type
        func number(_ value: UInt64) -> String { value == .max ? "-1" : "\(value)" }
        return "\(name)=\(number(soft)):\(number(hard))"
    }
}
