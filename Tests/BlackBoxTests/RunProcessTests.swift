// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

@Suite(.onRealMachine) struct RunProcessTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test(
        "Flags that say what process runs mean what docker means by them",
        arguments: [
            Case(
                "", "env | grep -v -e ^_= -e ^LANG= | sed s/^HOSTNAME=.*/HOSTNAME=x/ | sort | tr '\\n' ' '",
                "HOME=/root HOSTNAME=x PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PWD=/ "),
            Case("-e A=1 -e B= -e A=2", "echo $A${B-unset}.", "2."),
            Case("-e HOME -e NOSUCH", "echo $HOME ${NOSUCH-unset}", "/root unset"),
            Case("-e A=x=y -e PATH=/bin", "echo $A $PATH", "x=y /bin"),
            Case("-e A=1 -e A=\u{301}x", "env | grep ^A=", "A=\u{301}x"),
            Case("-e A=b\u{A0}c\nd", "echo \"$A\"", "b c\nd"),
            Case("-w /tmp", "pwd", "/tmp"),
            Case("-w /new/deep/er", "pwd; stat -c %u:%g:%a /new/deep /new/deep/er", "/new/deep/er\n0:0:755\n0:0:755"),
            Case("-u nobody -w /made", "pwd; id -un; stat -c %u /made", "/made\nnobody\n0"),
            Case("-u 1234", "id -u; id -g; id -G; echo $HOME", "1234\n0\n0\n/"),
            Case("-u 1234:77", "id -u; id -g; id -G", "1234\n77\n77"),
            // The group is among the others too, so that a change of it takes no prohibition away.
            Case("-u 1234:77", "grep Groups /proc/self/status | tr -d '\\t '", "Groups:77"),
            Case("", "grep Groups /proc/self/status | tr -d '\\t '", "Groups:0"),
            Case("-u :77", "id -u; id -g", "0\n77"),
            Case(
                "-u nobody", "id -u; id -g; grep -E '^Cap(Eff|Prm|Inh|Amb)' /proc/self/status | tr -d '\\t\\n'",
                "65534\n65534\nCapInh:0000000000000000CapPrm:0000000000000000CapEff:0000000000000000CapAmb:0000000000000000"),
            Case("-u 0:tty", "id -g", "5"),
            Case("-u 7 --group-add tty --group-add 4321", "id -G", "0 5 4321"),
            Case(
                "-h box", "hostname; cat /proc/sys/kernel/hostname /etc/hostname; echo $HOSTNAME; grep -c box /etc/hosts",
                "box\nbox\nbox\nbox\n1"),
            Case("-h box --domainname example.org", "cat /proc/sys/kernel/domainname; hostname -f", "example.org\nbox.example.org"),
            Case("--umask 077", "umask; touch /f; stat -c %a /f", "0077\n600"),
            Case("", "umask", "0022"),
            Case("--tz Asia/Tokyo", "date +%z", "+0900"),
            Case("--tz local", "head -c 4 /etc/localtime", "TZif"),
            Case("--init", "cat /proc/1/comm; echo $$", "minictl-init\n2"),
            Case("", "echo $$; ps -e -o pid= | wc -l", "1\n3"),
            Case(
                "--label a=b --label c --annotation x=y --log-driver none --pull never --stop-signal HUP --stop-timeout 3", "echo fine",
                "fine"),
            Case("", "ls /proc/self/fd | tr '\\n' ' '; ls -l /dev/fd /dev/stdin | wc -l", "0 1 2 3 2"),
            Case("", "readlink /proc/self/fd/0; readlink /proc/self/cwd", "/dev/null\n/"),
        ])
    func flag(_ item: Case) throws { try rig.expect(item) }

    @Test(
        "What makes no sense is refused with 125 and a sentence",
        arguments: [
            Refusal("--tz Moon/Base base true", "'Moon/Base'"), Refusal("--tz ../../../etc/passwd base true", "unknown time zone"),
            Refusal("--tz zone.tab base true", "'zone.tab'"), Refusal("--tz Europe base true", "'Europe'"),
            Refusal("-w relative base true", "absolute"), Refusal("-u nosuch base true", "nosuch"), Refusal("-u -1 base true", "-1"),
            Refusal("-u 2147483647 base true", "2147483647"), Refusal("-u 2147483648 base true", "2147483648"),
            Refusal("-u 4294967296 base true", "4294967296"), Refusal("-u 70000 base true", "none of the container's ids"),
            Refusal("--group-add 70000 base true", "group 70000"),
            Refusal("-u 99999999999999999999 base true", "99999999999999999999"), Refusal("-u 0:nosuch base true", "nosuch"),
            Refusal("--group-add nosuch base true", "nosuch"), Refusal("-h a_b/c base true", "a_b/c"),
            Refusal("-h a\nb base true", "host name"),
            Refusal("-e =x base true", "=x"), Refusal("--env-file /nonexistent base true", "/nonexistent"),
            Refusal("--env-file /dev/zero base true", "/dev/zero"), Refusal("--umask 9 base true", "'9'"),
            Refusal("--stop-signal NOSUCH base true", "NOSUCH"), Refusal("--name .x base true", "name"),
            Refusal("--name a/b base true", "name"),
            Refusal("--nosuchflag base true", "nosuchflag"), Refusal("--entrypoint= base", "command"),
            Refusal("nosuchimage true", "nosuchimage"),
            Refusal("--rootfs /nonexistent true", "/nonexistent"), Refusal("-it base true", "TTY"),
            Refusal("base /nosuch", "/nosuch", code: 127), Refusal("base nosuch", "nosuch", code: 127),
            Refusal("base /etc", "/etc", code: 126),
            Refusal("base /etc/passwd", "/etc/passwd", code: 126), Refusal("-w /etc/passwd base true", "/etc/passwd"),
        ])
    func refusal(_ refusal: Refusal) throws { try rig.expect(refusal) }

    @Test("The exit code is the program's own, or 128 and the signal's number")
    func exitCodes() throws {
        for code: CInt in [0, 1, 42, 255] { #expect(try rig.sh("exit \(code)").code == code) }
        // The shell below --init may die of a signal; the first process itself is deaf to its own.
        #expect(try rig.sh(["--init"], "kill -TERM $$").code == 143)
        #expect(try rig.sh(["--init"], "kill -KILL $$").code == 137)
        rig.expectNothingLeft()
    }

    @Test("An argument that is not UTF-8 is refused, and not changed into one that is")
    func foreignBytes() throws {
        for words in ["base echo \"$X\"", "-v \"\(rig.host)/$X:/x\" base true", "-e \"A=$X\" base true"] {
            let script = "X=$(printf 'a\\377'); \(Program.path) --root \(rig.root) run --rm --network none \(words)"
            let ending = try Command(["sh", "-c", script]).run()
            #expect(ending.code == 125 && ending.error.contains("is not UTF-8"), "\(words): \(ending)")
        }
        #expect(rig.names("host").isEmpty)
    }

    @Test("An entrypoint comes before the command, and one on the command line takes the image's command away")
    func entrypoint() throws {
        #expect(try rig.minictl("run", "--rm", "--entrypoint", "echo", "base", "a", "b").text == "a b")
        #expect(try rig.minictl("run", "--rm", "--entrypoint", "", "base", "echo", "x").text == "x")
        #expect(try rig.minictl("run", "--rm", "--entrypoint", "env", "base").lines.contains { $0.hasPrefix("PATH=") })
    }

    @Test("A label file has one label a line; -l overrides it wherever it stands")
    func labelFile() throws {
        try rig.write("labels", "# a comment\n\nrole=front end\nbare\nowner=file\n")
        let id = try rig.minictl("create", "-l", "owner=me", "--label-file", "\(rig.path)/labels", "--network", "none", "base", "true").text
        let labels = try rig.minictl("inspect", "-f", "{{json .Config.Labels}}", id).text
        for part in [#""bare":"""#, #""owner":"me""#, #""role":"front end""#] { #expect(labels.contains(part), "\(labels)") }
        #expect(try rig.minictl("create", "--label-file", "\(rig.path)/none", "base", "true").code == 125)
    }

    @Test("An env file has one variable a line; -e overrides it wherever it stands")
    func envFile() throws {
        try rig.write("env", "# a comment\n\nA=1\n  B=two words \nHOME\nNOSUCH\nC=x=y#z\r\n")
        let script = "echo \"$A|$B|${NOSUCH-unset}|$C|$HOME\""
        #expect(try rig.sh(["--env-file", "\(rig.path)/env"], script).text == "1|two words |unset|x=y#z|/root")
        #expect(try rig.sh(["-e", "A=9", "--env-file", "\(rig.path)/env"], "echo $A").text == "9")
        // As an editor of another system writes it.
        try rig.write("lines", "A=1\r\n\r\n# a comment\r\nB=2\r\n")
        #expect(try rig.sh(["--env-file", "\(rig.path)/lines"], "echo $A$B").text == "12")
        #expect(try rig.sh(["--env-file", "/dev/null"], "true").code == 0)
        // What one variable may be at the most, Linux says.
        try rig.write("long", "A=\(String(repeating: "x", count: 140_000))\n")
        let long = try rig.sh(["--env-file", "\(rig.path)/long"], "true")
        #expect(long.code == 126 && long.error.contains("longer than the kernel takes"), "\(long)")
        try rig.write("bad", "a b=1\n")
        #expect(try rig.sh(["--env-file", "\(rig.path)/bad"], "true").code == 125)
        mkfifo("\(rig.path)/fifo", 0o600)
        #expect(try rig.sh(["--env-file", "\(rig.path)/fifo"], "true", seconds: 5).code == 125)
    }

    @Test("The host name is the short id, which the cid file has in full")
    func cidFile() throws {
        let file = "\(rig.path)/cid"
        let name = try rig.sh(["--cidfile", file], "hostname").text
        let id = try rig.read("cid")
        #expect(name.utf8.count == 12 && id.utf8.count == 64 && id.hasPrefix(name))
        let again = try rig.sh(["--cidfile", file], "true")
        #expect(again.code == 125 && again.error.contains("exists"))
        #expect(try rig.read("cid") == id)
        #expect(try rig.sh(["--cidfile", "\(rig.path)/none", "-u", "nosuch"], "true").code == 125)
        #expect(!rig.names("").contains("none"))
        #expect(try rig.sh(["--userns", "host", "--cidfile", "\(rig.path)/cid2"], "true").code == 0)
        symlink("victim/canary", "\(rig.path)/link")
        #expect(try rig.sh(["--cidfile", "\(rig.path)/link"], "true").code == 125)
        symlink("victim/new", "\(rig.path)/dangling")
        #expect(try rig.sh(["--cidfile", "\(rig.path)/dangling"], "true").code == 125)
    }

    @Test("A missing interpreter and a program for another machine are said in words")
    func brokenPrograms() throws {
        try rig.makeDirectory("fs/bin")
        try rig.write("fs/bin/script", "#!/usr/bin/nosuch -x\n", mode: 0o755)
        try rig.write("fs/bin/null", "#!/usr/bin/nosuch\0x\n", mode: 0o755)
        try rig.write("fs/bin/text", "hello\n", mode: 0o755)
        try rig.write("fs/bin/empty", "", mode: 0o755)
        try rig.write("fs/bin/plain", "#!/bin/sh\n", mode: 0o644)
        var elf = [UInt8](repeating: 0, count: 120)
        elf.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
        elf.replaceSubrange(16..<20, with: [2, 0, 183, 0])
        try FileDescriptor(opening: "\(rig.path)/fs/bin/arm", [.writeOnly, .create], mode: 0o755).write(elf)
        // A program for musl: the interpreter's name is all that is wrong with it.
        var musl = [UInt8](repeating: 0, count: 160)
        musl.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
        musl.replaceSubrange(16..<24, with: [3, 0, 62, 0, 1, 0, 0, 0])
        musl[32] = 64
        musl.replaceSubrange(52..<58, with: [64, 0, 56, 0, 1, 0])
        musl[64] = 3
        musl[72] = 120
        let name = Array("/lib/ld-musl-x86_64.so.1\0".utf8)
        musl[96] = UInt8(name.count)
        musl[104] = UInt8(name.count)
        musl.replaceSubrange(120..<(120 + name.count), with: name)
        try FileDescriptor(opening: "\(rig.path)/fs/bin/musl", [.writeOnly, .create], mode: 0o755).write(musl)
        for (program, code, words) in [
            ("script", 127 as CInt, "/usr/bin/nosuch"), ("null", 127, "/usr/bin/nosuch,"), ("musl", 127, "/lib/ld-musl-x86_64.so.1"),
            ("arm", 126, "aarch64"), ("text", 126, "not"), ("empty", 126, "not"), ("plain", 126, "permission"),
        ] {
            for name in [program, "/bin/" + program] {
                let ending = try rig.minictl("run", "--rm", "--rootfs", "\(rig.path)/fs", name)
                #expect(ending.code == code && ending.error.contains(words), "\(name): \(ending.code) \(ending.error)")
            }
        }
        rig.expectNothingLeft()
    }

    @Test("--init reaps orphans and passes signals on")
    func initReaps() throws {
        let script = "(sleep 0.1 & exec sleep 0.01) & sleep 0.4; ps -e -o stat= | grep -c Z"
        #expect(try rig.sh(["--init"], script).text == "0")
        let running = try rig.command([
            "run", "--rm", "--init", "base", "sh", "-c", "trap 'echo got; exit 7' USR1; echo up; while :; do sleep 0.05; done",
        ]).start()
        #expect(running.wait(for: "up"))
        running.signal(SIGUSR1)
        let ending = running.ending()
        #expect(ending.code == 7 && ending.text == "up\ngot")
    }

    @Test("The small init shows nothing of the caller's command line and environment")
    func initIsDiscreet() throws {
        for flags in [["--init"], ["--init", "--userns", "host", "--cap-add", "SYS_PTRACE"]] {
            var command = rig.command(
                ["run", "--rm"] + flags + [
                    "base", "sh", "-c",
                    "cat /proc/1/cmdline /proc/1/environ 2>/dev/null | tr '\\0' ' '; ls -l /proc/1/fd /proc/1/cwd 2>/dev/null | grep -e /tmp -e /root; true",
                ])
            command.environment.append("SECRET=hunter2")
            let shown = try command.run().output
            #expect(shown.starts(with: "minictl-init ".utf8) && shown.dropFirst(12).allSatisfy { $0 == UInt8(ascii: " ") })
        }
    }

    @Test("Signals are passed on to the program", arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2])
    func signals(_ signal: CInt) throws {
        let script = "trap 'echo $?; exit 3' \(signal); echo up; while :; do sleep 0.05; done"
        let running = try rig.command(["run", "--rm", "base", "sh", "-c", script]).start()
        #expect(running.wait(for: "up"))
        running.signal(signal)
        #expect(running.ending().code == 3)
        rig.expectNothingLeft()
    }
}

extension Rig {
    func sh(_ script: String, at location: SourceLocation = #_sourceLocation) throws -> Ending { try sh([], script, at: location) }
}
