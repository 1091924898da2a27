// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import Testing

@Suite(.enabled(if: Root.isUsable)) struct LifeTests {
    @Test("A container that has used up the last inode is removed all the same")
    func noInodes() throws {
        let minictl = try Root()
        let fill = #"i=0; while : >/f\$i; do i=\$((i+1)); done"#
        let outcome = try minictl.sh(
            """
            mkdir small; unshare --mount sh -c 'mount -t tmpfs -o nr_inodes=1500 none small && mkdir small/r && ln -s $PWD/images small/r/images
                M="timeout 20 \(Root.program) --root small/r"
                $M run -d --name one --network none base sh -c "\(fill)" >/dev/null; $M wait one >/dev/null 2>&1; touch small/x 2>/dev/null && echo early
                $M rm -f one 2>/dev/null; ls small/r/containers; touch small/x && echo room'
            """)
        #expect(outcome.lines == ["one", "room"], "\(outcome)")
    }

    @Test("Megabytes of labels keep nobody from stopping a container, and what could not be read again is refused")
    func labels() throws {
        let minictl = try Root()
        let lines = "for i in $(seq 20000); do echo label.$n.number.$i=with-some-value; done >labels$n"
        try minictl.sh("for n in 1 2 3 4 5 6; do \(lines); done")
        try minictl.start("one", "--label-file labels1 --label-file labels2")
        #expect(try minictl("ps --format {{.Names}}").text == "one")
        #expect(try minictl("rm -f one").code == 0)
        for (verb, code) in [("create", 1), ("run -d", 125)] {
            let files = (1...6).map { "--label-file labels\($0)" }.joined(separator: " ")
            let outcome = try minictl("\(verb) --name two \(files) base sleep 1000")
            #expect(outcome.code == code && outcome.error.contains("too many"), "\(outcome.error)")
            #expect(try minictl("ps -aq").text == "")
            try minictl.expectEmpty()
        }
    }

    @Test("To remove by force what is not there is said, and is no failure")
    func removeNothing() throws {
        let minictl = try Root()
        try minictl.sh("$M create --name a base true")
        let outcome = try minictl("rm -f nosuch a")
        #expect(outcome.code == 0 && outcome.text == "a" && outcome.error.contains("no such container: nosuch"))
        #expect(try minictl("rm nosuch").code == 1)
    }

    @Test("A container is created, started, stopped, started again and removed")
    func life() throws {
        let minictl = try Root()
        let id = try minictl("create --name web base sleep 1000").text
        #expect(try minictl("ps -a --format '{{.State}} {{.Status}}'").text == "created Created")
        #expect(try minictl("start web").text == "web")
        #expect(try minictl("start web").code == 0)
        #expect(try minictl("ps -q --no-trunc").text == id)
        #expect(try minictl("stop web").text == "web")
        #expect(try minictl("ps -q").text == "")
        #expect(try minictl("start \(id.prefix(12))").text == id.prefix(12))
        #expect(try minictl("exec web echo in").text == "in")
        #expect(try minictl("rm -f web").text == "web")
        try minictl.expectEmpty()
    }

    @Test("A first process without a handler is stopped at once, and so is one below our init")
    func stopsAtOnce() throws {
        let minictl = try Root()
        try minictl.start("plain")
        try minictl.start("reaped", "--init")
        let stop = try minictl("stop plain reaped")
        #expect(stop.elapsed < .seconds(2))
        #expect(Set(stop.lines) == ["plain", "reaped"])
        #expect(try minictl("wait plain reaped").lines == ["137", "143"])
    }

    @Test("A handler is given its time, and who holds out is named and killed")
    func holdsOut() throws {
        let minictl = try Root()
        try minictl.start("polite", "", "sh -c 'trap \"exit 7\" TERM; echo ready; while :; do sleep 0.05; done'")
        try minictl.start("stubborn", "", "sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1000; done'")
        for name in ["polite", "stubborn"] { try minictl.wait(for: "ready", from: name) }
        let stop = try minictl("stop -t 1 polite stubborn")
        #expect(stop.elapsed > .seconds(1) && stop.elapsed < .seconds(5))
        #expect(stop.lines == ["polite", "stubborn"])
        #expect(stop.error.contains("stubborn: sh (process ") && stop.error.contains("held out against SIGTERM for 1 s and was killed"))
        #expect(try minictl("wait polite stubborn").lines == ["7", "137"])
    }

    @Test("Of several containers each that fails is reported, and the others are done")
    func several() throws {
        let minictl = try Root()
        try minictl.start("a")
        for verb in ["pause", "unpause", "kill", "rm"] {
            let outcome = try minictl("\(verb) nosuch a ax")
            #expect(outcome.code == 1 && outcome.text == "a", "\(verb)")
            #expect(outcome.error == "minictl: no such container: nosuch\nminictl: no such container: ax\n", "\(verb)")
        }
    }

    @Test("A name that is nearly right is suggested")
    func suggestion() throws {
        let minictl = try Root()
        try minictl.start("database")
        #expect(try minictl("stop databse").error == "minictl: no such container: databse (did you mean database?)\n")
    }

    @Test("wait tells the code of a container that goes as it ends")
    func waitTemporary() throws {
        let minictl = try Root()
        try minictl.start("brief", "--rm", "sh -c 'sleep 0.3; exit 9'")
        #expect(try minictl("wait brief").text == "9")
        try minictl.expectEmpty()
    }

    @Test("wait for several tells each in its turn, whichever ends first")
    func waitSeveral() throws {
        let minictl = try Root()
        try minictl.start("slow", "--rm", "sh -c 'sleep 2; exit 3'")
        try minictl.start("fast", "--rm", "sh -c 'exit 4'")
        try minictl.start("kept", "", "sh -c 'sleep 0.2; exit 5'")
        // The second may be gone already; then it is said so.
        let outcome = try minictl("wait slow kept")
        #expect(outcome.lines == ["3", "5"])
        #expect(try minictl("wait kept").text == "5")
    }

    @Test("A running container is not removed without force")
    func removeRunning() throws {
        let minictl = try Root()
        try minictl.start("web")
        let outcome = try minictl("rm web")
        #expect(outcome.code == 1)
        #expect(
            outcome.error
                == "minictl: cannot remove container web: container is running: stop the container before removing or force remove\n")
        #expect(try minictl("ps -q").text != "")
    }

    @Test("A paused container stands still, is shown so, and can be stopped, killed and removed")
    func paused() throws {
        let minictl = try Root()
        try minictl.start("web")
        #expect(try minictl("pause web").code == 0)
        #expect(try minictl("ps --format '{{.State}}'").text == "paused")
        #expect(try minictl("exec web true").code == 125)
        #expect(try minictl("pause web").error == "minictl: cannot pause web: it is paused\n")
        #expect(try minictl("stop web").elapsed < .seconds(5))
        try minictl("start web")
        try minictl("pause web")
        #expect(try minictl("rm -f web").elapsed < .seconds(5))
        try minictl.expectEmpty()
    }

    @Test("Lists tell a paused container, and ask the freezer of those alone that somebody has paused")
    func pausedInLists() throws {
        let minictl = try Root()
        try minictl.start("web")
        func status() throws -> String { try minictl("ps -a").lines[1] }
        try minictl("pause web")
        #expect(try status().contains("(Paused)"))
        try minictl("unpause web")
        #expect(try !status().contains("(Paused)"))
        #expect(try minictl.sh("cat containers/web/state.json").output.contains("\"pausedAt\"") == false)
        // By another program: that is seen by whoever looks at the container itself.
        let freeze = "sed -E 's/.*\"freezer\":\"([^\"]*)\".*/\\1/' containers/web/state.json"
        let directory = try minictl.sh(freeze).text
        guard Machine.kernel(atLeast: 6, 9), access("\(directory)/freezer.state", F_OK) == 0 else { return }
        try minictl.sh("echo FROZEN >\(directory)/freezer.state")
        #expect(try !status().contains("(Paused)"))
        #expect(try minictl("inspect -f '{{.State.Status}}' web").text == "paused")
        #expect(try minictl("unpause web").code == 0)
        #expect(try minictl("exec web echo on").text == "on")
    }

    @Test("A process is known by what is written of it, whether its pidfd's inode is or not", .enabled(if: Machine.kernel(atLeast: 6, 9)))
    func processInode() throws {
        let minictl = try Root()
        try minictl.start("web")
        func become(_ replacement: String) throws -> String {
            try minictl.sh("sed -i -E 's/\"inode\":[0-9]+,/\(replacement)/' containers/web/state.json; $M ps -a").lines[1]
        }
        let state = try minictl.sh("cp containers/web/state.json saved; cat saved").output
        #expect(state.contains("\"inode\":"))
        #expect(try become("").contains("Up "))
        try minictl.sh("cat saved >containers/web/state.json")
        #expect(try become("\"inode\":7,").contains("Exited (unknown)"))
        try minictl.sh("cat saved >containers/web/state.json")
        #expect(try minictl("exec web echo on").text == "on")
    }

    @Test("A new name is the container's from then on, and the old one is free")
    func rename() throws {
        let minictl = try Root()
        try minictl.start("old")
        try minictl.start("other")
        #expect(try minictl("rename old other").error.contains("the name other is in use"))
        #expect(try minictl("rename old new").code == 0)
        #expect(try minictl("stop new").code == 0)
        #expect(try minictl("ps -a --filter name=new --format '{{.Names}}'").text == "new")
        #expect(try minictl("rename new 'a b'").code == 125)
        try minictl.start("old")
    }

    @Test("A restart ends the first process and begins another, also of a container that goes with its end")
    func restart() throws {
        let minictl = try Root()
        for flags in ["", "--rm"] {
            try minictl.start("web", flags)
            let before = try minictl("inspect -f '{{.State.Pid}}' web").text
            #expect(try minictl("restart web").text == "web")
            #expect(try minictl("inspect -f '{{.State.Running}}' web").text == "true")
            #expect(try minictl("inspect -f '{{.State.Pid}}' web").text != before)
            try minictl("rm -f web")
        }
        try minictl.expectEmpty()
    }

    @Test("A container whose monitor was killed is told truthfully, and can be stopped and removed")
    func lostMonitor() throws {
        let minictl = try Root()
        let id = try minictl.start("web")
        let parent = try minictl.sh("ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' web)").text
        try minictl.sh("kill -9 \(parent)")
        #expect(try minictl("ps -q --no-trunc").text == id)
        #expect(try minictl("stop web").text == "web")
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
        // The kernel keeps the exit status for whoever holds a pidfd, from 6.15 on.
        let wait = try minictl("wait web")
        #expect(wait.code == 0 ? ["137", "143"].contains(wait.text) : wait.error.contains("unknown"), "\(wait.output) \(wait.error)")
        #expect(try minictl("rm web").code == 0)
        try minictl.expectEmpty()
    }

    @Test("Several running containers are removed by force, also those that go with their end")
    func removeSeveral() throws {
        let minictl = try Root()
        for (name, flags) in [("a", ""), ("b", "--rm"), ("c", "")] { try minictl.start(name, flags) }
        try minictl("create --name d base true")
        let outcome = try minictl("rm -f a b nosuch c d")
        #expect(outcome.code == 0 && outcome.lines == ["a", "b", "c", "d"])
        #expect(outcome.error == "minictl: no such container: nosuch\n")
        try minictl.expectEmpty()
    }

    @Test("Twenty containers are stopped as fast as one")
    func many() throws {
        let minictl = try Root()
        try minictl.sh(
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do $M run -d --name c$i base sleep 1000 >/dev/null; done")
        #expect(try minictl.sh("$M stop $($M ps -q) | wc -l").text.hasSuffix("20"))
        #expect(try minictl.sh("$M rm $($M ps -aq) | wc -l").text.hasSuffix("20"))
        try minictl.expectEmpty()
    }

    @Test("A start in the foreground shows the output, takes input, and exits with the status")
    func startAttached() throws {
        let minictl = try Root()
        try minictl("create --name web base sh -c 'echo out; echo err >&2; exit 7'")
        for _ in 0..<2 {
            let outcome = try minictl("start -a web")
            #expect(outcome.code == 7 && outcome.output == "out\n" && outcome.error == "err\n")
        }
        try minictl("create --name cat -i base cat")
        #expect(try minictl.sh("echo in | $M start -ai cat").output == "in\n")
        #expect(try minictl("start -a web cat").code == 125)
    }
}
