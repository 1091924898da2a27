// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// Namespaces of a container's own, and those of others that it joins.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct NamespaceTests {
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
}
