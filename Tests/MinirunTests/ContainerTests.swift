// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// What a config.json asks for, looked at from inside.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct ContainerTests {
    @Test func `A tmpfs has the permissions of the directory it covers, unless others are asked for`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "stat -c %a /covered /given /made /copied /new") { spec in
            func add(_ destination: String, _ options: [String] = []) {
                spec.mounts?.append(Spec.Mount(destination: destination, type: "tmpfs", source: "tmpfs", options: options))
            }
            add("/covered")
            add("/given", ["mode=1500"])
            add("made")  // as old engines name a place
            add("/copied", ["tmpcopyup"])
            add("/new", ["tmpcopyup"])
        }
        for name in ["covered", "given", "copied"] {
            try Directory.make("\(bundle)/rootfs/\(name)")
            #expect(chmod("\(bundle)/rootfs/\(name)", 0o710) == 0)
        }
        let outcome = try fixture.minirun("run", "--bundle", bundle, "a")
        #expect(outcome.output == "710\n1500\n1777\n710\n1777\n", "\(outcome)")
    }

    @Test func `A seccomp profile decides what calls answer`() throws {
        let fixture = try Fixture()
        let profile = Spec.Seccomp(
            defaultAction: .allow, syscalls: [Spec.Seccomp.Syscall(names: ["mkdir", "mkdirat"], action: .errno, errnoRet: UInt(EDOM))])
        let script = "mkdir /x; grep Seccomp: /proc/self/status"
        for noNewPrivileges in [false, true] {
            let outcome = try fixture.run("a\(noNewPrivileges)", script) { spec in
                spec.linux?.seccomp = profile
                spec.process?.noNewPrivileges = noNewPrivileges
            }
            #expect(outcome.errors.contains("Numerical argument out of domain"), "\(outcome)")
            #expect(outcome.output == "Seccomp:\t2\n")
        }
    }

    @Test func `A read-only root, read-only paths and masks hold`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run(
            "a", "touch /x; echo 1 > /proc/sys/kernel/domainname; cat /proc/keys; ls /proc/fs; touch /dev/ok && echo ok"
        ) {
            spec in
            spec.root?.readonly = true
            spec.linux?.readonlyPaths = ["/proc/sys", "/no/such/path"]
            spec.linux?.maskedPaths = ["/proc/keys", "/proc/fs", "/no/such/path"]
        }
        #expect(outcome.output == "ok\n", "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count { $0.contains("Read-only file system") } == 2, "\(outcome.errors)")
    }

    @Test func `Limits are those of config.json, and update changes them`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100") { spec in
            spec.linux?.resources = Spec.Resources(memory: Spec.Resources.Memory(limit: 32 << 20), pids: Spec.Resources.Pids(limit: 20))
        }
        let folder = fixture.cgroupParent + "/a"
        func limit() throws -> String {
            let legacy = "/sys/fs/cgroup/memory\(folder)/memory.limit_in_bytes"
            return try File.readKernel(access(legacy, F_OK) == 0 ? legacy : "/sys/fs/cgroup\(folder)/memory.max")
        }
        #expect(try limit() == "\(32 << 20)\n")
        #expect(try fixture.minirun("update", "--memory", "64m", "a").status == 0)
        #expect(try limit() == "\(64 << 20)\n")
        try fixture.write("new.json", Array(#"{"memory":{"limit":50331648}}"#.utf8))
        #expect(try fixture.minirun("update", "--resources", fixture.path + "/new.json", "a").status == 0)
        #expect(try limit() == "\(48 << 20)\n")
        let shown = try fixture.minirun("events", "--stats", "a").output
        let event = try JSONDecoder().decode(JSONValue.self, from: Array(shown.utf8))
        #expect(event["type"] == "stats" && event["data"]?["memory"]?["usage"]?["limit"] == 50_331_648)
        #expect(event["data"]?["pids"]?["limit"] == 20)
    }

    @Test func `A container that takes too much memory is killed`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "exec dd if=/dev/zero of=/dev/big bs=1M count=64") { spec in
            spec.mounts?[1].options = ["mode=755", "size=100m"]
            spec.linux?.resources = Spec.Resources(memory: Spec.Resources.Memory(limit: 16 << 20, swap: 16 << 20))
        }
        #expect(outcome.status == 137, "\(outcome)")
    }

    @Test func `A paused container stands still`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "while :; do echo x >> /count; sleep 0.02; done")
        #expect(waitUntil { fixture.read("a/rootfs/count").utf8.count > 4 })
        #expect(try fixture.minirun("pause", "a").status == 0)
        #expect(try fixture.status("a") == "paused")
        #expect(try fixture.minirun("exec", "a", "true").errors.contains("cannot exec in a paused container"))
        let before = fixture.read("a/rootfs/count").utf8.count
        usleep(200_000)
        #expect(fixture.read("a/rootfs/count").utf8.count == before)
        #expect(try fixture.minirun("resume", "a").status == 0)
        #expect(try fixture.status("a") == "running")
        #expect(waitUntil { fixture.read("a/rootfs/count").utf8.count > before })
        // One that is frozen is killed all the same.
        #expect(try fixture.minirun("pause", "a").status == 0)
        #expect(try fixture.minirun("delete", "--force", "a").status == 0)
        #expect(try fixture.state("a") == nil)
    }

    @Test func `A limit above ours is an error that names the right it needs`() throws {
        var own = try ResourceLimit(current: #require(ResourceLimit.Kind("nofile")))
        own.hard = own.hard == .max ? .max : own.hard + 1
        let isAllowed = try ProcessCapabilities.available.contains(#require(CapabilitySet("CAP_SYS_RESOURCE")))
        guard !isAllowed, own.hard != .max else { return }
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "true") { spec in
            spec.process?.rlimits = [Spec.Process.Rlimit(type: "RLIMIT_NOFILE", soft: own.hard, hard: own.hard)]
        }
        #expect(outcome.status == 1 && outcome.errors.contains("CAP_SYS_RESOURCE"), "\(outcome)")
    }

    @Test func `The container's streams are ours, but never the host's null device`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "echo out; echo err >&2; stat -L -c %d /dev/fd/0 /dev/null; ls /proc/self/fd")
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 7, "\(outcome)")
        #expect(lines[0] == "out" && outcome.errors == "err\n")
        #expect(lines[1] == lines[2])  // the same device in the container's own /dev
        #expect(lines[3...] == ["0", "1", "2", "3"])  // 3 is what ls reads
    }

    @Test func `What the host shares with others is cut off from the container`() throws {
        let fixture = try Fixture()
        let shared = fixture.path + "/shared"
        try Directory.make(shared)
        try #require(mount("tmpfs", shared, "tmpfs", 0, "size=8m") == 0)
        defer { umount2(shared, CInt(MNT_DETACH)) }
        try #require(mount(nil, shared, nil, UInt(MS_SHARED), nil) == 0)
        try Directory.make(shared + "/volume")
        // The root file system of an engine may lie there too, and pivot_root(2) takes no shared one.
        let outcome = try fixture.minirun(
            "run", "--bundle",
            fixture.bundle("shared/a", "grep -cE ' (shared|master):' /proc/self/mountinfo; ls /volume /peer") { spec in
                spec.linux?.cgroupsPath = "\(fixture.cgroupParent)/a"
                spec.mounts?.append(Spec.Mount(destination: "/volume", type: "bind", source: shared + "/volume", options: ["rbind"]))
                spec.mounts?.append(Spec.Mount(destination: "/peer", type: "bind", source: shared, options: ["rbind", "rslave"]))
            }, "a")
        #expect(outcome.output.hasPrefix("1\n"), "\(outcome)")  // the one that asked to be a slave
    }

    @Test(
        arguments: [
            ("kernel.core_pattern", "belongs to the whole machine"), ("net.ipv4.ip_forward", "while the container shares its network"),
            ("kernel.msgmax", "while the container shares its ipc namespace"), ("kernel.hostname", "give the host name as hostname"),
            ("net/../kernel/panic", "linux.sysctl"),
        ])
    func `A kernel setting that would not stay in the container is refused`(_ name: String, _ words: String) throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "true") { spec in
            spec.linux?.namespaces = [.mount, .pid, .uts].map { Spec.Linux.Namespace(type: $0) }
            spec.linux?.sysctl = [name: "1"]
        }
        #expect(outcome.status == 1 && outcome.errors.contains(words), "\(outcome)")
    }

    @Test func `Kernel settings of the container's own namespaces are set`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax") { spec in
            spec.linux?.sysctl = ["net/ipv4/ip_forward": "1", "kernel.msgmax": "9000"]
            spec.linux?.readonlyPaths = ["/proc/sys"]
        }
        #expect(outcome.output == "1\n9000\n", "\(outcome)")
    }

    @Test func `What a program lacks is found or made: its home, its working directory`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "echo $HOME; pwd") { spec in
            spec.root?.readonly = true
            spec.process?.cwd = "/made/here"
            spec.process?.user.uid = 12
        }
        try Directory.make(bundle + "/rootfs/etc", mode: 0o755)
        let users = "root:x:0:0::/root:/bin/sh\n12\nbad:x:12\nus:x:12:12::/home/us:\n"
        try fixture.write("passwd", Array(users.utf8), in: bundle + "/rootfs/etc")
        #expect(try fixture.minirun("run", "--bundle", bundle, "a").output == "/home/us\n/made/here\n")
        // The file is the container's: what it names must not be followed out of there, nor wait for anybody.
        unlink(bundle + "/rootfs/etc/passwd")
        mkfifo(bundle + "/rootfs/etc/passwd", 0o644)
        #expect(try fixture.minirun("run", "--bundle", bundle, "a").output == "/\n/made/here\n")
    }

    @Test func `A capability that nobody knows is left out with a warning`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "grep CapEff /proc/self/status") { spec in
            spec.process?.capabilities = Spec.Process.Capabilities(
                bounding: ["CAP_KILL", "CAP_FLY"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"])
        }
        let outcome = try fixture.minirun("--log", fixture.path + "/log", "run", "--bundle", bundle, "a")
        #expect(outcome.output == "CapEff:\t0000000000000020\n" && outcome.errors == "", "\(outcome)")
        #expect(fixture.read("log").contains("level=warning msg=\"CAP_FLY cannot be granted here\""))
    }

    @Test func `Nobody can write into our own program by way of a container`() throws {
        let fixture = try Fixture()
        #expect(try fixture.minirun("create", "--bundle", fixture.bundle("a", "sleep 100"), "a").status == 0)
        let pid = try #require(try fixture.state("a")?["pid"]?.int)
        let program = try FileDescriptor(opening: "/proc/\(pid)/exe", .path)
        #expect(try fixture.minirun("start", "a").status == 0)
        // While it runs somewhere the kernel protects it anyway.
        let reason = try eventuallyReason { () throws(SystemError) in
            try FileDescriptor(opening: "/proc/self/fd/\(program.raw)", .writeOnly)
        }
        #expect(reason == EROFS)
    }

    /// Why something fails, once it fails for another reason than that the file is in use.
    private func eventuallyReason(_ open: () throws(SystemError) -> FileDescriptor) throws -> CInt? {
        for _ in 0..<250 {
            do throws(SystemError) {
                _ = try open()
                return nil
            } catch {
                guard error.errno == ETXTBSY else { return error.errno }
                usleep(20_000)
            }
        }
        return ETXTBSY
    }

    @Test func `Descriptors are passed on where that is asked for`() throws {
        let fixture = try Fixture()
        try fixture.write("given", Array("kept\n".utf8))
        let file = try FileDescriptor(opening: fixture.path + "/given")
        let bundle = try fixture.bundle("a", "cat <&3; ls /proc/self/fd")
        let passed = try fixture.minirun(["run", "--bundle", bundle, "--preserve-fds", "1", "a"], descriptors: [file.raw])
        #expect(passed.output == "kept\n0\n1\n2\n3\n4\n", "\(passed)")
        let refused = try fixture.minirun(["run", "--bundle", bundle, "--preserve-fds", "2", "a"], descriptors: [file.raw])
        #expect(refused.status == 125 && refused.errors.contains("descriptor 4 is not open"))
    }
}
