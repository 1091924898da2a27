// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Cgroups

/// `file = text` for each setting.
private func texts(_ resources: Spec.Resources, _ version: Hierarchy.Version, memoryLimit: UInt64? = nil) throws -> [String] {
    try resources.settings(memoryLimit: memoryLimit) { _ in version }.map { "\($0.file) = \($0.text)" }
}

@Suite struct MemorySettingsTests {
    @Test func `version 1 has memory and swap together, version 2 apart`() throws {
        let resources = Spec.Resources(memory: .init(limit: 64 << 20, reservation: 32 << 20, swap: 128 << 20))
        #expect(
            try texts(resources, .v1) == [
                "memory.limit_in_bytes = 67108864", "memory.memsw.limit_in_bytes = 134217728", "memory.soft_limit_in_bytes = 33554432",
            ])
        #expect(try texts(resources, .v2) == ["memory.swap.max = 67108864", "memory.max = 67108864", "memory.low = 33554432"])
    }

    @Test func `the limit that makes room goes first`() throws {
        let growing = Spec.Resources(memory: .init(limit: 100 << 20, swap: 200 << 20))
        #expect(try texts(growing, .v1, memoryLimit: 64 << 20).first == "memory.memsw.limit_in_bytes = 209715200")
        let shrinking = Spec.Resources(memory: .init(limit: 16 << 20, swap: 32 << 20))
        #expect(try texts(shrinking, .v1, memoryLimit: 64 << 20).first == "memory.limit_in_bytes = 16777216")
        let without = Spec.Resources(memory: .init(limit: 64 << 20, swap: -1))
        #expect(try texts(without, .v1) == ["memory.memsw.limit_in_bytes = -1", "memory.limit_in_bytes = 67108864"])
    }

    @Test func `unlimited is -1 in version 1 and max in version 2, and 0 is nothing`() throws {
        let unlimited = Spec.Resources(memory: .init(limit: -1, reservation: -1, swap: -1))
        #expect(try texts(unlimited, .v2) == ["memory.swap.max = max", "memory.max = max", "memory.low = max"])
        let unsaid = Spec.Resources(memory: .init(limit: -1))
        #expect(try texts(unsaid, .v2) == ["memory.swap.max = max", "memory.max = max"])
        #expect(try texts(unsaid, .v1) == ["memory.memsw.limit_in_bytes = -1", "memory.limit_in_bytes = -1"])
        #expect(try texts(.init(memory: .init(limit: 0, swap: 0, kernel: 5, kernelTCP: 5)), .v1) == [])
        #expect(try texts(.init(memory: .init(limit: 1 << 20, swap: 1 << 20)), .v2).first == "memory.swap.max = 0")
    }

    @Test func `what cannot be meant is refused`() {
        for memory: Spec.Resources.Memory in [
            .init(limit: -2), .init(limit: 2 << 20, swap: 1 << 20), .init(limit: -1, swap: 1 << 20), .init(swappiness: 101),
            .init(reservation: .min),
        ] {
            #expect { try texts(.init(memory: memory), .v1) } throws: { if case CgroupError.invalid = $0 { true } else { false } }
        }
        #expect(throws: CgroupError.self) { try texts(.init(memory: .init(swap: 1 << 20)), .v2) }
    }

    @Test func `version 1 alone knows swappiness and life without the OOM killer`() throws {
        let resources = Spec.Resources(memory: .init(swappiness: 0, disableOOMKiller: true))
        #expect(try texts(resources, .v1) == ["memory.swappiness = 0", "memory.oom_control = 1"])
        #expect(throws: CgroupError.onlyIn(.v1, "running without the OOM killer")) { try texts(resources, .v2) }
        #expect(try texts(.init(memory: .init(disableOOMKiller: false)), .v2) == [])
    }
}

@Suite struct CPUSettingsTests {
    @Test func `period goes before quota in version 1, both stand on one line in version 2`() throws {
        let resources = Spec.Resources(cpu: .init(shares: 512, quota: 50_000, burst: 1000, period: 200_000))
        #expect(
            try texts(resources, .v1) == [
                "cpu.shares = 512", "cpu.cfs_period_us = 200000", "cpu.cfs_quota_us = 50000", "cpu.cfs_burst_us = 1000",
            ])
        #expect(try texts(resources, .v2) == ["cpu.weight = 59", "cpu.max = 50000 200000", "cpu.max.burst = 1000"])
    }

    @Test func `no quota is -1 or max`() throws {
        #expect(try texts(.init(cpu: .init(quota: -1)), .v1) == ["cpu.cfs_quota_us = -1"])
        #expect(try texts(.init(cpu: .init(quota: -1)), .v2) == ["cpu.max = max 100000"])
        #expect(try texts(.init(cpu: .init(quota: 0, period: 0)), .v2) == [])
    }

    @Test func `weights run from one to ten thousand, and the default stays the default`() {
        let shares: [UInt64] = [0, 1, 2, 3, 1024, 2048, 262_144, .max]
        #expect(shares.map(Spec.Resources.CPU.weight(shares:)) == [1, 1, 1, 2, 100, 174, 10_000, 10_000])
        let all = (2...262_144).lazy.map { Spec.Resources.CPU.weight(shares: UInt64($0)) }
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 <= $1 })
    }

    @Test func `shares out of range are what the kernel would make of them`() throws {
        #expect(try texts(.init(cpu: .init(shares: 1)), .v1) == ["cpu.shares = 2"])
        #expect(try texts(.init(cpu: .init(shares: .max)), .v1) == ["cpu.shares = 262144"])
    }

    @Test func `leaving idle comes before the weight, going idle after it`() throws {
        #expect(try texts(.init(cpu: .init(shares: 1024, idle: 1)), .v2) == ["cpu.weight = 100", "cpu.idle = 1"])
        #expect(try texts(.init(cpu: .init(shares: 1024, idle: 0)), .v1) == ["cpu.idle = 0", "cpu.shares = 1024"])
        #expect(throws: CgroupError.self) { try texts(.init(cpu: .init(idle: 2)), .v1) }
    }

    @Test func `real-time limits are version 1's`() throws {
        let resources = Spec.Resources(cpu: .init(realtimeRuntime: 95_000, realtimePeriod: 1_000_000))
        #expect(try texts(resources, .v1) == ["cpu.rt_period_us = 1000000", "cpu.rt_runtime_us = 95000"])
        #expect(throws: CgroupError.onlyIn(.v1, "real-time CPU limits")) { try texts(resources, .v2) }
    }

    @Test func `cpus and nodes are lists, sorted and joined`() throws {
        let resources = Spec.Resources(cpu: .init(cpus: "7,0-1,2", mems: "0"))
        #expect(try texts(resources, .v1) == ["cpuset.cpus = 0-2,7", "cpuset.mems = 0"])
        #expect(try texts(resources, .v2) == ["cpuset.cpus = 0-2,7", "cpuset.mems = 0"])
    }

    @Test(arguments: ["0-4294967295", "99999999999999999999", "8192", "3-1", "a", "-1", "1-", "1--2", "+1", " 1", "1;2", ","])
    func `a list that names what cannot exist is refused in one sentence`(text: String) {
        #expect { try texts(.init(cpu: .init(cpus: text)), .v1) } throws: { error in
            guard case CgroupError.invalid("cpuset cpus", let why) = error else { return false }
            return !why.contains("\n") && why.contains(text)
        }
    }
}

@Suite struct OtherSettingsTests {
    @Test(arguments: [Hierarchy.Version.v1, .v2])
    func `no limit of pids is max`(version: Hierarchy.Version) throws {
        let limits: [Int64] = [100, 0, -1]
        #expect(
            try limits.flatMap { try texts(.init(pids: .init(limit: $0)), version) } == [
                "pids.max = 100", "pids.max = max", "pids.max = max",
            ])
    }

    @Test func `throttles are a file each in version 1 and words of one file in version 2`() throws {
        let resources = Spec.Resources(
            blockIO: .init(
                throttleReadBpsDevice: [.init(major: 8, minor: 0, rate: 1000)],
                throttleWriteBpsDevice: [.init(major: 8, minor: 16, rate: 2000)],
                throttleReadIOPSDevice: [.init(major: 8, minor: 0, rate: 10)], throttleWriteIOPSDevice: [.init(major: 8, minor: 0, rate: 0)]
            ))
        #expect(
            try texts(resources, .v1) == [
                "blkio.throttle.read_bps_device = 8:0 1000", "blkio.throttle.write_bps_device = 8:16 2000",
                "blkio.throttle.read_iops_device = 8:0 10", "blkio.throttle.write_iops_device = 8:0 0",
            ])
        #expect(
            try texts(resources, .v2) == [
                "io.max = 8:0 rbps=1000", "io.max = 8:16 wbps=2000", "io.max = 8:0 riops=10", "io.max = 8:0 wiops=max",
            ])
    }

    @Test func `a weight tries BFQ first and has another file's words ready`() throws {
        let resources = Spec.Resources(blockIO: .init(weight: 500, weightDevice: [.init(major: 8, minor: 0, weight: 1000)]))
        let unified = try resources.settings { _ in .v2 }
        #expect(unified.map(\.text) == ["default 500", "8:0 1000"])
        #expect(unified.map(\.fallback) == [.init(file: "io.weight", text: "default 4950"), .init(file: "io.weight", text: "8:0 10000")])
        #expect(try resources.settings { _ in .v1 }.map(\.fallback?.file) == ["blkio.weight", "blkio.weight_device"])
        #expect(throws: CgroupError.self) { try texts(.init(blockIO: .init(weight: 9)), .v1) }
        #expect(throws: CgroupError.self) {
            try texts(.init(blockIO: .init(throttleReadBpsDevice: [.init(major: -1, minor: 0, rate: 1)])), .v1)
        }
    }

    @Test func `huge pages are limited in use and in reservation`() throws {
        let resources = Spec.Resources(hugepageLimits: [.init(pageSize: "2MB", limit: 4 << 20)])
        #expect(try texts(resources, .v1) == ["hugetlb.2MB.limit_in_bytes = 4194304", "hugetlb.2MB.rsvd.limit_in_bytes = 4194304"])
        #expect(try texts(resources, .v2) == ["hugetlb.2MB.max = 4194304", "hugetlb.2MB.rsvd.max = 4194304"])
        for size in ["", "MB", "2", "2XB", "../2MB", "0MB", "99999999999999999999MB"] {
            #expect(throws: CgroupError.self) { try texts(.init(hugepageLimits: [.init(pageSize: size, limit: 1)]), .v1) }
        }
    }

    @Test func `network limits are version 1's`() throws {
        let resources = Spec.Resources(network: .init(classID: 0x100001, priorities: [.init(name: "eth0", priority: 5)]))
        #expect(try texts(resources, .v1) == ["net_cls.classid = 1048577", "net_prio.ifpriomap = eth0 5"])
        #expect(throws: CgroupError.self) { try texts(resources, .v2) }
        #expect(throws: CgroupError.self) { try texts(.init(network: .init(priorities: [.init(name: "a\nb", priority: 1)])), .v1) }
    }

    @Test func `rdma devices come in order of name`() throws {
        let resources = Spec.Resources(rdma: ["mlx5_1": .init(hcaHandles: 2, hcaObjects: 2000), "mlx4_0": .init(hcaObjects: 1)])
        #expect(try texts(resources, .v2) == ["rdma.max = mlx4_0 hca_object=1", "rdma.max = mlx5_1 hca_handle=2 hca_object=2000"])
    }

    @Test func `version 2 files are taken by name`() throws {
        #expect(
            try texts(.init(unified: ["memory.high": "1G", "io.max": "8:0 rbps=1"]), .v2) == ["io.max = 8:0 rbps=1", "memory.high = 1G"])
        let lines = try texts(.init(unified: ["io.max": "8:0 riops=1\n8:16 riops=2\n"]), .v2)
        #expect(lines == ["io.max = 8:0 riops=1", "io.max = 8:16 riops=2"])
        #expect(throws: CgroupError.onlyIn(.v2, "memory.high")) { try texts(.init(unified: ["memory.high": "1G"]), .v1) }
    }

    @Test(arguments: [
        "", "memory", "../memory.max", "memory.max/..", "cgroup.procs", "cgroup.subtree_control", "nothing.max", ".max", "memory.\nmax",
    ])
    func `a name that is no controller's file is refused`(file: String) {
        #expect { try texts(.init(unified: [file: "1"]), .v2) } throws: { if case CgroupError.invalid = $0 { true } else { false } }
    }

    @Test func `a hybrid machine has each limit in its own version's words`() throws {
        let resources = Spec.Resources(memory: .init(limit: 1 << 20), hugepageLimits: [.init(pageSize: "2MB", limit: 0)])
        let files = try resources.settings { $0 == .hugetlb ? .v2 : .v1 }.map(\.file)
        #expect(files == ["memory.limit_in_bytes", "hugetlb.2MB.max", "hugetlb.2MB.rsvd.max"])
    }

    @Test func `limits name the controllers they need`() {
        #expect(Spec.Resources().controllers == [])
        #expect(Spec.Resources(memory: .init(limit: 0), cpu: .init()).controllers == [])
        #expect(Spec.Resources(memory: .init(limit: 1), cpu: .init(cpus: "0")).controllers == [.memory, .cpuset])
        #expect(
            Spec.Resources(cpu: .init(cpus: "nonsense"), pids: .init(limit: 0), unified: ["io.max": "x"]).controllers == [
                .cpuset, .pids, .io,
            ])
    }
}

@Suite struct ProofTests {
    @Test(
        "what a line for a device was is written back, and one that was not there is taken away",
        arguments: [
            ("8:0 100\n8:16 200\n", "8:0 5", "8:0 100"), ("8:16 200\n", "8:0 5", "8:0 0"),
            ("8:0 rbps=1 wbps=max riops=max wiops=max\n", "8:0 wbps=7", "8:0 rbps=1 wbps=max riops=max wiops=max"),
            ("", "8:0 wbps=7", "8:0 wbps=max"),
        ])
    func formerLine(now: String, text: String, line: String) {
        for proof in [Setting.Proof.line, .none] { #expect(Cgroup.former(now, Setting(.io, .v2, "io.max", text, proof: proof)) == line) }
    }

    @Test(
        "of other files the first line is, but not the name in front of a number",
        arguments: [
            ("memory.max", "512\n", "512"), ("cpu.max", "max 100000\n", "max 100000"), ("io.weight", "default 100\n8:0 7\n", "default 100"),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n", "0"),
        ])
    func former(file: String, now: String, text: String) {
        #expect(Cgroup.former(now, Setting(.memory, .v1, file, "1", proof: .none)) == text)
    }

    @Test func `a limit counts as kept when the kernel rounded it down to its unit`() {
        #expect(Setting.Proof.bytes(unit: 4096).accepts("8192\n", for: "10000"))
        #expect(!Setting.Proof.bytes(unit: 4096).accepts("4096\n", for: "10000"))
        #expect(!Setting.Proof.bytes(unit: 4096).accepts("12288\n", for: "10000"))
        #expect(!Setting.Proof.number.accepts("99\n", for: "100"))
    }

    @Test func `unlimited has three spellings`() {
        #expect(Setting.Proof.bytes(unit: 4096).accepts("9223372036854771712\n", for: "-1"))
        #expect(Setting.Proof.number.accepts("max\n", for: "max"))
        #expect(Setting.Proof.number.accepts("-1\n", for: "-1"))
        #expect(!Setting.Proof.number.accepts("100\n", for: "max"))
    }

    @Test func `a line may have more words, in any order`() {
        #expect(Setting.Proof.line.accepts("8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=7\n", for: "8:0 rbps=1"))
        #expect(!Setting.Proof.line.accepts("8:0 rbps=2\n8:16 rbps=1\n", for: "8:0 rbps=1"))
    }

    @Test func `a list is the same however it is written`() {
        #expect(Setting.Proof.list.accepts("0-2\n", for: "0,1,2"))
        #expect(!Setting.Proof.list.accepts("0\n", for: "0-1"))
    }
}
