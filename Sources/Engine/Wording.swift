// SPDX-License-Identifier: Apache-2.0
package import Linux

/// A stretch of time in docker's words: `3 minutes`, `About an hour`, `2 weeks`.
package struct Elapsed: CustomStringConvertible, Sendable {
    private let seconds: Int64

    package init(seconds: Int64) { self.seconds = max(0, seconds) }

    /// From a moment in RFC 3339 to now; nil for a text that is none.
    package init?(since text: String, until now: Timestamp = .now) {
        guard let start = Timestamp(text) else { return nil }
        self.init(seconds: (now.nanoseconds - start.nanoseconds) / 1_000_000_000)
    }

    package var description: String {
        let minutes = seconds / 60
        // Half an hour counts as a whole one, as with docker.
        let hours = (seconds + 1800) / 3600
        switch seconds {
        case 0: return "Less than a second"
        case 1: return "1 second"
        case ..<60: return "\(seconds) seconds"
        default: break
        }
        if minutes == 1 { return "About a minute" }
        if minutes < 60 { return "\(minutes) minutes" }
        if hours == 1 { return "About an hour" }
        switch hours {
        case ..<48: return "\(hours) hours"
        case ..<(24 * 14): return "\(hours / 24) days"
        case ..<(24 * 60): return "\(hours / 24 / 7) weeks"
        case ..<(24 * 365 * 2): return "\(hours / 24 / 30) months"
        default: return "\(seconds / 3600 / 24 / 365) years"
        }
    }
}

/// Bytes in docker's words for disks and images, with decimal prefixes and a few significant digits: `4.19MB`.
package struct DecimalBytes: CustomStringConvertible, Sendable {
    private let bytes: Int64
    private let digits: Int

    package init(_ bytes: Int64, digits: Int = 3) {
        self.bytes = max(0, bytes)
        self.digits = digits
    }

    package var description: String { scaled(bytes, by: 1000, digits, ["B", "kB", "MB", "GB", "TB", "PB", "EB"]) }
}

/// Bytes in docker's words for memory, with binary prefixes: `1.938GiB`.
package struct BinaryBytes: CustomStringConvertible, Sendable {
    private let bytes: UInt64

    package init(_ bytes: UInt64) { self.bytes = bytes }

    package var description: String {
        scaled(Int64(clamping: bytes), by: 1024, 4, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
    }
}

/// As C's `%.Ng` with a unit behind it.
private func scaled(_ bytes: Int64, by base: Int64, _ digits: Int, _ units: [String]) -> String {
    var unit = 0
    var divisor: Int64 = 1
    while unit < units.count - 1, bytes / divisor >= base {
        divisor *= base
        unit += 1
    }
    var value = Double(bytes) / Double(divisor)
    var places = max(0, digits - (value >= 1000 ? 4 : value >= 100 ? 3 : value >= 10 ? 2 : 1))
    func rounded(_ value: Double, _ places: Int) -> Double {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        return (value * scale).rounded(.toNearestOrEven) / scale
    }
    value = rounded(value, places)
    // Rounding may have added a digit before the point: 9.996 is 10 and not 10.00.
    if value >= 10, places == digits - 1 { places = max(0, digits - 2) }
    value = rounded(value, places)
    let text = "\(value)"
    return (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + units[unit]
}

extension Listing {
    /// docker's status line: `Up 3 minutes (Paused)`, `Exited (0) 5 seconds ago`, `Created`.
    package func sentence(at now: Timestamp = .now) -> String {
        func elapsed(_ since: String?) -> String { since.flatMap { Elapsed(since: $0, until: now) }?.description ?? "some time" }
        switch status {
        case .created: return "Created"
        case .running:
            let words = "Up " + elapsed(record.start?.at)
            return health.map { words + " (\($0.words))" } ?? words
        case .paused: return "Up \(elapsed(record.start?.at)) (Paused)"
        case .restarting(let code):
            return "Restarting (\(code.map { "\($0)" } ?? "unknown")) \(elapsed(record.end?.at)) ago"
        case .exited(let code):
            let code = code.map { "\($0)" } ?? "unknown"
            let suffix = record.end?.outOfMemory == true ? " (out of memory)" : ""
            guard let at = record.end?.at else { return "Exited (\(code))" }
            return "Exited (\(code)) \(elapsed(at)) ago\(suffix)"
        }
    }
}
