// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Glibc
import Linux

struct Stats: Command {
    static let name: StaticString = "stats"
    static let summary: StaticString = "show what containers use, again and again"
    static let operands: Operands = "[CONTAINER...]"
    static let examples = [
        Example("minictl stats", "a table that redraws until ^C"),
        Example("minictl stats --no-stream --format '{{.Name}}: {{.CPUPerc}}'", "once, in other words"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --all", "those that do not run too") { $0.isAll = $1 },
            .flag("--no-stream", "look once") { $0.isOnce = $1 },
            .flag("--no-trunc", "whole ids") { $0.isWhole = $1 },
            .text("--format table|json|TEMPLATE", "how to print them") { $0.format = try ListFormat($1) },
        ]
    }

    var isAll = false
    var isOnce = false
    var isWhole = false
    var format = ListFormat.table

    /// Between two looks, in milliseconds: long enough for a share of a processor to mean something.
    private static let first: Int64 = 100
    private static let interval: Int64 = 1000

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        var next = MonotonicClock.milliseconds + Self.first
        var before = try home.processorMarks(of: arguments, all: isAll)
        while true {
            usleep(UInt32(clamping: max(0, next - MonotonicClock.milliseconds) * 1000))
            next = MonotonicClock.milliseconds + Self.interval
            let usages = try home.usage(of: arguments, all: isAll)
            let rows = usages.enumerated().map { place, usage in
                UsageRow(usage, since: before[usage.record.id], word: arguments.isEmpty ? nil : arguments[place])
            }
            let text = try format.text(rows, isWhole: isWhole, width: Output.standard.tableWidth)
            try Output.standard.write(!isOnce && Output.standard.isTerminal ? Self.redrawn(text) : text)
            if isOnce { return 0 }
            before = [:]
            for usage in usages { before[usage.record.id] = usage.mark }
        }
    }
}

extension Stats {
    /// Home, then each line over the old one, then nothing of what was below: no flicker. What does not fit would scroll the rest away.
    private static func redrawn(_ text: String) -> String {
        let lines = text.split(separator: "\n").prefix(max(1, Terminal.height - 1))
        return "\u{1B}[H" + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}

private struct UsageRow: ListRow {
    let usage: Usage
    let before: ProcessorMark?
    /// By which it was asked for.
    let word: String?
    var quiet: String { ContainerID.short(usage.record.id) }

    init(_ usage: Usage, since before: ProcessorMark?, word: String?) {
        self.usage = usage
        self.before = before
        self.word = word
    }

    static var columns: [Column<Self>] {
        [
            Column("CONTAINER ID", "ID") { $0.usage.record.id }.brief { $0.quiet },
            Column("NAME", "Name", shrinksTo: 8) { $0.usage.record.name },
            Column("CPU %", "CPUPerc") { percentage($0.usage.processorPercentage(since: $0.before)) },
            Column("MEM USAGE / LIMIT", "MemUsage") { "\(binary($0.usage.memory)) / \(binary($0.usage.memoryLimit))" },
            Column("MEM %", "MemPerc") { percentage($0.usage.memoryPercentage) },
            Column("NET I/O", "NetIO") { "\(decimal($0.usage.network?.received)) / \(decimal($0.usage.network?.sent))" },
            Column("BLOCK I/O", "BlockIO") { "\(decimal($0.usage.bytesRead)) / \(decimal($0.usage.bytesWritten))" },
            Column("PIDS", "PIDs") { $0.usage.processes.map { "\($0)" } ?? "--" },
            Column("CONTAINER", "Container", isShown: false) { $0.word ?? $0.quiet },
        ]
    }
}

private func binary(_ bytes: UInt64?) -> String { bytes.map { BinaryBytes($0).description } ?? "--" }

private func decimal(_ bytes: UInt64?) -> String { bytes.map { DecimalBytes(Int64(clamping: $0)).description } ?? "--" }

/// With two decimals.
private func percentage(_ share: Double?) -> String {
    guard let share, share.isFinite, share < 1e9 else { return "--" }
    let hundredths = Int((share * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)%"
}
