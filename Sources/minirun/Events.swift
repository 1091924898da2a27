// SPDX-License-Identifier: Apache-2.0
import CLI
import Cgroups
import JSON
import Linux
import OCI
import Runtime

struct Events: Command {
    static let name: StaticString = "events"
    static let summary: StaticString = "show what a container uses and when it runs out of memory, one JSON object a line"
    static let operands: Operands = "CONTAINER"
    static var options: [CommandOption<Self>] {
        [
            .flag("--stats", "show what it uses now, once") { $0.isOnce = $1 },
            .text("--interval DURATION", "how often to look (default 5s)") { $0.interval = try Duration(word: $1) },
        ]
    }
    var isOnce = false
    var interval = Duration.seconds(5)

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let id = try RuntimeID(arguments[0])
        let container = try globals.directory().container(id, locked: false)
        guard container.status() != .stopped else { throw RuntimeError.notRunning }
        let cgroup = container.cgroup
        var kills = cgroup.oomKills ?? 0
        while true {
            let statistics = cgroup.statistics()
            try write("stats", id, statistics.json)
            if isOnce { return 0 }
            if let now = statistics.memory.oomKills, now > kills {
                try write("oom", id, nil)
                kills = now
            }
            guard container.status() != .stopped else { return 0 }
            let (seconds, fraction) = interval.components
            var nothing: [PollEntry] = []
            _ = try nothing.wait(milliseconds: CInt(clamping: seconds * 1000 + fraction / 1_000_000_000_000_000))
        }
    }

    private func write(_ type: String, _ id: RuntimeID, _ data: JSONValue?) throws {
        var event: JSONObject = ["type": .string(type), "id": .string(id.text)]
        if let data { event["data"] = data }
        try Output.standard.write(json: JSONValue.object(event))
    }
}

extension Statistics {
    /// In the words of `runc events`. What is not counted here is 0 there, and no limit the largest number.
    fileprivate var json: JSONValue {
        func number(_ value: UInt64?) -> JSONValue { .int(Int64(clamping: value ?? 0)) }
        func limit(_ value: UInt64?) -> JSONValue { .int(Int64(clamping: value ?? .max)) }
        let usage: JSONValue = ["total": number(cpu.usage), "kernel": number(cpu.system), "user": number(cpu.user)]
        let throttling: JSONValue = [
            "periods": number(cpu.periods), "throttledPeriods": number(cpu.throttledPeriods), "throttledTime": number(cpu.throttledTime),
        ]
        let memory: JSONValue = ["usage": number(memory.usage), "max": number(memory.peak), "limit": limit(memory.limit)]
        let raw: JSONValue = ["total_inactive_file": number(self.memory.inactiveFile)]
        return [
            "cpu": ["usage": usage, "throttling": throttling], "memory": ["usage": memory, "raw": raw],
            "pids": ["current": number(pids.current), "limit": number(pids.limit)],
            "blkio": [
                "readBytes": number(io?.readBytes), "writtenBytes": number(io?.writtenBytes), "reads": number(io?.reads),
                "writes": number(io?.writes),
            ],
            "hugetlb": [:],
        ]
    }
}
