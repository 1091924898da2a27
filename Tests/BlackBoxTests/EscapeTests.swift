// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

/// Root file systems that point out of themselves: class A of the known attacks. What they aim at is the rig's `victim`.
@Suite(.onRealMachine, .enabled(if: Program.has("busybox"))) struct EscapeTests {
    let rig: Rig
    init() throws {
        rig = try Rig()
        try rig.makeBusybox("fs", folders: ["etc", "tmp"])
    }

    private var victim: String { "\(rig.path)/victim" }

    private func link(_ name: String, to target: String) {
        try? Directory.removeAll("\(rig.path)/fs/\(name)")
        #expect(symlink(target, "\(rig.path)/fs/\(name)") == 0)
    }

    @discardableResult
    private func run(_ flags: [String], _ command: [String] = ["busybox", "true"], at location: SourceLocation = #_sourceLocation) throws
        -> Ending
    {
        try rig.minictl(["run", "--rm"] + flags + ["--rootfs", "\(rig.path)/fs"] + command, seconds: 8, at: location)
    }

    @Test(
        "A folder of the image that is a link to the host's leads nowhere (A07, A08, A09, A11, A12)",
        arguments: [
            "/proc", "/sys", "/dev", "/etc", "/tmp", "/run", "/mnt", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/shm",
            "/etc/passwd",
        ])
    func links(_ path: String) throws {
        let up = String(repeating: "../", count: 20)
        let targets = [victim, "\(victim)/canary", "\(up)\(victim)", "\(victim)/new", "/proc/self/cwd", "/proc/1/root\(victim)"]
        for target in targets.prefix(Program.isThorough ? 6 : 2) {
            if path.hasPrefix("/dev/") { try? Directory.makeAll("\(rig.path)/fs/dev", mode: 0o755) }
            #expect(try run([]).code == 0, "nothing is tried with a root that does not run")
            link(String(path.dropFirst()), to: target)
            for flags in [
                [], ["-t"], ["-v", "\(rig.host):\(path)"], ["-v", "\(rig.host):\(path)/a/b"], ["--tmpfs", path], ["-v", "copy:\(path)"],
                ["-w", "\(path)/new/dir"],
                ["--device", "/dev/zero:\(path)/device"], ["--network", "host"],
                ["--userns", "host", "-v", "\(rig.host):\(path)/c/d", "-w", "\(path)/e"], ["-u", "nosuch"],
            ] {
                let ending = try run(flags)
                #expect(!ending.error.contains("alive"))
            }
            #expect(!rig.names("root/containers/.volumes/copy").contains("canary"))
            try? Directory.removeAll("\(rig.root)/containers/.volumes")
            rig.expectNothingLeft()
            unlink("\(rig.path)/fs\(path)")
        }
    }

    @Test("A slash with a combining mark behind it is a slash: what follows is no name (A09, A12)", arguments: ["auto", "host"])
    func markedSlash(_ users: String) throws {
        chmod(victim, 0o777)
        link("a", to: victim)
        for path in ["/a/\u{301}x", "/a/\u{301}x/y", "/b/\u{600}/../a/\u{301}z", "/../..\u{2F}\u{301}x"] {
            for flags in [
                ["-v", "\(rig.host):\(path)"], ["-v", "/etc/hostname:\(path)"], ["-v", "copy:\(path)"], ["--tmpfs", path],
                ["-w", path], ["--read-only", "-w", path], ["--device", "/dev/zero:\(path)"],
            ] {
                try run(["--userns", users] + flags)
            }
        }
        chmod(victim, 0o750)
        rig.expectNothingLeft()
    }

    @Test("A link to what is missing means a place in the container, and what is mounted there is made there")
    func danglingLinks() throws {
        // As images with systemd have it, and as nobody should.
        link("etc/resolv.conf", to: "../run/systemd/resolve/stub-resolv.conf")
        link("etc/hosts", to: victim + "/new")
        link("data", to: "/a/b")
        link("loop", to: "loop2/x")
        link("loop2", to: "loop/x")
        let seen = try run(
            ["--network", "host", "-v", "\(rig.host):/data/c"],
            ["busybox", "sh", "-c", "busybox grep -c localhost /etc/hosts; busybox wc -c </etc/resolv.conf; busybox ls -d /a/b/c"])
        #expect(seen.code == 0 && seen.lines.count == 3 && seen.lines[0] != "0" && seen.lines[2] == "/a/b/c", "\(seen)")
        #expect(access("\(victim)/new", F_OK) != 0)
        #expect(try run(["-v", "\(rig.host):/loop/y"]).error.contains("levels of symbolic links"))
        rig.expectNothingLeft()
    }

    @Test("A /dev of a volume's, full of links, is neither source nor target of anything (A05, A06)")
    func hostileDev() throws {
        for name in [
            "null", "zero", "full", "random", "urandom", "tty", "console", "ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout",
            "stderr",
        ] {
            symlink(name == "pts" || name == "shm" ? victim : "\(victim)/canary", "\(rig.host)/\(name)")
        }
        for flags in [[], ["-t"], ["--userns", "host"], ["--userns", "host", "-t"], ["--device", "/dev/zero"], ["--privileged"]] {
            try run(["-v", "\(rig.host):/dev"] + flags)
            try run(["-v", "\(rig.host):/dev/"] + flags)
            try run(["--mount", "type=bind,source=\(rig.host),target=/dev/."] + flags)
        }
        // What /proc/sys/kernel/core_pattern would have been is as it was, and no mask is missing.
        unlink("\(rig.host)/null")
        symlink("/proc/sys/kernel/core_pattern", "\(rig.host)/null")
        let before = try File.readKernel("/proc/sys/kernel/core_pattern")
        let ending = try run(
            ["--userns", "host", "-v", "\(rig.host):/dev"],
            ["busybox", "sh", "-c", "busybox cat /proc/keys /proc/timer_list | busybox wc -c; echo x >/proc/keys"])
        #expect(ending.text == "0" || ending.code == 125, "\(ending.text)")
        #expect(try File.readKernel("/proc/sys/kernel/core_pattern") == before)
    }

    @Test("A directory that is swapped for a link while mounts are made wins nothing (A10)")
    func race() throws {
        guard Program.has("perl") else { return }
        try rig.makeDirectory("host/a")
        symlink(victim, "\(rig.host)/b")
        // renameat2(RENAME_EXCHANGE) as fast as it goes.
        let flip = "chdir '\(rig.host)'; while (1) { syscall(316, -100, 'a', -100, 'b', 2) }"
        let attacker = try Command(["perl", "-e", flip]).start()
        let until = ContinuousClock.now + .seconds(1.5)
        while ContinuousClock.now < until {
            try run(["-v", "\(rig.host):/shared", "-v", "\(rig.path)/fs/etc:/shared/a/x/y", "--tmpfs", "/shared/a/z", "-w", "/shared/a/w"])
        }
        attacker.signal(SIGKILL)
    }

    @Test("A working directory that is a leaked descriptor is refused, by run and by exec (A02, A03, A04)")
    func leakedDirectory() throws {
        let id = try rig.background()
        let links = (3...12).map { "ln -s /proc/self/fd/\($0) /foo\($0)" }.joined(separator: "; ")
        #expect(try rig.minictl("exec", id, "sh", "-c", links).code == 0)
        for number in 3...12 {
            for path in ["/proc/self/fd/\(number)", "/proc/self/fd/\(number)/../../..", "/foo\(number)"] {
                let ending = try rig.minictl("exec", "-w", path, id, "sh", "-c", "pwd; ls -d foo3")
                // Some of our descriptors are of the container's own root, which is where it may be.
                #expect(ending.code == 125 || ending.text == "/\nfoo3", "\(path) \(ending.text) \(ending.error)")
            }
            #expect(try rig.minictl("run", "--rm", "-w", "/proc/self/fd/\(number)", "base", "ls").code == 125)
            #expect(try rig.minictl("exec", id, "/proc/self/fd/\(number)/bin/sh").code >= 125)
            #expect(try rig.minictl("run", "--rm", "base", "/proc/self/fd/\(number)/bin/sh").code >= 125)
        }
    }

    @Test(
        "The program's own file cannot be written by a container that makes it execute itself (A01)",
        arguments: ["host", "auto", "0:65536"])
    func selfExecution(_ users: String) throws {
        let copy = "\(rig.path)/minictl"
        let bytes = try File.read(Program.path, limit: 256 << 20)
        // By a program of its own: while this one had it open for writing, another test's child could hold it so, and it could not run.
        #expect(try Command(["cp", Program.path, copy]).run().code == 0)
        try rig.makeDirectory("fs/proc")
        try rig.makeDirectory("fs/lib64")
        try FileDescriptor(opening: "\(rig.path)/fs/lib64/ld-linux-x86-64.so.2", [.writeOnly, .create], mode: 0o755).write(
            TinyProgram.sleeper)
        try rig.write("fs/evil", "#!/proc/self/exe\n", mode: 0o755)
        let attack = """
            #!/bin/busybox sh
            echo up
            while :; do for p in /proc/[0-9]*; do
                case $(busybox readlink $p/exe) in ''|*/busybox) continue;; esac
                exec 3<$p/exe && break 2
            done; done
            echo caught
            busybox sleep 1
            (echo OVERWRITTEN >/proc/self/fd/3) 2>/dev/null && echo overwrote
            echo end
            """
        try rig.write("fs/attack", attack, mode: 0o755)
        var command = Command([
            copy, "--root", rig.root, "run", "--rm", "--cidfile", "\(rig.path)/id", "--userns", users, "--rootfs", "\(rig.path)/fs",
            "/attack",
        ])
        let running = try command.start()
        #expect(running.wait(for: "up"))
        for _ in 0..<5 where !running.text.contains("caught") {
            command = Command([copy, "--root", rig.root, "exec", try rig.read("id"), "/evil"])
            _ = try command.run(seconds: 5)
            running.wait(seconds: 1) { $0.text.contains("caught") }
        }
        // The run itself executes that file too, so it has to end before the file could be written.
        running.wait(seconds: 3) { $0.text.contains("end") }
        #expect(running.text.contains("caught") && running.text.contains("end") && !running.text.contains("overwrote"), "\(running.text)")
        running.signal(SIGKILL)
        _ = running.ending()
        #expect(try File.read(copy, limit: 256 << 20) == bytes)
    }

    @Test("A joining process shows nothing of the host to a container that may trace (A21)", arguments: ["auto", "host"])
    func joiningProcess(_ users: String) throws {
        let watch =
            "while :; do for p in /proc/[0-9]*; do for f in $p/cwd $p/root $p/exe $p/fd/*; do l=$(readlink $f) && case $l in /tmp/*|*minictl*|*/images/*|*/containers/*|/home*) echo \"$f $l\";; esac; done; ls $p/root/ 2>/dev/null | grep -qx -e work -e boot && echo root; done; done"
        let running = try rig.command([
            "run", "--rm", "--cidfile", "\(rig.path)/id", "--userns", users, "--cap-add", "SYS_PTRACE", "base", "bash", "-c",
            "echo up; \(watch)",
        ]).start()
        #expect(running.wait(for: "up"))
        let id = try rig.read("id")
        for _ in 0..<12 { try rig.minictl("exec", id, "true") }
        running.signal(SIGKILL)
        #expect(running.ending().text == "up")
    }
}
