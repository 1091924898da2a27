// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import OCI
import TestGround
import Testing

/// Hooks: when, where and with what they run.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct HookTests {
    /// Appends its name and the state it reads to a file.
    private func hook(_ name: String, _ fixture: Fixture) -> [Spec.Hook] {
        let script = "read -r state; echo \"\(name) $state\" >> \(fixture.path)/hooks; exit ${STATUS:-0}"
        return [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", script])]
    }

    @Test func `Hooks run in the order of the spec, each with the state of that moment`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "echo \"program\" >> /hooks") { spec in
            spec.hooks = Spec.Hooks(
                prestart: hook("prestart", fixture), createRuntime: hook("createRuntime", fixture),
                createContainer: hook("createContainer", fixture),
                startContainer: [
                    Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "read -r state; echo \"startContainer $state\" >> /hooks"])
                ],
                poststart: hook("poststart", fixture), poststop: hook("poststop", fixture))
            spec.annotations = ["a.b": "c"]
        }
        #expect(try fixture.minirun("create", "--bundle", bundle, "a").status == 0)
        let pid = try #require(try fixture.state("a")?["pid"])
        try check(
            fixture.read("hooks"), [("prestart", "creating", pid), ("createRuntime", "creating", pid), ("createContainer", "creating", 1)])
        #expect(fixture.read("a/rootfs/hooks") == "")
        #expect(try fixture.minirun("start", "a").status == 0)
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
        let inside = fixture.read("a/rootfs/hooks").split(separator: "\n")
        #expect(inside.count == 2 && inside[0].hasPrefix("startContainer {") && inside[1] == "program")
        #expect(try fixture.minirun("delete", "a").status == 0)
        try check(
            fixture.read("hooks").split(separator: "\n").dropFirst(3).joined(separator: "\n"),
            [("poststart", "running", pid), ("poststop", "stopped", 0)])
    }

    private func check(_ text: String, _ expected: [(String, String, JSONValue)]) throws {
        let lines = text.split(separator: "\n")
        try #require(lines.count == expected.count, "\(text)")
        for (line, (name, status, pid)) in zip(lines, expected) {
            #expect(line.hasPrefix(name + " "))
            let state = try JSONDecoder().decode(JSONValue.self, from: Array(line.dropFirst(name.utf8.count + 1).utf8))
            #expect(state["status"]?.string == status && state["id"] == "a" && state["annotations"]?["a.b"] == "c", "\(line)")
            #expect(state["pid"] == pid, "\(line)")
        }
    }

    @Test func `A createRuntime hook that fails ends the creation, and poststop hooks still run`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true") { spec in
            var failing = hook("createRuntime", fixture)
            failing[0].env = ["STATUS=3"]
            spec.hooks = Spec.Hooks(createRuntime: failing, poststop: hook("poststop", fixture))
        }
        let outcome = try fixture.minirun("create", "--bundle", bundle, "a")
        #expect(outcome.status == 1 && outcome.errors.contains("status 3"), "\(outcome)")
        #expect(fixture.read("hooks").split(separator: "\n").map { $0.prefix { $0 != " " } } == ["createRuntime", "poststop"])
        #expect(try fixture.state("a") == nil)
    }

    @Test func `What fails is told by name, with what the hook said last`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true") { spec in
            let loud = Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo heard by nobody"])
            let failing = Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "printf 'no\\033[31m such\\nluck\\n' >&2; exit 4"])
            spec.hooks = Spec.Hooks(createRuntime: [loud, failing])
        }
        let outcome = try fixture.minirun("create", "--bundle", bundle, "a")
        #expect(outcome.status == 1 && outcome.output == "")
        #expect(outcome.errors == "minirun: error running createRuntime hook #1: /bin/sh ended with status 4: no [31m such luck\n")
    }

    @Test func `A hook does not wait for whom it leaves behind, nor for whoever reads much`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "echo on") { spec in
            let script = "sleep 5 & dd if=/dev/zero bs=1k count=300 2>&1"
            spec.hooks = Spec.Hooks(prestart: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", script], timeout: 3)])
        }
        #expect(outcome.output == "on\n", "\(outcome)")
    }

    /// As NVIDIA's do, by the number in the state and the bundle's path.
    @Test(arguments: [false, true])
    func `Hooks before the pivot find the root in the container's mounts where the bundle has it`(_ isMapped: Bool) throws {
        let fixture = try Fixture()
        let root = fixture.path + "/a/rootfs"
        let bundle = try fixture.bundle("a", "cat /mnt/word /mnt/other") { spec in
            if isMapped {
                spec.linux?.namespaces?.append(Spec.Linux.Namespace(type: .user))
                spec.linux?.uidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
                spec.linux?.gidMappings = [Spec.IDMapping(containerID: 0, hostID: 400_000, size: 1000)]
            }
            spec.mounts?.append(Spec.Mount(destination: "/mnt", type: "tmpfs", source: "tmpfs"))
            let outside = #"pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/'); nsenter -m -t $pid sh -c "echo outside > \#(root)/mnt/word""#
            spec.hooks = Spec.Hooks(
                createRuntime: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", outside], env: ["PATH=/usr/bin:/bin"])],
                createContainer: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo inside > mnt/other"])])
        }
        if isMapped { #expect(chown(bundle + "/rootfs", 400_000, 400_000) == 0) }
        let outcome = try fixture.minirun("run", "--bundle", bundle, "a")
        #expect(outcome.output == "outside\ninside\n", "\(outcome)")
        #expect(access(bundle + "/rootfs/mnt/word", F_OK) != 0)
    }

    /// A createContainer hook has this machine's rights: with the container's `LD_PRELOAD` it would load what the container likes.
    @Test func `A startContainer hook has the process's environment, a createContainer hook nobody's`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "cat /seen") { spec in
            spec.process?.env = ["PATH=/bin", "WORD=inside"]
            spec.hooks = Spec.Hooks(
                createContainer: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo \"[$WORD]\" > \(fixture.path)/seen"])],
                startContainer: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", "echo \"[$WORD]\" > /seen"])])
        }
        #expect(outcome.output == "[inside]\n" && fixture.read("seen") == "[]\n", "\(outcome)")
    }

    @Test(arguments: [false, true])
    func `A hook whose program is the container's has no more rights than the container`(_ noNewPrivileges: Bool) throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "cat /seen; grep -E '^(Uid|Cap|NoNew|Seccomp:)' /proc/self/status") { spec in
            spec.process?.noNewPrivileges = noNewPrivileges
            spec.linux?.seccomp = Spec.Seccomp(defaultAction: .allow, syscalls: [Spec.Seccomp.Syscall(names: ["mkdir"], action: .errno)])
            let script = "cat > /dev/null; grep -E '^(Uid|Cap|NoNew|Seccomp:)' /proc/self/status > /seen"
            spec.hooks = Spec.Hooks(startContainer: [Spec.Hook(path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/bin"])])
        }
        let lines = outcome.output.split(separator: "\n")
        try #require(lines.count == 16, "\(outcome)")
        #expect(lines[..<8] == lines[8...])
    }

    @Test(arguments: [0, 2000])
    func `A hook that takes longer than its timeout is killed, however much it leaves unread`(_ annotations: Int) throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true") { spec in
            spec.hooks = Spec.Hooks(prestart: [Spec.Hook(path: "/bin/sleep", args: ["sleep", "100"], timeout: 1)])
            for number in 0..<annotations {
                spec.annotations = spec.annotations ?? [:]
                spec.annotations?["annotation\(number)"] = String(repeating: "x", count: 1000)
            }
        }
        let outcome = try fixture.minirun("create", "--bundle", bundle, "a")
        #expect(outcome.status == 1 && outcome.errors.contains("did not end within 1 s"), "\(outcome)")
    }

    @Test func `A poststart hook that fails ends the container`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100") { spec in
            spec.hooks = Spec.Hooks(poststart: [Spec.Hook(path: "/bin/false")])
        }
        #expect(try fixture.minirun("create", "--bundle", bundle, "a").status == 0)
        #expect(try fixture.minirun("start", "a").status == 1)
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
    }
}
