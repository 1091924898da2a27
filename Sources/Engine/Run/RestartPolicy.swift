// SPDX-License-Identifier: Apache-2.0
package import JSON

/// When a monitor starts its container again, in docker's words.
package struct RestartPolicy: Equatable, Sendable {
    package var name = "no"
    /// Of `on-failure`, how many times at most; 0 for no bound.
    package var maximum = 0

    package enum Problem: Error { case unknown, misplacedCount, badCount }

    private static let names = ["no", "on-failure", "always", "unless-stopped"]

    /// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
    package init(_ text: String) throws(Problem) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        name = parts.first.map { $0.isEmpty ? "no" : $0 } ?? "no"
        guard Self.names.contains(name) else { throw .unknown }
        guard parts.count > 1 else { return }
        guard name == "on-failure" else { throw .misplacedCount }
        guard let count = Int(parts[1]), (0...Int(Int32.max)).contains(count) else { throw .badCount }
        maximum = count
    }

    /// Whether a container that ended like this is started again. Nobody knows how one ended whose code is nil: that is a failure.
    /// - Parameter restarts: how often that has been done.
    func wantsRestart(after exitCode: Int32?, restarts: Int) -> Bool {
        switch name {
        case "always", "unless-stopped": true
        case "on-failure": exitCode != 0 && (maximum == 0 || restarts < maximum)
        default: false
        }
    }
}

/// How long a monitor waits before each new start: docker's 100 ms, doubled up to a minute, and from the beginning after a run of 10 s.
struct Backoff: Equatable {
    private(set) var milliseconds: Int64 = 0

    mutating func next(afterRunning time: Int64) -> Int64 {
        if time >= 10_000 { milliseconds = 0 }
        milliseconds = milliseconds == 0 ? 100 : min(milliseconds * 2, 60_000)
        return milliseconds
    }
}

extension RestartPolicy: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("name", &name)
        try json("maximum", &maximum)
    }
}
