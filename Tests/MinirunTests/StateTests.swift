// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import Testing

/// A state directory that is stale, damaged or hostile.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct StateTests {
    @Test(
        arguments: [
            "", "{", "[]", "null", #"{"id":"b"}"#, #"{"id":"a","bundle":1}"#, String(repeating: "[", count: 200_000), "\u{0}\u{1}\u{2}",
        ])
    func `A state that says nothing sensible hides nobody and is deleted by force`(_ text: String) throws {
        let fixture = try Fixture()
        try fixture.start("z", "sleep 100")
        try Directory.make(fixture.root + "/a")
        try fixture.write("state.json", Array(text.utf8), in: fixture.root + "/a")
        #expect(try fixture.minirun("state", "a").status == 1)
        #expect(try fixture.minirun("list", "-q").output == "z\n")
        #expect(try fixture.minirun("kill", "a").status == 1)
        #expect(try fixture.minirun("delete", "--force", "a").status == 0)
        #expect(access(fixture.root + "/a", F_OK) != 0)
    }

    @Test func `A link or a FIFO in place of the state is not followed and blocks nobody`() throws {
        let fixture = try Fixture()
        try Directory.makeAll(fixture.root + "/a")
        try Directory.makeAll(fixture.root + "/b")
        symlink("/etc/passwd", fixture.root + "/a/state.json")
        mkfifo(fixture.root + "/b/state.json", 0o600)
        symlink("/tmp", fixture.root + "/c")
        for id in ["a", "b", "c"] { #expect(try fixture.minirun("state", id).status == 1) }
        #expect(try fixture.minirun("list", "-q").output == "")
    }

    @Test func `A pid counts only with its start time and its boot`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let whole = fixture.read("state/a/state.json")
        let state = try JSONDecoder().decode(JSONValue.self, from: Array(whole.utf8))
        let pid = try #require(try fixture.state("a")?["pid"]?.int)
        let time = try #require(state["process"]?["startTime"]?.int)
        let boot = try #require(state["process"]?["boot"]?.string)
        // Ourselves, under a number that a container had once.
        let stranger = try ProcessIdentity(of: getpid())
        let changes = [
            ("\"startTime\":\(time)", "\"startTime\":\(time + 1)"), (boot, "another-boot"), ("\"pid\":\(pid)", "\"pid\":\(stranger.pid)"),
            ("\"pid\":\(pid)", "\"pid\":-1"), ("\"pid\":\(pid)", "\"pid\":0"), ("\"pid\":\(pid)", "\"pid\":1"),
        ]
        for (old, new) in changes {
            let parts = whole.split(separator: old)
            try #require(parts.count == 2)
            try fixture.write("state.json", Array((parts[0] + new + parts[1]).utf8), in: fixture.root + "/a")
            #expect(try fixture.status("a") == "stopped")
            #expect(try fixture.minirun("kill", "a", "KILL").errors.contains("container not running"))
        }
        try fixture.write("state.json", Array(whole.utf8), in: fixture.root + "/a")
        #expect(try fixture.status("a") == "running")
    }

    @Test func `A container with all the annotations that can be read is deleted like any other`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100") { spec in
            spec.annotations = Dictionary(
                uniqueKeysWithValues: (0..<10_000).map { ("annotation.number.\($0)", String(repeating: "x", count: 100)) })
        }
        #expect(try fixture.status("a") == "running")
        #expect(try fixture.minirun("delete", "--force", "a").status == 0)
    }

    @Test func `What lies beside a pid file is not written to`() throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "sleep 100")
        try fixture.write("theirs", Array("theirs".utf8))
        link(fixture.path + "/theirs", fixture.path + "/.pid.tmp")
        #expect(try fixture.minirun("create", "--bundle", bundle, "--pid-file", fixture.path + "/pid", "a").status == 0)
        #expect(fixture.read("theirs") == "theirs" && Int(fixture.read("pid")) != nil)
        #expect(try FileStatus(of: fixture.path + "/pid").inode != FileStatus(of: fixture.path + "/theirs").inode)
    }

    @Test func `A state directory that others can write is refused`() throws {
        let fixture = try Fixture()
        try Directory.make(fixture.root)
        chmod(fixture.root, 0o777)
        #expect(try fixture.minirun("list").errors.contains("somebody else"))
    }

    @Test func `What is not supported is said in one sentence`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "true") { $0.linux?.netDevices = ["eth0": Spec.Linux.NetDevice(name: "eth1")] }
        #expect(outcome.status == 1 && outcome.errors.contains("netDevices is not supported"))
        #expect(try fixture.minirun("--rootless=true", "list").errors.contains("not supported yet"))
    }
}
