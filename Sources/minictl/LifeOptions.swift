// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

/// What is done for a container when nobody is there: starting it again, and looking after its health.
struct LifeOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .heading("Life"),
            .text("--restart POLICY", "no, on-failure[:TIMES], always, or unless-stopped: when it is started again after its end") {
                $0.restart = try RestartPolicy(word: $1)
            },
            .text("--health-cmd COMMAND", "a line for the container's shell that succeeds as long as it is healthy") {
                $0.health.command = $1
            },
            .text("--health-interval TIME", "between two checks (default 30s)") { $0.health.interval = try Self.milliseconds($1) },
            .text("--health-retries NUMBER", "failures in a row that make it unhealthy (default 3)") {
                $0.health.retries = Int(try Int32(word: $1, in: 0...Int32.max))
            },
            .text("--health-start-interval TIME", "between two checks in the start period (default 5s)") {
                $0.health.startInterval = try Self.milliseconds($1)
            },
            .text("--health-start-period TIME", "after the start, when failures do not count (default 0s)") {
                $0.health.startPeriod = try Self.milliseconds($1)
            },
            .text("--health-timeout TIME", "after which a check is killed and has failed (default 30s)") {
                $0.health.timeout = try Self.milliseconds($1)
            },
            .text("--health-on-failure none|kill|stop|restart", "what to do to a container that has become unhealthy (default none)") {
                guard HealthPlan.actions.contains($1) else { throw UsageError("'\($1)' is not none, kill, stop or restart") }
                $0.health.onFailure = $1
            },
            .flag("--no-healthcheck", "no checks, whatever the image says") { $0.health.isDisabled = $1 },
        ]
    }

    var restart: RestartPolicy?
    var health = HealthRequest()

    /// As with docker at least a millisecond; 0 is the default.
    private static func milliseconds(_ text: String) throws(UsageError) -> Int64 {
        let (seconds, attoseconds) = try Duration(word: text).components
        guard seconds < 1 << 32 else { throw UsageError("'\(text)' is too long") }
        let time = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        guard time > 0 || (seconds == 0 && attoseconds == 0) else { throw UsageError("'\(text)' is less than 1ms") }
        return time
    }

    func apply(to request: inout Request) throws(UsageError) {
        if restart != nil, request.isTemporary {
            throw UsageError("--restart and --rm contradict each other: a container that is removed as it ends is never started again")
        }
        if health.isDisabled, health.command != nil || health.interval != nil || health.timeout != nil || health.retries != nil {
            throw UsageError("--no-healthcheck and other --health options contradict each other")
        }
        request.restart = restart
        request.health = health
    }
}

extension RestartPolicy {
    /// Nil for `no`.
    init?(word text: String) throws(UsageError) {
        do throws(Problem) { try self.init(text) } catch {
            switch error {
            case .unknown: throw UsageError("'\(text)' is not no, on-failure[:TIMES], always or unless-stopped")
            case .misplacedCount: throw UsageError("only on-failure takes a number of times, not '\(text)'")
            case .badCount: throw UsageError("'\(text)' has no number of times after the colon")
            }
        }
        if name == "no" { return nil }
    }
}
