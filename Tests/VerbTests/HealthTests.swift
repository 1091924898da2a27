// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct HealthTests {
    private let minictl: Root
    init() throws { minictl = try Root() }

    @Test("A container is starting, unhealthy and healthy as its check says, in ps, inspect and filters")
    func health() throws {
        try minictl.start("web", "--health-cmd 'echo looking; test -e /tmp/ok' --health-interval 100ms --health-retries 2")
        #expect(try minictl("ps --format '{{.Status}}'").text.hasSuffix("(health: starting)"))
        #expect(try minictl("wait --condition unhealthy web").code == 0)
        #expect(try minictl("ps --filter health=unhealthy --format '{{.Status}}'").text.hasSuffix("(unhealthy)"))
        try minictl("exec web touch /tmp/ok")
        #expect(try minictl("wait --condition healthy web").code == 0)
        #expect(try minictl("ps -q --filter health=unhealthy").text == "")
        let health = try minictl.json("inspect -f '{{json .State.Health}}' web")
        #expect(health["Status"]?.string == "healthy" && health["FailingStreak"]?.int == 0)
        #expect((1...5).contains(health["Log"]?.array?.count ?? 0))
        #expect(health["Log"]?.array?.last?["Output"]?.string == "looking\n")
        #expect(try minictl("inspect -f '{{json .Config.Healthcheck.Test}}' web").text == #"["CMD-SHELL","echo looking; test -e /tmp/ok"]"#)
    }

    @Test("A check that takes too long is killed, with what it has started, and has failed")
    func timeout() throws {
        try minictl.start(
            "web", "--health-cmd 'echo slow; sleep 77; true' --health-interval 100ms --health-timeout 200ms --health-retries 1")
        #expect(try minictl("wait --condition unhealthy web").code == 0)
        let log = try minictl.json("inspect -f '{{json .State.Health.Log}}' web").array?.first
        #expect(log?["ExitCode"]?.int == -1)
        #expect(log?["Output"]?.string == "Health check exceeded timeout (200ms): slow\n")
        try minictl("pause web")
        // The check that was under way may end yet.
        usleep(400_000)
        let frozen = try minictl("inspect -f '{{len .State.Health.Log}}' web").text
        usleep(400_000)
        #expect(try minictl("inspect -f '{{len .State.Health.Log}}' web").text == frozen)
        try minictl("unpause web")
        #expect(
            try minictl("exec web sh -c 'ps -e -o stat= -o comm= | grep -v ^Z | grep -c sleep'").lines.first.flatMap { Int($0) } ?? 9 <= 2)
    }

    @Test(
        "What is to be done to a container that became unhealthy is done",
        arguments: [("kill", "exited", "137"), ("stop", "exited", "5")])
    func onFailure(action: String, state: String, code: String) throws {
        try minictl.start(
            "web", "--restart on-failure:0 --health-cmd false --health-interval 100ms --health-retries 2 --health-on-failure \(action)",
            "sh -c 'trap \"exit 5\" TERM; while :; do sleep 0.05; done'")
        if action == "stop" {
            #expect(try minictl("wait web").text == code)
            #expect(try minictl("ps -a --format '{{.State}}'").text == state)
        } else {
            #expect(try minictl("wait --condition next-exit web").text == code)
            // The policy answers a kill.
            #expect(try minictl("wait --condition running web").code == 0)
        }
    }

    @Test("A restart for health comes whatever the policy")
    func restart() throws {
        try minictl.start("web", "--health-cmd 'test -e /tmp/ok' --health-interval 100ms --health-retries 1 --health-on-failure restart")
        #expect(try minictl("wait --condition next-exit web").code == 0)
        #expect(try minictl("wait --condition running web").code == 0)
        #expect(try (Int(minictl("inspect -f '{{.RestartCount}}' web").text) ?? 0) > 0)
        #expect(try minictl("stop web").code == 0)
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
    }

    @Test(
        "Health options that make no sense are refused",
        arguments: ["--health-on-failure cry", "--health-interval 1us", "--health-retries -1", "--no-healthcheck --health-cmd true"])
    func refusals(flags: String) throws {
        let outcome = try minictl("run -d \(flags) base true")
        #expect(outcome.code == 125 && outcome.error.hasPrefix("minictl: "), "\(outcome.error)")
        try minictl.expectEmpty()
    }
}
