// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import OCI
import Runtime

struct Update: Command {
    static let name: StaticString = "update"
    static let summary: StaticString = "change the limits of a container"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] {
        [
            .text("-r, --resources FILE", "the limits as in config.json, '-' for standard input; other options are left aside") {
                $0.file = $1
            },
            .text("--memory BYTES", "memory; -1 for no limit") { $0.memory.limit = try Self.bytes($1) },
            .text("--memory-reservation BYTES", "memory it is pressed down to when there is little") {
                $0.memory.reservation = try Self.bytes($1)
            },
            .text("--memory-swap BYTES", "memory and swap together; -1 for no limit") { $0.memory.swap = try Self.bytes($1) },
            .text("--cpu-period MICROSECONDS", "how often the CPU quota starts anew") { $0.cpu.period = try UInt64(word: $1) },
            .text("--cpu-quota MICROSECONDS", "CPU time in one period") { $0.cpu.quota = try Int64(word: $1) },
            .text("--cpu-burst MICROSECONDS", "unused quota that may be saved up") { $0.cpu.burst = try UInt64(word: $1) },
            .text("--cpu-share|--cpu-shares WEIGHT", "its weight against others (default 1024)") { $0.cpu.shares = try UInt64(word: $1) },
            .text("--cpu-idle 0|1", "whether it runs only when nobody else does") { $0.cpu.idle = try Int64(word: $1, in: 0...1) },
            .text("--cpu-rt-period MICROSECONDS", "how often the real-time quota starts anew") {
                $0.cpu.realtimePeriod = try UInt64(word: $1)
            },
            .text("--cpu-rt-runtime MICROSECONDS", "real-time CPU time in one period") { $0.cpu.realtimeRuntime = try Int64(word: $1) },
            .text("--cpuset-cpus LIST", "CPUs it may use, as 0-3,7") { $0.cpu.cpus = $1 },
            .text("--cpuset-mems LIST", "memory nodes it may use") { $0.cpu.mems = $1 },
            .text("--blkio-weight WEIGHT", "its weight in block i/o, from 10 to 1000") { $0.blockIO.weight = try UInt16(word: $1) },
            .text("--pids-limit N", "tasks; -1 for no limit") {
                $0.pids = Spec.Resources.Pids(limit: try Int64(word: $1, in: -1...Int64.max))
            },
        ]
    }
    var file: String?
    var memory = Spec.Resources.Memory()
    var cpu = Spec.Resources.CPU()
    var blockIO = Spec.Resources.BlockIO()
    var pids: Spec.Resources.Pids?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let resources = try readFile() ?? Spec.Resources(memory: memory, cpu: cpu, pids: pids, blockIO: blockIO)
        try globals.directory().container(RuntimeID(arguments[0]), locked: true).update(resources)
        return 0
    }

    private func readFile() throws -> Spec.Resources? {
        guard let file else { return nil }
        let bytes = try FileDescriptor(opening: file == "-" ? "/dev/stdin" : file).readAll()
        do { return try JSONDecoder().decode(Spec.Resources.self, from: bytes) } catch { throw RuntimeError.malformed(file, error) }
    }

    private static func bytes(_ text: String) throws -> Int64 { try ByteSize(text, allowingUnlimited: true).bytes }
}
