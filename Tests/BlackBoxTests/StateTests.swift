// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

/// Names from the command line and state from the disk, when somebody means harm (D04 to D07, D09).
@Suite(.onRealMachine) struct StateTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test("A name or id that is none is refused, whatever it looks like (D05, D06)")
    func names() throws {
        let id = try rig.background(["--name", "ours"])
        try rig.write("root/containers/stray", "")
        let bad = [
            "", ".", "..", "../..", "../../victim", "/etc", "a/b", "-x", "--", "a b", "a\nb", "\u{1B}[2J", "ours\n", ".volumes", "stray",
            "ö", String(repeating: "a", count: 129), String(repeating: "0", count: 64), String(repeating: "0", count: 65), "state.json",
            "*", "%00",
        ]
        for name in bad {
            for verb in [
                ["exec", "--", name, "true"], ["inspect", "--", name], ["kill", "--", name], ["stop", "--", name],
                ["rm", "-f", "--", name], ["logs", "--", name], ["wait", "--", name], ["rename", "--", "ours", name],
            ] {
                if verb[0] == "rename",
                    ["stray", String(repeating: "0", count: 64), String(repeating: "0", count: 65), "state.json"].contains(name)
                {
                    continue
                }
                let ending = try rig.minictl(verb, seconds: 5)
                #expect(ending.code != 0 || verb[0] == "rm", "\(verb)")
                #expect(!ending.error.contains("\u{1B}") && !ending.output.contains(0x1b), "\(verb)")
            }
            for flags in [["--name", name], ["--name=\(name)"]]
            where !["stray", "ours\n", String(repeating: "0", count: 64), "state.json", "ours"].contains(name) && name.utf8.count != 65 {
                #expect(try rig.minictl(["run", "--rm"] + flags + ["base", "true"]).code == 125, "\(flags)")
            }
        }
        #expect(try rig.minictl("exec", id, "echo", "alive").text == "alive")
        #expect(try rig.minictl("run", "--rm", "--name", "ours", "base", "true").code == 125)
    }

    @Test(
        "An image reference that is none is refused (D06)",
        arguments: [
            "../../x", "../../../etc/passwd", "/etc/passwd", "a@sha256:../", "a@sha256:" + String(repeating: "0", count: 64),
            "a@sha256:xyz", "A", "a b", "a:", ":a", "a:b:c:d", "@", "a\n", "\u{1B}[31m", "base:../../x", "base@", "-f",
            "sha256:../../index.json",
        ])
    func references(_ reference: String) throws {
        for long in [reference, reference + String(repeating: "x", count: 5000)] {
            let ending = try rig.minictl("run", "--rm", "--", long, "true")
            #expect(
                ending.code == 125 && ending.error.hasPrefix("minictl: ") && !ending.error.contains("\u{1B}"), "\(ending.error.prefix(300))"
            )
        }
    }

    @Test("Control characters in what a container is called or runs are made visible (D07)")
    func escapes() throws {
        let id = try rig.background(
            ["-l", "a=\u{1B}]0;x\u{7}\u{1B}[2J", "-e", "X=\u{1B}[1m"], ": '\u{1B}[31m\u{9B}\u{202E}\r\nforged   row'; sleep 1000")
        for arguments in [["ps"], ["ps", "-a", "--no-trunc"], ["ps", "--format", "json"], ["inspect", id], ["top", id]] {
            let ending = try rig.minictl(arguments)
            #expect(ending.code == 0, "\(arguments) \(ending.error)")
            #expect(!ending.output.contains(0x1b) && !ending.output.contains(7) && !ending.output.contains(0x0d), "\(arguments)")
        }
        #expect(try rig.minictl("ps", "--no-trunc").lines.count == 2)
    }

    @Test("A record of another process does not make that one ours (D04)")
    func otherProcess() throws {
        let id = try rig.background()
        // A process is known by number, boot and start time, which counts in hundredths of a second.
        usleep(30_000)
        let victim = try Command(["sleep", "1000"]).start()
        let pid = try rig.pid(id)
        let text = try rig.read("root/containers/\(id)/state.json")
        #expect(text.contains("\"pid\":\(pid)"))
        for number in [victim.pid, 1, 0, -1, Int32.max, Int32.min] {
            try rig.write("root/containers/\(id)/state.json", text.replacing("\"pid\":\(pid)", with: "\"pid\":\(number)"))
            for verb in [["exec", id, "true"], ["kill", id], ["pause", id], ["top", id]] {
                let ending = try rig.minictl(verb, seconds: 5)
                #expect(ending.code != 0, "\(verb) \(number)")
            }
            #expect(try rig.minictl("stop", "-t", "0", id, seconds: 5).code == 0)
            #expect(try rig.minictl("ps", "-q").code == 0)
        }
        try rig.write("root/containers/\(id)/state.json", text)
        #expect(kill(victim.pid, 0) == 0)
        #expect(try rig.minictl("exec", id, "echo", "alive").text == "alive")
    }

    @Test("State that is damaged or a trap harms nobody else and can be removed (D09)", arguments: ["state.json", "config.json"])
    func damaged(_ name: String) throws {
        let other = try rig.background(["--name", "other"])
        let id = try rig.background(["--name", "damaged"], "true")
        #expect(waitUntil { !rig.names("root/runtime").contains(id) })
        let file = "\(rig.root)/containers/\(id)/\(name)"
        let good = try rig.read("root/containers/\(id)/\(name)")
        let texts = [
            "", "{", "null", "[]", "7", String(good.prefix(good.utf8.count / 2)), String(repeating: "[", count: 500_000),
            String(repeating: "{\"a\":", count: 100_000), "\u{0}\u{1}\u{FF}",
            "{\"id\":\"../../x\",\"cgroup\":{\"x\":\"/\"},\"slot\":4294967295}",
            good.replacing("\"cgroup\":{", with: "\"cgroup\":{\"memory\":\"/\",\"pids\":\"../..\",\"x\":\"/etc\","),
        ]
        func attempt(_ what: String) throws {
            for verb in [
                ["ps", "-a"], ["inspect", "damaged"], ["logs", id], ["start", id], ["exec", id, "true"], ["run", "--rm", "base", "true"],
                ["exec", "other", "true"],
            ] {
                let ending = try rig.minictl(verb, seconds: 5)
                if verb[0] == "run" || verb[1] == "other" || verb[0] == "ps" {
                    #expect(ending.code == 0, "\(what) \(verb) \(ending.error)")
                }
            }
            #expect(try rig.minictl("exec", other, "echo", "alive").text == "alive", "\(what)")
            unlink(file)
            rmdir(file)
        }
        for text in texts {
            try rig.write("root/containers/\(id)/\(name)", text)
            try attempt(String(text.prefix(30)))
        }
        mkfifo(file, 0o600)
        try attempt("fifo")
        for target in ["\(rig.path)/victim/canary", "/dev/zero", name] {
            symlink(target, file)
            try attempt("link to \(target)")
        }
        mkdir(file, 0o700)
        try attempt("directory")
        let large = try FileDescriptor(opening: file, [.writeOnly, .create], mode: 0o600)
        ftruncate(large.raw, 200 << 20)
        try attempt("200 MB")
        #expect(try rig.minictl("rm", "-f", id).code == 0)
        #expect(rig.ids == [other])
        // Each kind of damage can be removed.
        for text in texts where name == "state.json" {
            let id = try rig.background(["--name", "damaged"], "true")
            #expect(waitUntil { !rig.names("root/runtime").contains(id) })
            try rig.write("root/containers/\(id)/state.json", text)
            #expect(try rig.minictl("rm", "-f", "damaged").code == 0, "\(text.prefix(30))")
            #expect(rig.ids == [other])
        }
    }

    @Test("A record that names another's cgroup does not get that one's processes killed (D09)")
    func otherCgroup() throws {
        let victim = try rig.background(["--name", "victim"])
        let id = try rig.background([], "true")
        #expect(waitUntil { !rig.names("root/runtime").contains(id) })
        let text = try rig.read("root/containers/\(id)/state.json")
        // The other one's directories in place of its own.
        let theirs = try rig.read("root/containers/\(victim)/state.json").replacing(victim, with: "OTHER")
        let cgroup = theirs.split(separator: "\"cgroup\":{").last?.prefix { $0 != "}" } ?? ""
        #expect(cgroup.contains("OTHER"))
        let ours = text.split(separator: "\"cgroup\":{").last?.prefix { $0 != "}" } ?? ""
        try rig.write("root/containers/\(id)/state.json", text.replacing(String(ours), with: cgroup.replacing("OTHER", with: victim)))
        #expect(try rig.minictl("rm", "-f", id, seconds: 5).code == 0)
        #expect(try rig.minictl("exec", victim, "echo", "alive").text == "alive")
    }

    @Test("Removing a container touches neither what it had bound nor what it links to")
    func removal() throws {
        try rig.write("host/keep", "kept")
        for flags in [["--rm"], []] {
            let id = try rig.background(
                flags + ["-v", "\(rig.host):/data", "-v", "\(rig.path)/victim:/ro:ro"],
                "ln -s \(rig.path)/victim /link; ln -s / /root/all; exec sleep 1000")
            #expect(try rig.minictl("rm", "-f", "-v", id).code == 0)
        }
        #expect(try rig.read("host/keep") == "kept")
        rig.expectNothingLeft()
    }

    @Test("Every verb answers --help and an unknown option without touching anything")
    func verbs() throws {
        for verb in [
            "run", "exec", "ps", "inspect", "logs", "stop", "kill", "rm", "wait", "start", "create", "pause", "unpause", "rename", "top",
        ] {
            #expect(try rig.minictl(verb, "--help").code == 0)
            let ending = try rig.minictl(verb, "--nosuch")
            #expect(ending.code == 125 || ending.code == 1 || ending.code == 2, "\(verb) \(ending.code)")
            #expect(ending.error.contains("nosuch"), "\(verb)")
        }
        #expect(rig.names("root") == ["images"])
    }
}
