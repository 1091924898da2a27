// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Logs: Command {
    static let name: StaticString = "logs"
    static let summary: StaticString = "show what a container wrote"
    static let operands: Operands = "CONTAINER"
    static let examples = [
        Example("minictl logs -f --tail 20 web", "the last lines, and those to come"),
        Example("minictl logs --since 10m -t web", "of the last ten minutes, with their times"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-f, --follow", "go on until the container ends") { $0.query.follows = $1 },
            .text("-n, --tail LINES", "only the last lines (default all)") { $0.query.tail = $1 == "all" ? nil : try Self.count($1) },
            .text("--since TIME", "a moment such as 2026-11-25T14:29:33Z, seconds since 1970, or how long ago, such as 10m") {
                $0.query.since = try Timestamp(word: $1)
            },
            .text("--until TIME", "likewise") { $0.query.until = try Timestamp(word: $1) },
            .flag("-t, --timestamps", "with the time before each line") { $0.showsTimes = $1 },
            .flag("--details", "accepted as docker's; there are no more details") { _, _ in },
        ]
    }

    var query = LogQuery()
    var showsTimes = false

    /// As with docker, a negative number stands for all.
    private static func count(_ text: String) throws(UsageError) -> Int? {
        guard let count = Int(text) else { throw UsageError("'\(text)' is neither a number of lines nor 'all'") }
        return count < 0 ? nil : count
    }

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let container = try home.container(named: arguments.first ?? "")
        var pending = ""
        var isError = false
        func flush() throws(SystemError) {
            if pending.isEmpty { return }
            try (isError ? Output.error : Output.standard).write(pending)
            pending = ""
        }
        // Lines of one stream go out together as long as no other comes between, so both keep their order.
        func show(_ line: LogLine) throws(SystemError) {
            if line.isError != isError || pending.utf8.count > 65536 {
                try flush()
                isError = line.isError
            }
            if showsTimes { pending += line.time + " " }
            pending += line.text
        }
        try container.logs(query, in: home, idle: flush, line: show)
        try flush()
        return 0
    }
}

extension Timestamp {
    /// RFC 3339, the same without its end (a date, a minute, a second in local time), seconds since 1970 with a fraction or not,
    /// or how long ago, `1h30m`.
    init(word text: String) throws(UsageError) {
        if let moment = Timestamp(text) {
            self = moment
        } else if let moment = Timestamp(local: text) {
            self = moment
        } else if let seconds = text.split(separator: ".", omittingEmptySubsequences: false).first.flatMap({ Int64($0) }), seconds >= 0,
            seconds < 1 << 33,
            let fraction = Self.fraction(text)
        {
            self.init(nanoseconds: seconds * 1_000_000_000 + fraction)
        } else if let ago = try? Duration(word: text) {
            let (seconds, attoseconds) = ago.components
            self.init(nanoseconds: Timestamp.now.nanoseconds - seconds * 1_000_000_000 - attoseconds / 1_000_000_000)
        } else {
            throw UsageError("'\(text)' is no time: use RFC 3339, seconds since 1970, or how long ago, for example 10m")
        }
    }

    /// The nanoseconds behind the point; nil if that is no fraction.
    private static func fraction(_ text: String) -> Int64? {
        guard let point = text.firstIndex(of: ".") else { return 0 }
        let digits = text[text.index(after: point)...]
        guard !digits.isEmpty, digits.utf8.count <= 9, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(digits + String(repeating: "0", count: 9 - digits.utf8.count))
    }
}
