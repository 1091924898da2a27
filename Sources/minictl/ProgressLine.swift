// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Images
import Linux

/// One line on standard error about what takes over a second: drawn anew as bytes pass, gone at the end. For people only: what is no
/// terminal gets nothing.
final class ProgressLine {
    private let label: String
    /// How many bytes there will be, where that is known.
    private let total: Int64?
    private let isShown = Output.error.isTerminal && Machine.environment("TERM") != "dumb"
    private let began = MonotonicClock.milliseconds
    private var count: Int64 = 0
    private var next: Int64
    private var isDrawn = false

    /// In milliseconds.
    private static let patience: Int64 = 1000
    private static let pause: Int64 = 100

    init(_ label: String, total: Int64? = nil) {
        self.label = escapeVisible(label)
        self.total = total.flatMap { $0 > 0 ? $0 : nil }
        next = began + Self.patience
    }

    /// For those who move the bytes; nil where nobody looks.
    var meter: ByteMeter? { isShown ? ByteMeter { [self] in pass($0) } : nil }

    private func pass(_ more: Int) {
        count += Int64(more)
        let now = MonotonicClock.milliseconds
        guard now >= next else { return }
        next = now + Self.pause
        isDrawn = true
        try? Output.error.write("\r\(text(after: now - began).prefix(max(1, Terminal.width - 1)))\u{1B}[K")
    }

    /// `exporting web: 1.2GB, 410MB/s`, or `importing x.tar: 120MB of 480MB (25%), 60MB/s`.
    func text(after milliseconds: Int64) -> String {
        var done = "\(DecimalBytes(count))"
        if let total { done += " of \(DecimalBytes(max(total, count))) (\(min(100, count * 100 / total))%)" }
        return "\(label): \(done), \(DecimalBytes(count * 1000 / max(1, milliseconds)))/s"
    }

    /// Takes the line away.
    func end() {
        if isDrawn { try? Output.error.write("\r\u{1B}[K") }
        isDrawn = false
    }
}
