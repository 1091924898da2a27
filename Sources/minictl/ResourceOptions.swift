// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux
import OCI

/// Limits on what a container uses of the machine.
struct ResourceOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [.heading("Resources")] + changeable + [
            .text("--blkio-weight-device DEVICE:WEIGHT", "10 to 1000: its share of one block device; may be repeated") {
                if let weight = try Self.weight($1) { $0.blockIO.weightDevice = ($0.blockIO.weightDevice ?? []) + [weight] }
            },
            .text("--memory-swappiness 0-100", "how readily its memory is swapped out") {
                // docker's way of saying "as usual".
                $0.memory.swappiness = $1 == "-1" ? nil : UInt64(try Int32(word: $1, in: 0...100))
            },
            .text("--oom-score-adj SCORE", "-1000 to 1000: who goes first when memory runs out") {
                $0.oomScoreAdjustment = Int(try Int32(word: $1, in: -1000...1000))
            },
            .flag("--oom-kill-disable", "let it wait instead of being killed at its limit") {
                $0.memory.disableOOMKiller = $1 ? true : nil
            },
            .text("--ulimit NAME=SOFT[:HARD]", "a limit of setrlimit(2), for example nofile=1024:2048; may be repeated") {
                let limit = try Spec.Process.Rlimit(word: $1)
                $0.limits.removeAll { $0.type == limit.type }
                $0.limits.append(limit)
            },
            .text("--cgroup-parent PATH", "the cgroup that the container's is made in") {
                guard !$1.pathComponents.contains("..") else { throw UsageError("'\($1)' is no path below the cgroup root") }
                $0.cgroupParent = $1.isEmpty ? nil : $1
            },
        ]
    }

    /// Those that `update` has too.
    static var changeable: [CommandOption<Self>] {
        memory + cpu + io + [
            .text("--pids-limit COUNT", "the most processes (default 2048, -1 for no limit)") {
                $0.pids = Int64(try Int32(word: $1, in: -1...Int32.max))
            }
        ]
    }

    private static var memory: [CommandOption<Self>] {
        [
            .text("-m, --memory SIZE", "the most memory, for example 512m") {
                $0.memory.limit = try size($1)
                // docker's minimum: with less nothing starts.
                if let limit = $0.memory.limit, limit < 6 << 20 {
                    throw UsageError("'\($1)' is below 6m, the least a container can start in")
                }
            },
            .text("--memory-swap SIZE", "memory and swap together, -1 for unlimited swap") {
                let swap = try ByteSize($1, allowingUnlimited: true).bytes
                $0.memory.swap = swap == 0 ? nil : swap
            },
            .text("--memory-reservation SIZE", "what the kernel tries to leave it when memory is short") {
                $0.memory.reservation = try size($1)
            },
        ]
    }

    private static var cpu: [CommandOption<Self>] {
        [
            .text("--cpus NUMBER", "how many CPUs' worth of time, for example 1.5") {
                let count = try NanoCPUs($1).count
                guard count == 0 || count >= 10_000_000 else { throw UsageError("'\($1)' is below 0.01, the least the kernel can give") }
                $0.nanoCPUs = count
            },
            .text("-c, --cpu-shares WEIGHT", "its share when CPUs are contended (default 1024)") {
                $0.cpu.shares = UInt64(try Int32(word: $1, in: 0...262_144))
            },
            .text("--cpu-quota MICROSECONDS", "CPU time per period") {
                let quota = Int64(try Int32(word: $1, in: -1...Int32.max))
                guard quota <= 0 || quota >= 1000 else { throw UsageError("'\($1)' is below 1000, the least the kernel can give") }
                $0.cpu.quota = quota
            },
            .text("--cpu-period MICROSECONDS", "the period of --cpu-quota (default 100000)") {
                $0.cpu.period = $1 == "0" ? nil : UInt64(try Int32(word: $1, in: 1000...1_000_000))
            },
            .text("--cpu-rt-period MICROSECONDS", "over which --cpu-rt-runtime counts, 1000 to 1000000") {
                $0.cpu.realtimePeriod = $1 == "0" ? nil : UInt64(try Int32(word: $1, in: 1000...1_000_000))
            },
            .text("--cpu-rt-runtime MICROSECONDS", "how much of each period real-time processes may run") {
                $0.cpu.realtimeRuntime = $1 == "0" ? nil : Int64(try Int32(word: $1, in: 1...1_000_000))
            },
            .text("--cpuset-cpus LIST", "the CPUs it may use, for example 0-3,7") { $0.cpu.cpus = $1 },
            .text("--cpuset-mems LIST", "the memory nodes it may use") { $0.cpu.mems = $1 },
        ]
    }

    private static var io: [CommandOption<Self>] {
        [
            .text("--blkio-weight WEIGHT", "10 to 1000: its share of block devices") {
                $0.blockIO.weight = $1 == "0" ? nil : UInt16(try Int32(word: $1, in: 10...1000))
            },
            .text("--device-read-bps DEVICE:RATE", "bytes a second read from a device; may be repeated") {
                $0.blockIO.throttleReadBpsDevice = ($0.blockIO.throttleReadBpsDevice ?? []) + [try throttle($1, isBytes: true)]
            },
            .text("--device-write-bps DEVICE:RATE", "bytes a second written; may be repeated") {
                $0.blockIO.throttleWriteBpsDevice = ($0.blockIO.throttleWriteBpsDevice ?? []) + [try throttle($1, isBytes: true)]
            },
            .text("--device-read-iops DEVICE:RATE", "reads a second; may be repeated") {
                $0.blockIO.throttleReadIOPSDevice = ($0.blockIO.throttleReadIOPSDevice ?? []) + [try throttle($1, isBytes: false)]
            },
            .text("--device-write-iops DEVICE:RATE", "writes a second; may be repeated") {
                $0.blockIO.throttleWriteIOPSDevice = ($0.blockIO.throttleWriteIOPSDevice ?? []) + [try throttle($1, isBytes: false)]
            },
        ]
    }

    var memory = Spec.Resources.Memory()
    var cpu = Spec.Resources.CPU()
    var blockIO = Spec.Resources.BlockIO()
    var nanoCPUs: Int64?
    var pids: Int64?
    var limits: [Spec.Process.Rlimit] = []
    var oomScoreAdjustment: Int?
    var cgroupParent: String?

    /// The limits as they were given, and nothing else.
    func given() throws(UsageError) -> Spec.Resources {
        var given = Spec.Resources()
        var cpu = self.cpu
        if let nanoCPUs {
            guard cpu.quota == nil, cpu.period == nil else {
                throw UsageError("--cpus cannot be given together with --cpu-quota or --cpu-period")
            }
            let online = Machine.processors
            guard nanoCPUs <= Int64(online) * 1_000_000_000 else {
                throw UsageError("--cpus is from 0.01 to \(online).00, as there are only \(online) CPUs available")
            }
            cpu.period = 100_000
            cpu.quota = nanoCPUs / 10_000
        }
        if let reservation = memory.reservation, let limit = memory.limit, limit > 0, reservation > limit {
            throw UsageError("--memory-reservation cannot be above --memory")
        }
        if let runtime = cpu.realtimeRuntime, let period = cpu.realtimePeriod, runtime > period {
            throw UsageError("--cpu-rt-runtime cannot be more than --cpu-rt-period")
        }
        if memory != Spec.Resources.Memory() { given.memory = memory }
        if cpu != Spec.Resources.CPU() { given.cpu = cpu }
        if blockIO != Spec.Resources.BlockIO() { given.blockIO = blockIO }
        if let pids { given.pids = Spec.Resources.Pids(limit: pids == 0 ? -1 : pids) }
        return given
    }

    func apply(to request: inout Request) throws(UsageError) {
        request.resources = try given()
        var memory = self.memory
        if let swap = memory.swap, swap != -1 {
            guard let limit = memory.limit else { throw UsageError("--memory-swap needs --memory") }
            guard swap >= limit else { throw UsageError("--memory-swap is memory and swap together, so it cannot be below --memory") }
        } else if let limit = memory.limit, memory.swap == nil {
            // docker's default: as much swap as memory.
            memory.swap = limit.multipliedReportingOverflow(by: 2).overflow ? limit : limit * 2
        }
        if memory != Spec.Resources.Memory() { request.resources.memory = memory }
        request.limits = limits
        request.oomScoreAdjustment = oomScoreAdjustment
        request.cgroupParent = cgroupParent.map { $0.isAbsolutePath ? $0 : "/" + $0 }
    }

    /// Nothing is no limit, as under docker.
    private static func size(_ text: String) throws(UsageError) -> Int64? {
        let bytes = try ByteSize(text).bytes
        return bytes == 0 ? nil : bytes
    }

    private static func positive(_ text: String) throws(UsageError) -> Int64 {
        let bytes = try ByteSize(text).bytes
        guard bytes > 0 else { throw UsageError("'\(text)' must be more than nothing") }
        return bytes
    }

    private static func throttle(_ text: String, isBytes: Bool) throws(UsageError) -> Spec.Resources.ThrottleDevice {
        let (major, minor, word) = try blockDevice(text, "RATE")
        let rate = isBytes ? try positive(word) : Int64(try Int32(word: word, in: 1...Int32.max))
        return Spec.Resources.ThrottleDevice(major: major, minor: minor, rate: UInt64(rate))
    }

    /// Nil for one of 0, which is none.
    private static func weight(_ text: String) throws(UsageError) -> Spec.Resources.WeightDevice? {
        let (major, minor, word) = try blockDevice(text, "WEIGHT")
        if word == "0" { return nil }
        return Spec.Resources.WeightDevice(major: major, minor: minor, weight: UInt16(try Int32(word: word, in: 10...1000)))
    }

    /// The number of the block device before the last colon, and what stands behind that.
    private static func blockDevice(_ text: String, _ what: StaticString) throws(UsageError) -> (Int64, Int64, String) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else { throw UsageError("'\(text)' is not DEVICE:\(what)") }
        let path = String(text[..<colon])
        guard let status = try? FileStatus(of: path, followLinks: true), status.kind == .block else {
            throw UsageError("'\(path)' is no block device")
        }
        let number = Machine.numbers(of: status.rawDevice)
        return (Int64(number.major), Int64(number.minor), String(text[text.index(after: colon)...]))
    }
}

extension Spec.Process.Rlimit {
    /// `nofile=1024` or `nofile=1024:2048`; −1 and `unlimited` for no limit.
    init(word text: String) throws(UsageError) {
        let pair = try KeyValue(text, requiresValue: true)
        guard let kind = ResourceLimit.Kind(pair.key) else {
            throw UsageError("'\(pair.key)' is no limit, known are \(ResourceLimit.Kind.names.joined(separator: ", "))")
        }
        func number(_ word: Substring) throws(UsageError) -> UInt64 {
            if word == "-1" || word == "unlimited" { return .max }
            guard let number = UInt64(word) else { throw UsageError("'\(word)' is no number, -1 or unlimited") }
            return number
        }
        let parts = (pair.value ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2 else { throw UsageError("'\(text)' is not NAME=SOFT[:HARD]") }
        let soft = try number(first)
        let hard = parts.count > 1 ? try number(parts[1]) : soft
        guard soft <= hard else { throw UsageError("the soft limit of \(kind.name) is above the hard one") }
        self.init(type: kind.specName, soft: soft, hard: hard)
    }
}
