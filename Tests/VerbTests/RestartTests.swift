// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct RestartTests {
    private let minictl: Root
    init() throws { minictl = try Root() }

    /// Waits until a template shows that of a container.
    private func wait(_ name: String, _ template: String, _ text: String, at location: SourceLocation = #_sourceLocation) throws {
        var last = ""
        for _ in 0..<200 {
            last = try minictl("inspect -f '\(template)' \(name)").text
            if last == text { return }
            usleep(20000)
        }
        Issue.record("\(template) is \(last), not \(text)", sourceLocation: location)
    }

    @Test("A container that fails is started again as often as its policy says, and wait tells its last end")
    func onFailure() throws {
        try minictl.start("web", "--restart on-failure:2", "sh -c 'echo run; exit 3'")
        #expect(try minictl("wait web").text == "3")
        #expect(try minictl("logs web").lines == ["run", "run", "run"])
        #expect(
            try minictl("inspect -f '{{.RestartCount}} {{.State.Status}} {{json .HostConfig.RestartPolicy}}' web").text
                == #"2 exited {"Name":"on-failure","MaximumRetryCount":2}"#)
        try minictl.start("good", "--restart on-failure", "true")
        #expect(try minictl("wait good").text == "0")
        #expect(try minictl("inspect -f '{{.RestartCount}}' good").text == "0")
    }

    @Test("Between two runs it is restarting: ps shows it, stop ends that, and a start begins anew")
    func restarting() throws {
        try minictl.start("web", "--restart always", "sh -c 'exit 1'")
        // The fourth pause takes most of a second.
        try wait("web", "{{.RestartCount}}", "4")
        try wait("web", "{{.State.Status}}", "restarting")
        #expect(try minictl("ps --format '{{.State}} {{.Status}}'").text.hasPrefix("restarting Restarting (1) "))
        #expect(
            try minictl("inspect -f '{{.State.Restarting}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}}' web").text
                == "true true 0 1")
        #expect(try minictl("rm web").error.contains("container is restarting"))
        #expect(try minictl("exec web true").error == "minictl: cannot exec in web: it is restarting\n")
        let stop = try minictl("stop web")
        #expect(stop.text == "web" && stop.elapsed < .milliseconds(400))
        #expect(try minictl("ps -q").text == "")
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
        #expect(try minictl("start web").code == 0)
        try wait("web", "{{.RestartCount}}", "1")
        #expect(try minictl("rm -f web").text == "web")
        try minictl.expectEmpty()
    }

    @Test(
        "However often it starts its container again, a monitor holds no more than before",
        arguments: [
            // Into another's namespaces; with a process left behind that keeps the pipes; and what cannot be started any more.
            "--pid container:host base true", "--pid container:host base sh -c 'sleep 1000 &'", "base sh -c 'mv /bin/sh /bin/away'",
        ])
    func descriptors(words: String) throws {
        try minictl.start("host")
        let outcome = try minictl.sh(
            """
            $M run -d --name web --network none --restart always \(words) >/dev/null
            monitor=$(pgrep -of "$PWD run -d --name web ")
            for count in 3 5; do
                while [ $($M inspect -f '{{.RestartCount}}' web) -lt $count ]; do sleep 0.02; done
                for i in 1 2 3 4 5; do ls /proc/$monitor/fd | wc -l; sleep 0.05; done | sort -n | head -n 1
            done
            """)
        let held = outcome.lines.compactMap { Int($0) }
        #expect(held.count == 2 && held.first ?? 0 >= held.last ?? 0, "\(outcome)")
    }

    @Test("Nor does its memory grow with what it starts")
    func memory() throws {
        let outcome = try minictl.sh(
            """
            word=$(head -c 100000 /dev/zero | tr '\\0' x)
            $M run -d --name web --network none --restart always -e A=$word -e B=$word -e C=$word base true >/dev/null
            monitor=$(pgrep -of "$PWD run -d --name web ")
            for count in 3 5; do
                while [ $($M inspect -f '{{.RestartCount}}' web) -lt $count ]; do sleep 0.02; done
                sleep 0.2; awk '/^VmData/ { print $2 }' /proc/$monitor/status
            done
            """)
        let kilobytes = outcome.lines.compactMap { Int($0) }
        #expect(kilobytes.count == 2 && (kilobytes.last ?? 0) - (kilobytes.first ?? 0) < 150, "\(outcome)")
    }

    @Test("Who is stopped or killed by hand stays so; who is killed otherwise comes back", arguments: ["stop", "kill", "kill -s KILL"])
    func byHand(verb: String) throws {
        try minictl.start("web", "--restart unless-stopped")
        let pid = try minictl("inspect -f '{{.State.Pid}}' web").text
        try minictl.sh("kill -9 \(pid)")
        try wait("web", "{{.RestartCount}} {{.State.Running}}", "1 true")
        try wait("web", "{{.State.Status}}", "running")
        #expect(try minictl("\(verb) web").code == 0)
        usleep(300_000)
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
        #expect(try minictl("restart web").code == 0)
        #expect(try minictl("inspect -f '{{.RestartCount}} {{.State.Status}}' web").text == "0 running")
    }

    @Test("One that cannot even be started is created still, and tells why")
    func cannotStart() throws {
        #expect(try minictl("run -d --name web base nosuch").code == 127)
        #expect(try minictl("ps -a --format '{{.State}} {{.Status}}'").text == "created Created")
        #expect(
            try minictl("inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' web").text
                == "created 127 cannot execute nosuch: there is no such program in the container")
        #expect(try minictl("run -d --restart always --name again base nosuch").code == 127)
        #expect(try minictl("ps -q").text == "")
    }

    @Test("A boot starts what is to be there: always, and unless-stopped that was not stopped")
    func boot() throws {
        for (name, policy) in [("a", "always"), ("b", "unless-stopped"), ("c", "unless-stopped"), ("d", "on-failure")] {
            try minictl("create --name \(name) --restart \(policy) base sleep 1000")
        }
        try minictl("start a c")
        try minictl("stop a c")
        #expect(Set(try minictl("ps -a --filter should-start-on-boot=true --format '{{.Names}}'").lines) == ["a", "b"])
        #expect(try minictl("start --all --filter should-start-on-boot=true").lines.count == 2)
        #expect(Set(try minictl("ps --format '{{.Names}}'").lines) == ["a", "b"])
        #expect(try minictl("ps -a --filter restart-policy=unless-stopped -q").lines.count == 2)
        for words in ["start", "start --all a", "start --filter restart-policy=always", "start --all --filter restart-policy=maybe"] {
            #expect(try minictl(words).code == 125 || minictl(words).code == 1, "\(words)")
        }
    }

    @Test(
        "--restart with --rm, and policies that are none, are refused", arguments: ["always --rm", "sometimes", "always:3", "on-failure:x"])
    func refusals(flags: String) throws {
        let outcome = try minictl("run -d --restart \(flags) base true")
        #expect(outcome.code == 125 && outcome.error.hasPrefix("minictl: "))
        try minictl.expectEmpty()
    }

    @Test("Logs are followed over restarts")
    func logs() throws {
        try minictl.start("web", "--restart on-failure:3", "sh -c 'echo run; exit 3'")
        let outcome = try minictl("logs -f web")
        #expect(outcome.lines == ["run", "run", "run", "run"])
    }

    @Test("wait waits for what it is told to")
    func waitConditions() throws {
        try minictl.start(
            "web", "--health-cmd 'test -e /ok' --health-interval 100ms --health-retries 1", "sh -c 'sleep 0.5; touch /ok; sleep 1; exit 6'")
        #expect(try minictl("wait --condition healthy web").text == "-1")
        #expect(try minictl("ps --format '{{.Status}}'").text.hasSuffix("(healthy)"))
        #expect(try minictl("wait --condition removed --condition exited web").text == "6")
        #expect(try minictl("wait --condition happy web").code == 125)
    }
}
