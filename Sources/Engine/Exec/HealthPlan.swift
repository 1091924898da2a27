// SPDX-License-Identifier: Apache-2.0
package import JSON
import OCI

/// How a container's health is looked after: docker's `HEALTHCHECK` with nothing left open. Times are milliseconds.
package struct HealthPlan: Equatable, Sendable {
    /// docker's form: `CMD` and a command's words, or `CMD-SHELL` and one line.
    package var test: [String] = []
    package var interval: Int64 = 30_000
    package var timeout: Int64 = 30_000
    /// Failures this long after the start do not count.
    package var startPeriod: Int64 = 0
    /// In place of `interval` until then.
    package var startInterval: Int64 = 5_000
    package var retries = 3
    /// podman's: what is done to a container that has become unhealthy.
    package var onFailure = "none"

    package static let actions = ["none", "kill", "restart", "stop"]

    /// The words of the command.
    var command: [String] {
        let words = Array(test.dropFirst())
        return test.first == "CMD-SHELL" ? ["/bin/sh", "-c"] + words : words
    }

    /// docker's form, in nanoseconds.
    var description: JSONValue {
        [
            "Test": .texts(test), "Interval": .int(interval &* 1_000_000), "Timeout": .int(timeout &* 1_000_000),
            "StartPeriod": .int(startPeriod &* 1_000_000), "StartInterval": .int(startInterval &* 1_000_000),
            "Retries": .int(Int64(retries)),
        ]
    }
}

/// What was asked for on the command line; what is nil is the image's.
package struct HealthRequest: Equatable, Sendable {
    /// A line for the shell.
    package var command: String?
    /// Milliseconds; 0 is docker's default.
    package var interval: Int64?
    package var timeout: Int64?
    package var startPeriod: Int64?
    package var startInterval: Int64?
    package var retries: Int?
    package var onFailure: String?
    /// None, whatever the image says.
    package var isDisabled = false

    package init() {}

    /// Together with what the image says; nil for none.
    func plan(_ image: ImageConfig.Healthcheck?) -> HealthPlan? {
        guard !isDisabled else { return nil }
        var plan = HealthPlan()
        // An image is anybody's: a time out of range counts as none.
        func time(_ asked: Int64?, _ image: Int64?, _ field: inout Int64) {
            let value = asked ?? image.map { $0 / 1_000_000 } ?? 0
            if value > 0 { field = value }
        }
        plan.test = command.map { ["CMD-SHELL", $0] } ?? image?.test ?? []
        guard plan.test.count > 1, plan.test[0] == "CMD" || plan.test[0] == "CMD-SHELL" else { return nil }
        time(interval, image?.interval, &plan.interval)
        time(timeout, image?.timeout, &plan.timeout)
        time(startPeriod, image?.startPeriod, &plan.startPeriod)
        time(startInterval, image?.startInterval, &plan.startInterval)
        let count = retries ?? image?.retries ?? 0
        if count > 0 { plan.retries = count }
        plan.onFailure = onFailure ?? "none"
        return plan
    }
}

extension HealthPlan: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("test", &test)
        try json("interval", &interval)
        try json("timeout", &timeout)
        try json("startPeriod", &startPeriod)
        try json("startInterval", &startInterval)
        try json("retries", &retries)
        try json("onFailure", &onFailure)
    }
}
