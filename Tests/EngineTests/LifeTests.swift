// SPDX-License-Identifier: Apache-2.0
import JSON
import OCI
import Testing

@testable import Engine

@Suite struct RestartPolicyTests {
    @Test(
        "A policy tells which ends it answers with another start",
        arguments: [
            ("always", 0, 100, true), ("unless-stopped", 3, 0, true), ("on-failure", 0, 0, false), ("on-failure", 1, 1000, true),
            ("on-failure:2", 1, 1, true), ("on-failure:2", 1, 2, false), ("on-failure:0", 1, 9, true), ("no", 1, 0, false),
            ("on-failure", nil, 0, true),
        ] as [(String, Int32?, Int, Bool)])
    func wants(text: String, code: Int32?, restarts: Int, expected: Bool) throws {
        #expect(try RestartPolicy(text).wantsRestart(after: code, restarts: restarts) == expected)
    }

    @Test("What is no policy is told apart by what is wrong with it")
    func refusal() {
        #expect(throws: RestartPolicy.Problem.unknown) { try RestartPolicy("sometimes") }
        #expect(throws: RestartPolicy.Problem.misplacedCount) { try RestartPolicy("always:3") }
        for text in ["on-failure:", "on-failure:-1", "on-failure:x", "on-failure:99999999999999999999"] {
            #expect(throws: RestartPolicy.Problem.badCount) { try RestartPolicy(text) }
        }
    }

    @Test("Pauses double from a tenth of a second to a minute, and begin anew after a long run")
    func backoff() {
        var backoff = Backoff()
        let pauses = (0..<4).map { _ in backoff.next(afterRunning: 50) }
        #expect(pauses == [100, 200, 400, 800])
        for _ in 0..<20 { _ = backoff.next(afterRunning: 0) }
        let longest = backoff.next(afterRunning: 9_999)
        let first = backoff.next(afterRunning: 10_000)
        #expect(longest == 60_000 && first == 100)
    }
}

@Suite struct HealthTests {
    /// What becomes of a container whose checks end so, each within the start period or not.
    private func course(_ codes: [(Int32, isStarting: Bool)], retries: Int) -> [String] {
        var plan = HealthPlan()
        plan.retries = retries
        var state = HealthState()
        return codes.map { code, isStarting in
            var result = HealthState.Result()
            result.exitCode = code
            let isNew = state.add(result, plan, isStarting: isStarting)
            return "\(state.words) \(state.failingStreak)\(isNew ? " now" : "")"
        }
    }

    @Test("Failures in a row make a container unhealthy once, one success makes it healthy again")
    func streak() {
        #expect(HealthState().words == "health: starting")
        #expect(
            course([(1, false), (1, false), (-1, false), (0, false), (1, false)], retries: 2)
                == ["health: starting 1", "unhealthy 2 now", "unhealthy 3", "healthy 0", "healthy 1"])
    }

    @Test("In the start period failures do not count, unless it has been healthy already")
    func startPeriod() {
        #expect(
            course([(1, true), (1, true), (0, true), (1, true)], retries: 1)
                == ["health: starting 0", "health: starting 0", "healthy 0", "unhealthy 1 now"])
    }

    @Test("Five results are kept, and read as they were written")
    func log() throws {
        var state = HealthState()
        for code in 0..<9 {
            var result = HealthState.Result()
            result.exitCode = Int32(code)
            result.output = "\u{1b}\"\n"
            _ = state.add(result, HealthPlan(), isStarting: false)
        }
        #expect(state.log.map(\.exitCode) == [4, 5, 6, 7, 8])
        #expect(try JSONDecoder().decode(HealthState.self, from: JSONEncoder(pretty: false).encode(state)) == state)
    }

    @Test("What is asked for comes before what the image says, field by field")
    func plan() {
        let image = ImageConfig.Healthcheck(
            test: ["CMD", "check", "it"], interval: 1_500_000_000, timeout: -5, startPeriod: .max, retries: 7)
        var request = HealthRequest()
        #expect(request.plan(nil) == nil)
        let plan = request.plan(image)
        #expect(plan?.command == ["check", "it"])
        #expect(plan?.interval == 1500 && plan?.timeout == 30_000 && plan?.retries == 7 && plan?.onFailure == "none")
        request.command = "test -e /ok"
        request.retries = 1
        #expect(request.plan(image)?.command == ["/bin/sh", "-c", "test -e /ok"])
        #expect(request.plan(image)?.interval == 1500 && request.plan(image)?.retries == 1)
        request.isDisabled = true
        #expect(request.plan(image) == nil)
    }

    @Test("An image's NONE, or what is no check, is none", arguments: [["NONE"], [], ["CMD"], ["x", "y"]] as [[String]])
    func none(test: [String]) { #expect(HealthRequest().plan(ImageConfig.Healthcheck(test: test)) == nil) }
}
