// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import TestGround
import Testing

/// What engines leave to the runtime of a process: mostly what runc's and crun's own suites look at.
@Suite(.enabled(if: Fixture.isUsable, "needs root, a static /bin/busybox and a built minirun"))
struct ProcessTests {
    @Test func `Of several variables of one name the last counts, and an empty home is none`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "env") { spec in
            spec.process?.env = ["PATH=/nowhere", "A=1", "B=2", "HOME=/first", "A=3", "PATH=/bin", "HOME="]
        }
        let lines = outcome.output.split(separator: "\n").filter { !$0.hasPrefix("PWD=") && !$0.hasPrefix("SHLVL=") }
        #expect(lines.sorted() == ["A=3", "B=2", "HOME=/", "PATH=/bin"], "\(outcome)")
    }

    @Test func `An id, or an io priority, that is not given is 0`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100")
        let process = #"{"cwd":"/","user":{"uid":7},"args":["id"],"ioPriority":{"class":"IOPRIO_CLASS_BE"}}"#
        try fixture.write("process.json", Array(process.utf8))
        let outcome = try fixture.minirun("exec", "--process", fixture.path + "/process.json", "a")
        #expect(outcome.output == "uid=7 gid=0\n", "\(outcome)")
    }

    /// A machine's processors, as a list for `taskset(1)`; the tests want two.
    private static let processors: [Int] = (0..<64).filter { index in
        let here = ProcessorSet(of: 0)
        defer { try? here?.confine() }
        return (try? ProcessorSet([index...index]).confine()) != nil
    }

    private func allowed(_ output: String) -> String { output.split(separator: "\t").last.map { String($0.prefix { $0 != "\n" }) } ?? "" }

    @Test(.enabled(if: processors.count > 1, "needs two processors"))
    func `What its engine is confined to holds for no container, and execCPUAffinity for what joins it`() throws {
        let fixture = try Fixture()
        let (first, second) = (Self.processors[0], Self.processors[1])
        func confined(_ words: String...) throws -> Outcome {
            try Fixture.run(["/usr/bin/taskset", "-c", "\(first)", Fixture.binary, "--root", fixture.root] + words, in: fixture.path)
        }
        let look = "grep Cpus_allowed_list: /proc/self/status"
        let run = try confined("run", "--bundle", fixture.bundle("a", look), "a")
        #expect(allowed(run.output) != "\(first)" && run.status == 0, "\(run)")

        let bundle = try fixture.bundle("b", "sleep 100") { spec in
            spec.process?.execCPUAffinity = Spec.Process.CPUAffinity(initial: "\(first)", final: "\(second)")
        }
        #expect(try confined("create", "--bundle", bundle, "b").status == 0)
        #expect(try fixture.minirun("start", "b").status == 0)
        #expect(try allowed(confined("exec", "b", "sh", "-c", look).output) == "\(second)")
        let wrong = #"{"cwd":"/","args":["true"],"execCPUAffinity":{"initial":"0-x"}}"#
        try fixture.write("wrong.json", Array(wrong.utf8))
        let outcome = try fixture.minirun("exec", "--process", fixture.path + "/wrong.json", "b")
        #expect(outcome.status == 255 && outcome.errors.contains("execCPUAffinity.initial"), "\(outcome)")
    }

    @Test func `Scheduling is set with all that config.json says of it`() throws {
        let fixture = try Fixture()
        // Fields of proc_pid_stat(5): nice, real-time priority, policy; 3 is SCHED_BATCH.
        let outcome = try fixture.run("a", "set -- $(cat /proc/self/stat); shift 18; echo $1; shift 21; echo $1 $2") { spec in
            spec.process?.scheduler = Spec.Process.Scheduler(policy: .batch, nice: 7, flags: [.resetOnFork])
        }
        #expect(outcome.status == 0, "\(outcome)")
        // cat is the shell's child, for which the flag has made it an ordinary one.
        #expect(outcome.output == "7\n0 3\n" || outcome.output == "7\n0 0\n", "\(outcome)")
        let refused = try fixture.run("b", "true") { spec in
            spec.process?.scheduler = Spec.Process.Scheduler(policy: .deadline, runtime: 3, deadline: 2, period: 1)
        }
        #expect(refused.status == 1 && refused.errors.contains("sched_setattr"), "\(refused)")
    }

    @Test func `What a terminal shows into a file has no carriage returns`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "test -t 1 && echo terminal; echo end") { spec in spec.process?.terminal = true }
        #expect(outcome.output == "terminal\nend\n", "\(outcome)")
    }

    @Test func `An ambient capability that cannot be had is warned about`() throws {
        let fixture = try Fixture()
        let outcome = try fixture.run("a", "grep -E 'Cap(Inh|Amb)' /proc/self/status") { spec in
            spec.process?.capabilities?.inheritable = ["CAP_KILL"]
            spec.process?.capabilities?.ambient = ["CAP_KILL", "CAP_CHOWN"]
        }
        #expect(outcome.output == "CapInh:\t0000000000000020\nCapAmb:\t0000000000000020\n", "\(outcome)")
        #expect(outcome.errors.contains("level=warning") && outcome.errors.contains("can't raise ambient capability CAP_CHOWN: "))
    }

    @Test func `A further capability is ambient where some are inheritable`() throws {
        let fixture = try Fixture()
        try fixture.start("a", "sleep 100") { spec in
            spec.process?.capabilities?.bounding = ["CAP_CHOWN", "CAP_SYSLOG"]
            spec.process?.capabilities?.inheritable = ["CAP_CHOWN", "CAP_SYSLOG"]
            spec.process?.capabilities?.ambient = ["CAP_CHOWN"]
        }
        let outcome = try fixture.minirun("exec", "--cap", "CAP_SYSLOG", "a", "grep", "CapAmb", "/proc/self/status")
        #expect(outcome.output == "CapAmb:\t0000000400000001\n", "\(outcome)")
    }

    @Test func `Engines get a pidfd of the first process and of one that joins`() throws {
        let fixture = try Fixture()
        let listener = try LocalSocket.listen(fixture.path + "/pidfds")
        func receive() throws -> (word: String, pid: pid_t) {
            let socket = MessageSocket(owning: try LocalSocket.accept(listener))
            guard var message = try socket.receive(), let raw = message.takeDescriptors().first else {
                throw SystemError(call: "recvmsg", errno: ECONNRESET)
            }
            return (String(decoding: message.bytes, as: UTF8.self), try ProcessHandle(owning: FileDescriptor(owning: raw)).pid())
        }
        let socket = ["--pidfd-socket", fixture.path + "/pidfds"]
        let bundle = try fixture.bundle("a", "sleep 100")
        #expect(try fixture.minirun(["create", "--bundle", bundle] + socket + ["a"], descriptors: []).status == 0)
        #expect(try receive() == ("standard", pid_t(fixture.state("a")?["pid"]?.int ?? 0)))
        #expect(try fixture.minirun("start", "a").status == 0)
        let pidFile = ["--detach", "--pid-file", fixture.path + "/pid"]
        #expect(try fixture.minirun(["exec"] + pidFile + socket + ["a", "sleep", "50"], descriptors: []).status == 0)
        #expect(try receive() == ("setns", #require(pid_t(fixture.read("pid")))))
    }
}
