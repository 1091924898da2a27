// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A moment, in nanoseconds since 1970 (`CLOCK_REALTIME`).
package struct Timestamp: Sendable, Equatable, Comparable {
    package let nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }

    package static func < (left: Timestamp, right: Timestamp) -> Bool { left.nanoseconds < right.nanoseconds }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with nanoseconds: `2026-11-25T14:29:33.123456789Z`.
    package var description: String {
        var (total, fraction) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        if fraction < 0 { (total, fraction) = (total - 1, fraction + 1_000_000_000) }
        let second = Int((total % 86400 + 86400) % 86400)
        let date = Self.date(ofDay: Int((total - Int64(second)) / 86400))
        func digits(_ number: Int, _ width: Int) -> String {
            let text = "\(number)"
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        return digits(date.year, 4) + "-" + digits(date.month, 2) + "-" + digits(date.day, 2) + "T" + digits(second / 3600, 2) + ":"
            + digits(second / 60 % 60, 2) + ":" + digits(second % 60, 2) + "." + digits(Int(fraction), 9) + "Z"
    }

    /// The Gregorian date of a day after 1970. `gmtime_r(3)` would do, but reads the time zone's file first.
    private static func date(ofDay day: Int) -> (year: Int, month: Int, day: Int) {
        // Years that begin in March have the leap day at their end; 146097 days are 400 of them.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }

    /// The inverse; a day that its month lacks is one of the next.
    private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let march = (month + 9) % 12
        let years = month < 3 ? year - 1 : year
        return 365 * years + years / 4 - years / 100 + years / 400 + (153 * march + 2) / 5 + day - 1 - 719_468
    }

    /// Reads what `description` writes, with any number of decimals or none, `Z` or an offset as `+01:00`. Nil for anything else.
    package init?(_ text: String) {
        var text = text
        guard let read = text.withUTF8({ Self.nanoseconds($0) }) else { return nil }
        nanoseconds = read
    }

    private static func nanoseconds(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        guard bytes.count >= 20, bytes.count <= 40 else { return nil }
        func number(_ start: Int, _ count: Int) -> Int? {
            guard start + count <= bytes.count else { return nil }
            var value = 0
            for index in start..<(start + count) {
                guard (48...57).contains(bytes[index]) else { return nil }
                value = value * 10 + Int(bytes[index] - 48)
            }
            return value
        }
        guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":"), let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2),
            let minute = number(14, 2), let second = number(17, 2), (1970...2260).contains(year), (1...12).contains(month),
            (1...31).contains(day),
            hour < 24, minute < 60, second < 61
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if bytes[index] == UInt8(ascii: ".") {
            index += 1
            var scale: Int64 = 100_000_000
            while index < bytes.count, (48...57).contains(bytes[index]) {
                fraction += Int64(bytes[index] - 48) * scale
                scale /= 10
                index += 1
            }
        }
        var offset = 0
        guard index < bytes.count else { return nil }
        if bytes[index] == UInt8(ascii: "Z") {
            guard index + 1 == bytes.count else { return nil }
        } else {
            guard bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-"), index + 6 == bytes.count,
                let hours = number(index + 1, 2), bytes[index + 3] == UInt8(ascii: ":"), let minutes = number(index + 4, 2)
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (bytes[index] == UInt8(ascii: "-") ? -1 : 1)
        }
        let seconds = Self.day(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return Int64(seconds) * 1_000_000_000 + fraction
    }
}

extension Timestamp {
    /// Reads a moment without a zone as local time: `2026-11-25`, `2026-11-25T14:29`, `2026-11-25T14:29:33.5`. Nil for anything else.
    package init?(local text: String) {
        let full: String
        switch text.utf8.count {
        case 10: full = text + "T00:00:00Z"
        case 16: full = text + ":00Z"
        default: full = text + "Z"
        }
        guard let utc = Timestamp(full) else { return nil }
        var seconds = time_t(utc.nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        parts.tm_isdst = -1
        nanoseconds = Int64(mktime(&parts)) * 1_000_000_000 + utc.nanoseconds % 1_000_000_000
    }
}

/// A clock that never jumps (`CLOCK_MONOTONIC`).
package enum MonotonicClock {
    package static var nanoseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }

    package static var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
