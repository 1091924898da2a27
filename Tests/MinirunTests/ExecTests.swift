// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// Further processes, and terminals.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct ExecTests {
    private static let facts = """
        cat /proc/self/cgroup; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status
        for kind in cgroup ipc mnt net pid user uts; do readlink /proc/self/ns/$kind; done
        """

    @Test func `exec has the namespaces, cgroup, capabilities and filter of the container`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "{ \(Self.facts)\n } > /facts; sleep 100") { spec in
            spec.process?.noNewPrivileges = true
            spec.linux?.seccomp = Spec.Seccomp(defaultAction: .allow, syscalls: [Spec.Seccomp.Syscall(names: ["mkdir"], action: .errno)])
        }
        #expect(waitUntil { fixture.read("a/rootfs/facts").contains("uts:") })
        let outcome = try fixture.minirun("exec", "a", "sh", "-c", Self.facts)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.output == fixture.read("a/rootfs/facts"))
        #expect(outcome.output.contains(fixture.cgroupParent + "/a\n"))
    }

    @Test func `exec takes a process from a file or from options`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let process = Spec.Process(
            user: .init(uid: 7, gid: 8), args: ["sh", "-c", "id -u; id -g; echo $A"], env: ["PATH=/bin", "A=file"], cwd: "/bin")
        try fixture.write("process.json", JSONEncoder().encode(process))
        let fromFile = try fixture.minirun("exec", "--process", fixture.path + "/process.json", "a")
        #expect(fromFile.output == "7\n8\nfile\n", "\(fromFile)")
        let fromOptions = try fixture.minirun(
            "exec", "-e", "PATH=/bin:/x", "-e", "A=option", "-u", "5:6", "--cwd", "/bin", "a", "sh", "-c",
            "id -u; id -g; echo $A; pwd; echo $PATH; exit 3")
        #expect(fromOptions.output == "5\n6\noption\n/bin\n/bin:/x\n" && fromOptions.status == 3, "\(fromOptions)")
    }

    @Test func `exec passes on descriptors where that is asked for`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        try fixture.write("given", Array("kept\n".utf8))
        let null = try FileDescriptor(opening: "/dev/null")
        let file = try FileDescriptor(opening: fixture.path + "/given")
        let words = ["exec", "--preserve-fds", "2", "a", "sh", "-c", "cat <&4; ls /proc/self/fd"]
        let outcome = try fixture.minirun(words, descriptors: [null.raw, file.raw])
        #expect(outcome.output == "kept\n0\n1\n2\n3\n4\n5\n", "\(outcome)")
    }

    @Test func `A process in a file that names no user is root's`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        try fixture.write("process.json", Array(#"{"args": ["id", "-u"], "cwd": "/", "env": ["PATH=/bin"]}"#.utf8))
        let outcome = try fixture.minirun("exec", "--process", fixture.path + "/process.json", "a")
        #expect(outcome.output == "0\n", "\(outcome)")
    }

    @Test func `A detached exec is an orphan whose number is in the pid file`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        #expect(try fixture.minirun("exec", "--detach", "--pid-file", fixture.path + "/pid", "a", "sleep", "50").status == 0)
        let pid = try #require(pid_t(fixture.read("pid")))
        #expect(try fixture.minirun("ps", "--format", "json", "a").output.contains("\(pid)"))
        #expect(try fixture.minirun("kill", "a", "9").status == 0)
        #expect(waitUntil { kill(pid, 0) != 0 || (try? ProcessStatistics(of: pid))?.state == UInt8(ascii: "Z") })
    }

    @Test(arguments: [(["nosuch"], "executable file not found"), (["--cwd", "/nosuch"], "chdir to cwd"), (["/bin"], "permission denied")])
    func `exec says in the engines' words what is missing`(_ words: [String], _ sentence: String) throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let before = words.count == 2 ? words : []
        let outcome = try fixture.minirun(["exec"] + before + ["a"] + (before.isEmpty ? words : ["true"]), descriptors: [])
        #expect(outcome.status == 255 && outcome.errors.contains(sentence), "\(outcome)")
    }

    @Test func `The terminal goes to the console socket`() throws {
        let fixture = try Fixture()
        let listener = try LocalSocket.listen(fixture.path + "/console")
        let bundle = try fixture.bundle("a", "[ -t 0 ] && echo terminal $(stat -c %t /dev/console); sleep 100") { spec in
            spec.process?.terminal = true
            spec.process?.consoleSize = Spec.Process.ConsoleSize(height: 11, width: 22)
        }
        #expect(try fixture.minirun("create", "--bundle", bundle, "a").errors.contains("--console-socket"))
        let outcome = try fixture.minirun("create", "--bundle", bundle, "--console-socket", fixture.path + "/console", "a")
        #expect(outcome.status == 0, "\(outcome)")
        let master = try receiveTerminal(listener)
        #expect(FileDescriptor.windowSize(of: master.raw) == WindowSize(rows: 11, columns: 22))
        #expect(try fixture.minirun("start", "a").status == 0)
        #expect(try readLine(master) == "terminal 88")  // 136 in hexadecimal: a pty

        let joined = try fixture.minirun(
            "exec", "--detach", "--tty", "--console-socket", fixture.path + "/console", "a", "sh", "-c",
            "[ -t 0 ] && echo second; sleep 100")
        #expect(joined.status == 0, "\(joined)")
        #expect(try readLine(receiveTerminal(listener)) == "second")
    }

    private func receiveTerminal(_ listener: borrowing FileDescriptor) throws -> FileDescriptor {
        let socket = MessageSocket(owning: try LocalSocket.accept(listener))
        guard var message = try socket.receive() else { throw SystemError(call: "recvmsg", errno: ECONNRESET) }
        return FileDescriptor(owning: try #require(message.takeDescriptors().first))
    }

    private func readLine(_ master: borrowing FileDescriptor) throws -> String {
        var bytes: [UInt8] = []
        while !bytes.contains(UInt8(ascii: "\n")) { bytes += try master.read(atMost: 100) }
        return String(decoding: bytes.prefix { $0 >= UInt8(ascii: " ") }, as: UTF8.self)
    }
}
