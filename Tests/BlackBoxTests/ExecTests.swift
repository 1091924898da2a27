// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@Suite(.onRealMachine) struct ExecTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    private func exec(_ flags: [String] = [], _ id: String, _ script: String, at location: SourceLocation = #_sourceLocation) throws
        -> Ending
    {
        try rig.minictl(["exec"] + flags + [id, "sh", "-c", script], at: location)
    }

    @Test("A process that joins is held by all that holds the first one (D03)")
    func parity() throws {
        let facts =
            "grep -E '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid|Groups|Umask)' /proc/$P/status; cat /proc/$P/limits /proc/$P/cgroup /proc/$P/uid_map /proc/$P/oom_score_adj; for n in net pid ipc uts mnt user cgroup time; do readlink /proc/$P/ns/$n; done; readlink /proc/$P/cwd /proc/$P/root"
        for flags in [
            [],
            [
                "--security-opt", "no-new-privileges", "--cap-drop", "ALL", "--cap-add", "CHOWN", "--ulimit", "nofile=77:88", "-u", "7:8",
                "--group-add", "9", "--umask", "027", "-w", "/tmp", "--oom-score-adj", "300",
            ],
            ["--userns", "host"], ["--privileged"], ["--time-offset", "monotonic=1d"],
        ] {
            let id = try rig.background(flags + ["-h", "parity"], "P=self; exec sleep 1000")
            let first = try exec([], id, "P=1; \(facts)").lines
            let joined = try exec([], id, "P=self; \(facts)").lines
            #expect(first == joined, "\(flags)")
            #expect(try rig.limit(rig.pid(id), "pids", "pids.max") == "2048")
            kill(try rig.pid(id), SIGKILL)
        }
    }

    @Test("Its flags mean what docker means by them")
    func flags() throws {
        let id = try rig.background(["-e", "A=1", "-e", "B=2", "-w", "/tmp", "-h", "box", "--name", "target"])
        for (flags, script, expected) in [
            ([], "pwd; echo $A$B$HOSTNAME; id -u", "/tmp\n12box\n0"), (["-w", "/etc"], "pwd", "/etc"),
            (["-e", "A=9", "-e", "C"], "echo $A$B${C-unset}", "92unset"),
            (["-u", "nobody"], "id -u; id -g; echo $HOME", "65534\n65534\n/nonexistent"),
            (["-u", "5:6"], "id -u; id -g; id -G", "5\n6\n6"),
            (["-u", "1234"], "id -u; id -g", "1234\n0"), (["--privileged"], "grep ^Seccomp: /proc/self/status | cut -f2", "0"),
            (["-i"], "cat", ""),
            ([], "readlink /proc/self/fd/0", "/dev/null"),
        ] {
            let ending = try exec(flags, "target", script)
            #expect(ending.text == expected, "\(flags) \(ending.error)")
        }
        #expect(try exec([], String(id.prefix(5)), "echo prefix").text == "prefix")
    }

    @Test("A device that a container has put in place of its passwd is not opened to find a user")
    func devicePasswd() throws {
        // Of no driver: whoever opens it hears so.
        let id = try rig.background(["--userns", "host"], "rm /etc/passwd; mknod /etc/passwd c 260 1; echo up; exec sleep 1000")
        #expect(waitUntil { (try? rig.minictl("logs", id).text) == "up" })
        let ending = try rig.minictl("exec", "-u", "someone", id, "true")
        #expect(ending.code == 125 && ending.error.contains("is no regular file"), "\(ending.error)")
    }

    @Test("Exit codes are the program's own, or 126, 127, 125")
    func exitCodes() throws {
        let id = try rig.background()
        for code: CInt in [0, 1, 42, 255] {
            let ending = try exec([], id, "exit \(code)")
            #expect(ending.code == code)
        }
        #expect(try exec([], id, "kill -TERM $$").code == 143)
        for (arguments, code, word) in [
            (["/nosuch"], 127 as CInt, "/nosuch"), (["nosuch"], 127, "nosuch"), (["/etc/passwd"], 126, "/etc/passwd"),
            (["/etc"], 126, "/etc"), ([""], 125, "command"),
        ] {
            let ending = try rig.minictl(["exec", id] + arguments)
            #expect(ending.code == code && ending.error.contains(word), "\(arguments) \(ending.code) \(ending.error)")
        }
        for (arguments, word) in [
            (["-w", "rel", id, "true"], "absolute"), (["-w", "/nosuch", id, "true"], "/nosuch"), (["-u", "nosuch", id, "true"], "nosuch"),
            (["-u", "4294967295", id, "true"], "4294967295"), (["nosuch", "true"], "nosuch"), (["", "true"], "container"),
            ([".", "true"], "."), (["../..", "true"], "../.."),
            ([String(repeating: "a", count: 5000), "true"], "aaa"), (["-it", id, "true"], "TTY"), ([id], "exec"),
            (["a\u{1B}[31m", "true"], "a"),
        ] {
            let ending = try rig.minictl(["exec"] + arguments)
            #expect(
                ending.code == 125 && ending.error.contains(word) && !ending.error.contains("\u{1B}"),
                "\(arguments) \(ending.code) \(ending.error)")
        }
        #expect(try exec([], id, "ls -d /nosuch 2>/dev/null; true").text == "")
    }

    @Test("A container that is over, paused, or ends just now is said so")
    func states() throws {
        let id = try rig.background(["--name", "over"], "true")
        #expect(waitUntil { rig.names("root/runtime").allSatisfy { $0.utf8.count != 64 } })
        let ending = try exec([], id, "true")
        #expect(ending.code == 125 && ending.error.contains("over") && ending.error.contains("exited"), "\(ending.error)")
        let paused = try rig.background(["--name", "resting"])
        #expect(try rig.minictl("pause", paused).code == 0)
        let resting = try exec([], paused, "true")
        #expect(resting.code == 125 && resting.error.contains("resting") && resting.error.contains("paused"), "\(resting.error)")
        #expect(try rig.minictl("unpause", paused).code == 0)
        #expect(try exec([], paused, "echo again").text == "again")
        let dying = try rig.background(["--name", "dying"], "sleep 0.3")
        let late = try exec([], dying, "sleep 5")
        #expect(late.code == 137 && late.elapsed < .seconds(3), "\(late.code) \(late.error)")
    }

    @Test("It ends when its process ends, although a grandchild holds its output")
    func grandchild() throws {
        let id = try rig.background()
        let ending = try exec([], id, "sleep 5 & echo here")
        #expect(ending.text == "here" && ending.elapsed < .seconds(2))
    }

    @Test("-d does not wait, -i carries a megabyte both ways, and signals are passed on")
    func streams() throws {
        let id = try rig.background()
        let detached = try exec(["-d"], id, "sleep 0.3; echo x >/made; sleep 100")
        #expect(detached.code == 0 && detached.output.isEmpty && detached.elapsed < .seconds(1))
        #expect(try waitUntil { try exec([], id, "cat /made 2>/dev/null").text == "x" })
        let bytes = (0..<(1 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        #expect(try rig.minictl(["exec", "-i", id, "cat"], input: bytes).output == bytes)
        let running = try rig.command(["exec", id, "sh", "-c", "trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done"]).start()
        #expect(running.wait(for: "up"))
        running.signal(SIGTERM)
        #expect(running.ending().code == 6)
    }

    @Test("A killed exec leaves the container as it is; its process goes with the container")
    func killed() throws {
        let id = try rig.background()
        let running = try rig.command(["exec", id, "sh", "-c", "echo up; sleep 1000"]).start()
        #expect(running.wait(for: "up"))
        running.signal(SIGKILL)
        _ = running.ending()
        #expect(try exec([], id, "echo alive").text == "alive")
        kill(try rig.pid(id), SIGKILL)
        #expect(waitUntil { rig.names("root/runtime").allSatisfy { $0.utf8.count != 64 } })
    }

    @Test("Twenty at once all run in the one container")
    func many() throws {
        let id = try rig.background()
        let all = try (0..<20).map { try rig.command(["exec", id, "sh", "-c", "echo \($0); hostname"]).start() }
        for (number, running) in all.enumerated() { #expect(running.ending().text == "\(number)\n\(id.prefix(12))") }
    }
}
