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
    @Test func `A user namespace maps the container's root to its owner on the host`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle(
            "a", "id -u; cat /proc/self/uid_map; touch /new; ls -ln /new; stat -c %u /dev/null; stat -c %t:%T /dev/null"
        ) {
            spec in
            spec.linux?.namespaces?.append(Spec.Linux.Namespace(type: .user))
            spec.linux?.uidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
            spec.linux?.gidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
        }
        #expect(chown(bundle + "/rootfs", 400_000, 400_000) == 0)
        #expect(chmod(fixture.path, 0o711) == 0)
        let outcome = try fixture.minirun("run", "--bundle", bundle, "a")
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 5, "\(outcome.output)")
        #expect(lines[0] == "0")
        #expect(lines[1].split(separator: " ") == ["0", "400000", "1000"])
        #expect(lines[2].split(separator: " ")[2] == "0")
        #expect(lines[4] == "1:3")
        #expect(try FileStatus(of: bundle + "/rootfs/new").owner == 400_000)
        // The host's node is the host's still.
        #expect(try FileStatus(of: "/dev/null").owner == 0)
    }

    @Test func `A time namespace is ahead by its offsets`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "cat /proc/uptime") { spec in
            spec.linux?.namespaces?.append(Spec.Linux.Namespace(type: .time))
            spec.linux?.timeOffsets = ["boottime": Spec.Linux.TimeOffset(secs: 1_000_000)]
        }
        let uptime = outcome.output.split(separator: ".").first.flatMap { Int($0) } ?? 0
        #expect(uptime > 1_000_000, "\(outcome)")
    }

    @Test func `A time namespace may be without offsets`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "readlink /proc/self/ns/time") { spec in
            spec.linux?.namespaces?.append(Spec.Linux.Namespace(type: .time))
        }
        let ours = String(decoding: try Place.current.readLink("/proc/self/ns/time"), as: UTF8.self)
        #expect(outcome.output.hasPrefix("time:[") && outcome.output != ours + "\n", "\(outcome)")
    }

    /// The network namespace is this machine's root's, and so is the time namespace: both are made before the user namespace.
    @Test func `Namespaces are joined beside a user namespace that does not own them`() throws {
        let fixture = try Fixture()
        func map(_ spec: inout Spec) {
            spec.linux?.uidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
            spec.linux?.gidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
        }
        #expect(chmod(fixture.path, 0o711) == 0)
        try fixture.start("net", "sleep 100") { $0.linux?.namespaces?.append(Spec.Linux.Namespace(type: .time)) }
        let bundle = try fixture.bundle("user", "sleep 100") { spec in
            spec.linux?.namespaces?.append(Spec.Linux.Namespace(type: .user))
            map(&spec)
        }
        #expect(chown(bundle + "/rootfs", 400_000, 400_000) == 0)
        #expect(try fixture.minirun("create", "--bundle", bundle, "user").status == 0)
        let (net, user) = (try #require(fixture.state("net")?["pid"]?.int), try #require(fixture.state("user")?["pid"]?.int))
        let joining = try fixture.bundle("a", "id -u; for i in net time user; do readlink /proc/self/ns/$i; done") { spec in
            spec.hostname = nil
            map(&spec)
            spec.linux?.namespaces = [
                Spec.Linux.Namespace(type: .mount), Spec.Linux.Namespace(type: .user, path: "/proc/\(user)/ns/user"),
                Spec.Linux.Namespace(type: .network, path: "/proc/\(net)/ns/net"),
                Spec.Linux.Namespace(type: .time, path: "/proc/\(net)/ns/time"),
            ]
        }
        #expect(chown(joining + "/rootfs", 400_000, 400_000) == 0)
        let outcome = try fixture.minirun("run", "--bundle", joining, "a")
        let expected = try [(net, "net"), (net, "time"), (user, "user")].map { pid, kind in
            try String(decoding: Place.current.readLink("/proc/\(pid)/ns/\(kind)"), as: UTF8.self)
        }
        #expect(outcome.output.split(separator: "\n").map(String.init) == ["0"] + expected, "\(outcome)")
    }

    @Test func `A tmpfs has the permissions of the directory it covers, unless others are asked for`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "stat -c %a /covered /given /made") { spec in
            spec.mounts?.append(Spec.Mount(destination: "/covered", type: "tmpfs", source: "tmpfs"))
            spec.mounts?.append(Spec.Mount(destination: "/given", type: "tmpfs", source: "tmpfs", options: ["mode=1500"]))
            // As old engines name a place.
            spec.mounts?.append(Spec.Mount(destination: "made", type: "tmpfs", source: "tmpfs"))
        }
        for name in ["covered", "given"] {
            try Directory.make("\(bundle)/rootfs/\(name)")
            #expect(chmod("\(bundle)/rootfs/\(name)", 0o710) == 0)
        }
        let outcome = try fixture.minirun("run", "--bundle", bundle, "a")
        #expect(outcome.output == "710\n1500\n1777\n", "\(outcome)")
    }

    @Test func `Namespaces of another container are joined by path`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let pid = try #require(try fixture.state("a")?["pid"]?.int)
        let outcome = try fixture.run(
            "b", "readlink /proc/self/ns/net; readlink /proc/self/ns/uts; readlink /proc/self/ns/ipc; kill -0 1 && echo $$"
        ) {
            spec in
            spec.hostname = nil
            spec.linux?.namespaces = [
                Spec.Linux.Namespace(type: .mount), Spec.Linux.Namespace(type: .ipc),
                Spec.Linux.Namespace(type: .network, path: "/proc/\(pid)/ns/net"),
                Spec.Linux.Namespace(type: .uts, path: "/proc/\(pid)/ns/uts"),
                Spec.Linux.Namespace(type: .pid, path: "/proc/\(pid)/ns/pid"),
            ]
        }
        let lines = outcome.output.split(separator: "\n").map(String.init)
        try #require(lines.count == 4, "\(outcome)")
        func theirs(_ kind: String) throws -> String {
            try String(decoding: Place.current.readLink("/proc/\(pid)/ns/\(kind)"), as: UTF8.self)
        }
        #expect(try lines[0] == theirs("net"))
        #expect(try lines[1] == theirs("uts"))
        #expect(try lines[2] != theirs("ipc"))
        #expect(lines[3] != "1")
        #expect(try fixture.status("a") == "running")
    }

    /// That namespace has no cgroups under their path, or anything.
    @Test func `In a mount namespace that it joins a container is in its own cgroup`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let pid = try #require(try fixture.state("a")?["pid"]?.int)
        let outcome = try fixture.run("b", "grep -c pids.*minirun-b /proc/self/cgroup; cat /proc/self/cgroup") { spec in
            spec.hostname = nil
            spec.linux?.namespaces = [Spec.Linux.Namespace(type: .mount, path: "/proc/\(pid)/ns/mnt")]
            spec.linux?.cgroupsPath = "/minirun-b"
        }
        #expect(outcome.status == 0 && outcome.output.contains("minirun-b"), "\(outcome)")
    }

    @Test func `A path that is no namespace is refused`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "true") { spec in
            spec.linux?.namespaces = [Spec.Linux.Namespace(type: .mount), Spec.Linux.Namespace(type: .network, path: "/proc/self/ns/uts")]
            spec.hostname = nil
        }
        #expect(outcome.status == 1 && outcome.errors.contains("network namespace"), "\(outcome)")
    }

    /// In a mount namespace of the test's own, lest a failure take this machine's root away.
    @Test(arguments: [nil, "/proc/self/ns/mnt", "/proc/1/ns/mnt"] as [String?])
    func `Without a mount namespace of its own no container takes the place of the machine's root`(_ path: String?) throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true") { spec in
            spec.linux?.namespaces = path.map { [Spec.Linux.Namespace(type: .mount, path: $0)] } ?? []
            spec.hostname = nil
        }
        let script = "\(Fixture.binary) --root \(fixture.root) run --bundle \(bundle) a; echo $?; ls -d /proc/self \(fixture.path)"
        let outcome = try Fixture.run(
            ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", script], in: fixture.path)
        #expect(outcome.output == "1\n/proc/self\n\(fixture.path)\n" && outcome.errors.contains("mount namespace"), "\(outcome)")
        #expect(try fixture.minirun("list", "-q").output == "")
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
        let isAllowed = ProcessCapabilities.available.contains(.systemResources)
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
            ("kernel.msgmax", "while the container shares its ipc namespace"), ("kernel.hostname", "is what hostname is for"),
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
