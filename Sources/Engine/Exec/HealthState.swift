// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux
import Runtime

/// How a container has been found lately, as `containers/ID/health.json` keeps it, in the shape of docker's `State.Health`.
package struct HealthState: Equatable, Sendable {
    package var status = "starting"
    package var failingStreak = 0
    /// The last five, the newest last.
    package var log: [Result] = []

    package init() {}

    package struct Result: Equatable, Sendable {
        package var start = ""
        package var end = ""
        /// The command's; −1 for one that took too long.
        package var exitCode: Int32 = 0
        package var output = ""

        package init() {}
    }

    /// What is kept of a command's output, in bytes.
    static let outputLimit = 4096

    /// Takes one more result.
    /// - Parameter isStarting: it was asked within the start period, when failures of a container that was never healthy do not count.
    /// - Returns: true if it has become unhealthy by it.
    mutating func add(_ result: Result, _ plan: HealthPlan, isStarting: Bool) -> Bool {
        log = log.suffix(4) + [result]
        if result.exitCode == 0 {
            failingStreak = 0
            status = "healthy"
            return false
        }
        if isStarting, status == "starting" { return false }
        failingStreak = failingStreak &+ 1
        guard failingStreak >= plan.retries, status != "unhealthy" else { return false }
        status = "unhealthy"
        return true
    }

    /// docker's words in `ps`.
    package var words: String { status == "starting" ? "health: starting" : status }

    /// Of a container with that directory; nil where nothing is looked after.
    static func read(_ path: String = "health.json", in directory: Place) -> HealthState? {
        guard let bytes = try? File.readSmall(path, at: directory, limit: 1 << 20) else { return nil }
        return try? JSONDecoder().decode(HealthState.self, from: bytes)
    }

    func write(in directory: Place) throws(SystemError) {
        try File.replace("health.json", at: directory, with: JSONEncoder().bytes(of: self, for: "health.json"))
    }
}

extension HealthState: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("Status", &status)
        try json("FailingStreak", &failingStreak)
        try json("Log", &log)
    }
}

extension HealthState.Result: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("Start", &start)
        try json("End", &end)
        try json("ExitCode", &exitCode)
        try json("Output", &output)
    }
}
