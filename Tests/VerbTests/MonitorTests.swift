// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct MonitorTests {
    private let minictl: Root
    init() throws { minictl = try Root() }

    /// Kills the monitor of a container that it was started with, and waits until it is gone.
    private func killMonitor(_ name: String) throws {
        let outcome = try minictl.sh(
            """
            pid=$(ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' \(name)) | tr -d ' '); kill -9 $pid
            while [ -e /proc/$pid ] && ! grep -q 'State:.Z' /proc/$pid/status; do sleep 0.01; done
            """)
        #expect(outcome.code == 0, "\(outcome.error)")
    }

    @Test("After a monitor was killed another takes its place: no line is lost, and the exit status is known")
    func replaced() throws {
        try minictl.start("web", "", "sh -c 'i=0; while [ $i -lt 100 ]; do echo $i; echo $i >&2; i=$((i+1)); sleep 0.02; done; exit 9'")
        usleep(200_000)
        try killMonitor("web")
        usleep(100_000)
        #expect(try minictl("ps -q").text != "")
        #expect(try minictl("wait web").text == "9")
        #expect(try minictl("logs web 2>/dev/null").lines == (0..<100).map(String.init))
        #expect(try minictl("logs web 2>&1 >/dev/null").lines == (0..<100).map(String.init))
        #expect(try minictl("rm web").code == 0)
        try minictl.expectEmpty()
    }

    @Test("What a container wrote last is in its log, however late its monitor comes to read it")
    func late() throws {
        try minictl.start("web", "", "sh -c 'while [ ! -e /go ]; do sleep 0.05; done; yes | head -n 30000; echo last'")
        let outcome = try minictl.sh(
            """
            container=$($M inspect -f '{{.State.Pid}}' web); monitor=$(ps -o ppid= -p $container)
            $M exec web touch /go; kill -STOP $monitor
            while [ -e /proc/$container ] && ! grep -q 'State:.Z' /proc/$container/status; do sleep 0.01; done
            kill -CONT $monitor; $M wait web; $M logs web | wc -l; $M logs --tail 1 web
            """)
        #expect(outcome.lines == ["0", "30001", "last"], "\(outcome)")
    }

    @Test("Half a line is in the log too, though another process keeps the pipe it came through")
    func halfLine() throws {
        try minictl.start("host")
        let outcome = try minictl.sh("$M run --name web --pid container:host base sh -c 'printf half; sleep 1000 &'; echo; $M logs web")
        #expect(outcome.lines == ["half", "half"], "\(outcome.error)")
    }

    @Test("A container that cannot be mended hinders no other, and its ids go to nobody else")
    func unmendable() throws {
        let id = try minictl.start("web")
        try killMonitor("web")
        try minictl.sh("cp containers/\(id)/state.json whole; echo '{' >containers/\(id)/state.json")
        let looked = try minictl("ps -q")
        #expect(
            looked.code == 0 && looked.text == "" && looked.error.contains("container \(id.prefix(12)), which cannot be mended"),
            "\(looked.error)")
        #expect(!looked.error.contains("\n\n") && looked.error.split(separator: "\n").count == 1)
        // Its range comes from its spec, and the next one would have it: where to begin is worked out from the id alone.
        let ids = try minictl.sh("for i in 1 2 3; do $M run --rm base cat /proc/self/uid_map 2>/dev/null; done").lines
        let own = try minictl.sh("cat /proc/$(grep -l \(id) /proc/[0-9]*/cgroup 2>/dev/null | head -n 1 | cut -d/ -f3)/uid_map").text
        #expect(ids.count == 3 && own != "" && !ids.contains(own))
        #expect(try minictl("rm -f \(id)").code == 0)
        #expect(try minictl("ps -a").error == "")
        try minictl.expectEmpty()
    }

    @Test("Without a monitor a container waits for its reader, and is not ended by it")
    func waits() throws {
        try minictl.start("web", "", "sh -c 'while [ ! -e /go ]; do sleep 0.05; done; seq 50000; exit 4'")
        try killMonitor("web")
        // Nobody looks: an exec does not.
        try minictl("exec web touch /go")
        usleep(300_000)
        #expect(try minictl("exec web true").code == 0)
        try minictl("ps")
        #expect(try minictl("wait web").text == "4")
        #expect(try minictl("logs web | tail -n 1").text == "50000")
        #expect(try minictl("logs web | wc -l").text == "50000")
    }

    @Test("The one that takes its place attaches, restarts and stops as the first would have", arguments: ["", "--init"])
    func carriesOn(flags: String) throws {
        try minictl.start(
            "web", "--restart always \(flags)",
            "sh -c 'echo run; while [ ! -e /go ]; do echo tick; sleep 0.05; done; rm /go; echo end; exit 4'")
        usleep(100_000)
        try killMonitor("web")
        try minictl("ps")
        let attached = try minictl.sh(
            """
            timeout 10 $M attach web >seen & a=$!
            for i in $(seq 100); do [ ! -s seen ] || break; sleep 0.05; done
            $M exec web touch /go; wait $a; echo code $?; tail -n 1 seen
            """)
        #expect(attached.lines == ["code 4", "end"], "\(attached.output) \(attached.error)")
        #expect(try minictl("wait --condition running web").code == 0)
        #expect(try minictl("inspect -f '{{.RestartCount}}' web").text == "1")
        try minictl.expect("logs web | grep -v tick", prints: "run\nend\nrun")
        #expect(try minictl("stop -t 1 web").code == 0)
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
    }

    @Test("A pause before a restart outlives its monitor")
    func restarting() throws {
        try minictl.start("web", "--restart always", "false")
        #expect(try minictl("wait --condition restarting web").code == 0)
        // The monitor is nobody's parent now: it is found by the watch that it holds.
        let killed = try minictl.sh(
            """
            watch=runtime/$($M ps -aq --no-trunc)
            for f in /proc/[0-9]*/fd/*; do
                if [ $f -ef $watch ]; then p=${f#/proc/}; kill -9 ${p%%/*} && echo killed; break; fi
            done
            """)
        #expect(killed.text == "killed", "\(killed.error)")
        let before = try minictl("inspect -f '{{.RestartCount}}' web").text
        // A process that was just being made may hold the watch a moment longer than the monitor.
        #expect(try minictl.sh("for i in $(seq 40); do [ -z \"$($M ps -q)\" ] || exit 0; sleep 0.05; done; exit 1").code == 0)
        #expect(try minictl("wait --condition next-exit web").code == 0)
        #expect(try minictl("inspect -f '{{.RestartCount}}' web").text != before)
        #expect(try minictl("stop web").code == 0)
    }

    @Test("A monitor holds nothing that its caller had open: no lock, no pipe")
    func lettingGo() throws {
        try minictl.start("first")
        let outcome = try minictl.sh(
            """
            (flock 9; $M run -d --name web base sleep 1000; $M stop -t 0 first; $M start first) 9>lock 8>&1 | wc -l
            (sleep 0.1; echo A=C) | $M run --rm --env-file /dev/stdin base sh -c 'echo $A'; flock -n lock echo free; echo A=B >variables; $M run --rm --env-file /dev/fd/9 base sh -c 'echo $A' 9<variables
            """, seconds: 20)
        #expect(outcome.lines == ["3", "C", "free", "B"], "\(outcome)")
    }

    @Test("Whoever reads what a foreground run prints is done when that is gone, though the container goes on")
    func lettingGoOfReaders() throws {
        let outcome = try minictl.sh(
            "timeout -s KILL 2 $M run --restart always --name web base sh -c 'echo up; sleep 1000' 2>&1 | wc -l; $M ps --format {{.Names}}",
            seconds: 15)
        #expect(outcome.lines == ["1", "web"], "\(outcome)")
    }

    @Test("Monitors killed at whatever moment it is leave a container that is as it should be")
    func killedOften() throws {
        try minictl.start("web", "--restart always --health-cmd true --health-interval 50ms", "sh -c 'echo run; sleep 0.1; exit 1'")
        let outcome = try minictl.sh(
            """
            id=$($M ps -aq --no-trunc)
            for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
                sleep 0.0$i
                for f in /proc/[0-9]*/fd/*; do
                    if [ $f -ef runtime/$id ]; then p=${f#/proc/}; kill -9 ${p%%/*}; break; fi
                done
                $M ps -aq
            done
            """)
        // However often: it goes on by itself, and a stop is a stop.
        #expect(outcome.lines.allSatisfy { $0.utf8.count == 12 } && outcome.lines.count == 12, "\(outcome.output) \(outcome.error)")
        let next = try minictl.sh("timeout 20 $M wait --condition next-exit web || $M inspect -f '{{json .State}}' web")
        #expect(next.text == "1")
        #expect(try minictl("stop web").code == 0)
        try minictl.expect("ps -a --format '{{.State}}'", prints: "exited")
        #expect(try minictl("rm web").code == 0)
        try minictl.expectEmpty()
    }

    @Test("What went with a monitor is said")
    func lost() throws {
        try minictl.start("web", "-i", "sh -c 'trap \"\" HUP; while [ ! -e /go ]; do sleep 0.05; done'")
        try killMonitor("web")
        #expect(try minictl("ps -q").text != "")
        #expect(try minictl("wait --condition running web").code == 0)
        try minictl.expect("inspect -f '{{.State.Error}}' web", prints: "its monitor was killed, and its input went with it")
    }

    @Test("The exit status is on disk before anybody sees the container gone")
    func order() throws {
        for _ in 0..<5 {
            let outcome = try minictl.sh(
                """
                id=$($M run -d base sh -c 'sleep 0.1; exit 6'); $M inspect -f '{{.State.Pid}}' $id >pid
                while [ -e /proc/$(cat pid) ] && [ -e runtime/$id ]; do :; done
                while [ -e runtime/$id ]; do :; done; $M inspect -f '{{.State.ExitCode}}' $id
                """)
            #expect(outcome.text == "6", "\(outcome.error)")
        }
    }

    @Test("Several attached at once see the same, input comes from any of them, and each gets the exit code")
    func several() throws {
        try minictl.start("web", "-i", "sh -c 'while read line; do echo got $line; [ $line = end ] && exit 7; done'")
        let outcome = try minictl.sh(
            """
            $M attach --no-stdin web >one & a=$!
            (sleep 0.3; echo first; sleep 0.3) | $M attach web >two & b=$!
            sleep 0.5; (echo end; sleep 5) | $M attach web >three; echo $?
            wait $a; echo $?; wait $b; echo $?; cat one; sort -u two; tail -n 1 three
            """)
        #expect(
            outcome.lines == ["7", "7", "7", "got first", "got end", "got end", "got first", "got end"],
            "\(outcome.output) \(outcome.error)")
        #expect(try minictl("logs web").lines == ["got first", "got end"])
    }

    @Test("Who takes nothing is let go and told so, and the container goes on", .timeLimit(.minutes(1)))
    func slow() throws {
        try minictl.start("web", "", "sh -c 'while [ ! -e /go ]; do sleep 0.05; done; seq 200000; touch /done; exec sleep 1000'")
        let outcome = try minictl.sh(
            """
            $M attach web >seen 2>told & a=$!; sleep 0.3; kill -STOP $a; $M exec web touch /go
            for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1; $M exec web test -e /done && break; done; echo done in $i
            kill -CONT $a; wait $a; cat told
            """)
        #expect(outcome.lines.last?.contains("was not taken for too long") == true, "\(outcome.output)")
        #expect(outcome.lines.first?.hasPrefix("done in ") == true && outcome.lines.first != "done in 10")
        #expect(try minictl("logs web | wc -l").text == "200000")
    }

    @Test("An attached command passes signals on, or with --sig-proxy=false ends alone")
    func signals() throws {
        try minictl.start("web", "", "sh -c 'trap \"echo heard; exit 3\" TERM; echo ready; while :; do sleep 0.05; done'")
        try minictl.wait(for: "ready", from: "web")
        #expect(try minictl.sh("timeout -s INT 0.5 $M attach --sig-proxy=false web; true").code == 0)
        #expect(try minictl("ps -q").text != "")
        let outcome = try minictl.sh("$M attach web & a=$!; sleep 0.3; kill -TERM $a; wait $a; echo $?")
        #expect(outcome.lines == ["heard", "3"], "\(outcome.error)")
        let own = try minictl.sh(
            "$M run --sig-proxy=false --name own base sh -c 'trap \"echo heard\" TERM; echo up; sleep 1; echo end; exit 4' & a=$!; sleep 0.5; kill -TERM $a; wait $a; echo $?; $M wait own; $M logs own"
        )
        #expect(own.lines == ["up", "143", "4", "up", "end"], "\(own.error)")
    }

    @Test("Only what runs under a monitor is attached to, and everything else says why not")
    func refusals() throws {
        try minictl("create --name new base true")
        try minictl.start("still")
        try minictl("pause still")
        for (name, reason) in [("new", "it is created"), ("still", "it is paused"), ("nosuch", "no such container")] {
            let outcome = try minictl("attach \(name)")
            #expect(outcome.code == 1 || outcome.code == 125)
            #expect(outcome.error.contains(reason), "\(outcome.error)")
        }
        #expect(try minictl("attach --detach-keys shift-x still").error.contains("are no keys"))
        let foreground = try minictl.sh("$M run --name fore base sleep 1000 & sleep 0.5; $M attach fore; $M rm -f fore; wait")
        #expect(foreground.error.contains("in the foreground of another command"), "\(foreground.error)")
    }
}
