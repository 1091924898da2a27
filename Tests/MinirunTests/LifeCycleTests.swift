// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// The verbs of the OCI life cycle and what they leave behind.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct LifeCycleTests {
    @Test func `A created container waits for start, runs, ends and can be deleted`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "echo ran > /mark; sleep 100")
        let pidFile = fixture.path + "/pid"
        #expect(try fixture.minirun("create", "--bundle", bundle, "--pid-file", pidFile, "a").status == 0)
        let state = try #require(try fixture.state("a"))
        #expect(state["status"] == "created" && state["ociVersion"] == "1.2.0" && state["id"] == "a" && state["bundle"]?.string == bundle)
        #expect(state["pid"]?.int.map { "\($0)" } == fixture.read("pid"))
        #expect(fixture.read("a/rootfs/mark") == "")

        #expect(try fixture.minirun("start", "a").status == 0)
        #expect(try fixture.status("a") == "running")
        #expect(waitUntil { fixture.read("a/rootfs/mark") == "ran\n" })
        #expect(try fixture.minirun("start", "a").status != 0)
        #expect(try fixture.minirun("delete", "a").errors.contains("not stopped: running"))

        #expect(try fixture.minirun("kill", "a", "KILL").status == 0)
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
        #expect(try fixture.state("a")?["pid"] == 0)
        #expect(try fixture.minirun("delete", "a").status == 0)
        #expect(try fixture.state("a") == nil)
    }

    @Test func `While it waits for start it holds nothing of the host's`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100") { spec in
            spec.linux?.seccomp = Spec.Seccomp(defaultAction: .allow, syscalls: [Spec.Seccomp.Syscall(names: ["mkdir"], action: .errno)])
        }
        #expect(try fixture.minirun("create", "--bundle", bundle, "a").status == 0)
        let pid = try #require(fixture.state("a")?["pid"]?.int)
        let held = try FileDescriptor(opening: "/proc/\(pid)/fd", .directory).entries().map { entry in
            String(decoding: try Place.current.readLink("/proc/\(pid)/fd/\(entry.name)"), as: UTF8.self)
        }
        // Its streams are files of this test's.
        let rest = held.filter { !$0.hasPrefix("socket:") && !$0.hasPrefix(fixture.path + "/.stream-") && $0 != "/" && $0 != "/dev/null" }
        #expect(rest == [] && held.count > 3)
        #expect(try fixture.status("a") == "created")
    }

    /// As a first process it ends by no signal that it does not expect.
    @Test(arguments: ["TERM", "INT", "HUP"])
    func `A created container ends by a signal, and starts no more`(_ signal: String) throws {
        let fixture = try Fixture()
        #expect(try fixture.minirun("create", "--bundle", fixture.bundle("a", "sleep 100"), "a").status == 0)
        #expect(try fixture.minirun("kill", "a", signal).status == 0)
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
        #expect(try fixture.minirun("start", "a").errors.contains("it is stopped"))
    }

    /// There the end of the first process is nobody else's.
    @Test(arguments: [false, true])
    func `Without a pid namespace of its own KILL ends all of a container`(_ firstIsGone: Bool) throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100") { $0.linux?.namespaces?.removeAll { $0.type == .pid } }
        #expect(try fixture.minirun("exec", "--detach", "--pid-file", fixture.path + "/pid", "a", "sleep", "50").status == 0)
        let other = try #require(pid_t(fixture.read("pid")))
        func hasEnded(_ pid: pid_t) -> Bool { kill(pid, 0) != 0 || (try? ProcessStatistics(of: pid))?.state == UInt8(ascii: "Z") }
        if firstIsGone {
            let first = try #require(fixture.state("a")?["pid"]?.int)
            #expect(kill(pid_t(first), SIGKILL) == 0)
            #expect(try waitUntil { try fixture.status("a") == "stopped" })
            #expect(!hasEnded(other))
        }
        #expect(try fixture.minirun("kill", "a", "KILL").status == 0)
        #expect(waitUntil { hasEnded(other) })
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
        let again = try fixture.minirun("kill", "a", "KILL")
        #expect(again.status == 1 && again.errors.contains("container not running"), "\(again)")
    }

    @Test func `run gives the status of the program and leaves nothing`() throws {
        let fixture = try Fixture()
        #expect(try fixture.run("a", "exit 7").status == 7)
        // A first process cannot be killed from inside, so this is the shell's word about its child.
        #expect(try fixture.run("b", "sh -c 'kill -9 $$'; exit $?").status == 137)
        #expect(try fixture.minirun("list", "-q").output == "")
    }

    @Test func `run passes signals on`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "trap 'exit 9' TERM; echo ready > /mark; while :; do sleep 0.05; done")
        let child = try Child([Fixture.binary, "--root", fixture.root, "run", "--bundle", bundle, "a"], in: fixture.path)
        #expect(waitUntil { fixture.read("a/rootfs/mark") != "" })
        kill(child.pid, SIGTERM)
        #expect(try child.outcome().status == 9)
    }

    @Test func `A failed create leaves nothing`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true") { spec in
            spec.mounts?.append(Spec.Mount(destination: "/x", type: "bind", source: "/no/such/folder", options: ["bind"]))
        }
        let outcome = try fixture.minirun("create", "--bundle", bundle, "--pid-file", fixture.path + "/pid", "a")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("/no/such/folder"))
        // The words by which engines know a missing program are not for a missing mount.
        #expect(!outcome.errors.lowercased().contains("no such file or directory"))
        #expect(try fixture.minirun("list", "-q").output == "")
        #expect(access("/sys/fs/cgroup/memory\(fixture.cgroupParent)/a", F_OK) != 0)
        #expect(access(fixture.path + "/pid", F_OK) != 0)
    }

    @Test(
        "create says in the engines' words why a program cannot be executed",
        arguments: [
            (["nosuch"], "executable file not found in $PATH"), (["/bin/nosuch"], "no such file or directory"),
            (["/bin"], "permission denied"), (["./bin/nosuch"], "no such file or directory"),
        ])
    func missingProgram(_ arguments: [String], _ words: String) throws {
        let fixture = try Fixture()
        let outcome = try fixture.minirun("create", "--bundle", fixture.bundle("a", "") { $0.process?.args = arguments }, "a")
        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(try fixture.state("a") == nil)
    }

    @Test func `A bundle that changes after create changes no container`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        try fixture.write("config.json", Array("{}".utf8), in: fixture.path + "/a")
        #expect(try fixture.minirun("exec", "a", "true").status == 0)
        #expect(try fixture.status("a") == "running")
    }

    @Test func `Of two that create one container, one wins`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100")
        let words = [Fixture.binary, "--root", fixture.root, "create", "--bundle", bundle, "a"]
        let children = try (0..<6).map { _ in try Child(words, in: fixture.path) }
        let outcomes = try children.map { try $0.outcome() }
        #expect(outcomes.count { $0.status == 0 } == 1)
        #expect(outcomes.count { $0.errors.contains("already exists") } == 5)
        #expect(try fixture.minirun("start", "a").status == 0)
    }

    @Test(
        .enabled(if: access("/usr/bin/strace", X_OK) == 0, "needs strace"),
        arguments: [
            "mkdirat", "flock", "renameat", "mkdir", "write", "socket", "bind", "listen", "clone3", "open_tree", "mount_setattr", "sendmsg",
            "recvmsg", "close",
        ])
    func `A create killed at any system call leaves nothing that delete does not find`(_ call: String) throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100")
        for count in [1, 2, 3, 5, 8, 13, 21] {
            let killed = try Fixture.run(
                [
                    "/usr/bin/strace", "-qq", "-o", "/dev/null", "-e", "inject=\(call):signal=KILL:when=\(count)", Fixture.binary, "--root",
                    fixture.root, "create", "--bundle", bundle, "a",
                ], in: fixture.path)
            let wasMade = try fixture.status("a") == "created"
            #expect(try fixture.minirun("delete", "--force", "a").status == 0)
            #expect(try FileDescriptor(opening: fixture.root, .directory).entries().allSatisfy { $0.name != "a" })
            for entry in try FileDescriptor(opening: "/sys/fs/cgroup", .directory).entries() {
                #expect(access("/sys/fs/cgroup/\(entry.name)\(fixture.cgroupParent)/a", F_OK) != 0, "\(call) \(count) \(entry.name)")
            }
            if killed.status == 0 {
                #expect(wasMade)
                return
            }
        }
    }

    @Test func `A create that is killed leaves no process, and its container can be deleted`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100") { spec in
            let hook = Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "cat > \(fixture.path)/hooked; exec sleep 100"])
            spec.hooks = Spec.Hooks(createRuntime: [hook])
        }
        let child = try Child([Fixture.binary, "--root", fixture.root, "create", "--bundle", bundle, "a"], in: fixture.path)
        #expect(waitUntil { fixture.read("hooked").hasSuffix("}") })
        let seen = try JSONDecoder().decode(State.self, from: Array(fixture.read("hooked").utf8))
        kill(child.pid, SIGKILL)
        #expect(try child.outcome().status == 137)
        let pid = try #require(seen.pid)
        #expect(pid > 1)
        #expect(waitUntil { kill(pid_t(pid), 0) != 0 || (try? ProcessStatistics(of: pid_t(pid)))?.state == UInt8(ascii: "Z") })
        #expect(try fixture.status("a") == "stopped")
        #expect(try fixture.minirun("delete", "--force", "a").status == 0)
        #expect(try fixture.minirun("list", "-q").output == "")
        #expect(access("/sys/fs/cgroup/memory\(fixture.cgroupParent)/a", F_OK) != 0)
    }
}
