// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// What engines read: error words, logs, lists, features.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct WordsTests {
    @Test func `Engines learn that a container is gone, or not running, from the words they know`() throws {
        let fixture = try Fixture()
        #expect(try fixture.minirun("state", "a").errors.contains("does not exist"))
        #expect(try fixture.minirun("delete", "a").errors.contains("does not exist"))
        #expect(try fixture.minirun("delete", "--force", "a").status == 0)
        try fixture.start("a", "true")
        #expect(try waitUntil { try fixture.status("a") == "stopped" })
        let outcome = try fixture.minirun("kill", "a", "9")
        #expect(outcome.status == 1 && outcome.errors.contains("container not running"))
        #expect(try fixture.minirun("kill", "--all", "a", "9").status == 0)
        #expect(try fixture.minirun("exec", "a", "true").status == 255)
    }

    @Test(arguments: ["TERM", "SIGTERM", "15", ""])
    func `A signal may be a name or a number, and TERM is the default`(_ word: String) throws {
        let fixture = try Fixture()
        try fixture.start("a", "trap 'echo got > /mark; exit' TERM; echo > /ready; while :; do sleep 0.05; done")
        #expect(waitUntil { fixture.read("a/rootfs/ready") != "" })
        let outcome = word.isEmpty ? try fixture.minirun("kill", "a") : try fixture.minirun("kill", "a", word)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(waitUntil { fixture.read("a/rootfs/mark") == "got\n" })
    }

    @Test(arguments: ["", ".", "..", "a/b", "../x", "a\nb", "a b", String(repeating: "x", count: 256)])
    func `An id that is no file's name is refused`(_ id: String) throws {
        let fixture = try Fixture()
        let bundle = try fixture.bundle("a", "true")
        #expect(try fixture.minirun("create", "--bundle", bundle, id).errors.contains("invalid container id"))
        #expect(try fixture.minirun("delete", "--force", id).status != 0)
    }

    @Test func `A failure is one JSON object in the log`() throws {
        let fixture = try Fixture()
        let log = fixture.path + "/log.json"
        #expect(try fixture.minirun("--log", log, "--log-format=json", "start", "a").status == 1)
        let lines = fixture.read("log.json").split(separator: "\n")
        #expect(lines.count == 1)
        let entry = try JSONDecoder().decode(JSONValue.self, from: Array(fixture.read("log.json").utf8))
        #expect(entry["level"] == "error" && entry["msg"] == "container a does not exist")
        #expect(Timestamp(entry["time"]?.string ?? "") != nil)
        #expect(try fixture.minirun("--log", fixture.path + "/gone/log.json", "delete", "--force", "a").status == 1)
    }

    @Test func `What goes wrong with --debug stands behind what was asked for, also in a file`() throws {
        let fixture = try Fixture()
        let script = "\(Fixture.binary) --root \(fixture.root) --debug start a >\(fixture.path)/both 2>&1"
        #expect(try Fixture.run(["/bin/sh", "-c", script], in: fixture.path).status == 1)
        let lines = fixture.read("both").split(separator: "\n")
        #expect(lines.count == 2 && lines[0].hasPrefix("time=") && lines[1] == "minirun: container a does not exist", "\(lines)")
    }

    @Test func `list shows every container as text, ids or JSON`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        try fixture.start("b", "sleep 100")
        #expect(try fixture.minirun("list", "-q").output == "a\nb\n")
        let shown = try fixture.minirun("list", "--format", "json").output
        let list = try JSONDecoder().decode(JSONValue.self, from: Array(shown.utf8)).array ?? []
        #expect(list.map { $0["id"] } == ["a", "b"] && list.allSatisfy { $0["status"] == "running" && $0["owner"] == "root" })
        #expect(try fixture.minirun("list").output.hasPrefix("ID   PID"))
        let numbers = try fixture.minirun("ps", "--format", "json", "a").output
        let processes = try JSONDecoder().decode([Int32].self, from: Array(numbers.utf8))
        #expect(processes.map { Int64($0) } == [list.first?["pid"]?.int])
    }

    @Test func `features names the versions, and mount options that are really read`() throws {
        let fixture = try Fixture()
        let shown = try fixture.minirun("features")
        let features = try JSONDecoder().decode(Features.self, from: Array(shown.output.utf8))
        #expect(features.ociVersionMin == "1.0.0" && features.ociVersionMax == Spec.version)
        let words = try #require(features.mountOptions)
        #expect(words.count > 40)
        // What the runtime does not know would be left for the file system.
        for word in words { #expect(MountOptions([word]).data.isEmpty, "\(word)") }
    }

    @Test func `spec writes a bundle that is valid, and never over another`() throws {
        let fixture = try Fixture()
        #expect(try fixture.minirun("spec", "--bundle", fixture.path).status == 0)
        let spec = try JSONDecoder().decode(Spec.self, from: Array(fixture.read("config.json").utf8))
        try spec.validate()
        #expect(spec.process?.terminal == true && spec.process?.args == ["sh"])
        #expect(try fixture.minirun("spec", "--bundle", fixture.path).status == 1)
    }

    @Test func `The version is said as runc says it`() throws {
        let fixture = try Fixture()
        let lines = try fixture.minirun("--version").output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("minirun version ") == true && lines.contains("spec: \(Spec.version)"))
    }
}
