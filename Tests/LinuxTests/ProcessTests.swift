// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Linux

@Suite struct ProcessTests {
    /// A shell that starts `script` as its child, tells that one's number, and does `after` when told to.
    private func stranger(_ script: String, _ after: String) throws -> (shell: pid_t, child: pid_t, lead: CInt) {
        let output = try FileDescriptor.pipe()
        let input = try FileDescriptor.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input.reader.raw, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writer.raw, 1)
        let words = CStrings(["/bin/sh", "-c", "(\(script)) <&- >/dev/null & echo $!; exec >&-; read go; \(after); sleep 0.2"])
        var pid = pid_t()
        let result = posix_spawn(&pid, "/bin/sh", &actions, nil, words.pointer, CStrings(["PATH=/bin:/usr/bin"]).pointer)
        guard result == 0 else { throw SystemError(call: "posix_spawn", subject: "/bin/sh", errno: result) }
        let text = String(decoding: try output.readerAlone().readAll(limit: 64), as: UTF8.self)
        let ends = input.release()
        close(ends.reader)
        return (pid, try #require(pid_t(text.prefix { $0 != "\n" })), ends.writer)
    }

    @Test(
        "How a process ended that is another's child is learned, whether its parent has taken its status yet or not",
        arguments: [
            ("sleep 0.2; exit 7", Termination.exited(7)), ("sleep 0.2; kill -9 $(cut -d' ' -f4 /proc/self/stat)", .signaled(.kill)),
        ])
    func stranger(script: String, expected: Termination) throws {
        for after in Machine.kernel(atLeast: 6, 15) ? [":", "wait"] : [":"] {
            let (shell, child, lead) = try stranger(script, after)
            let handle = try ProcessHandle(pid: child)
            #expect(try handle.waitForEnd(milliseconds: 5000))
            close(lead)
            // Its parent gets the time to take the status, or ends without.
            usleep(100_000)
            #expect(try handle.termination() == expected, "\(after)")
            waitpid(shell, nil, 0)
        }
    }

    @Test("Of many processes those that are over are found at once, and nothing stays open", .enabled(if: Machine.kernel(atLeast: 6, 9)))
    func many() throws {
        let own = try ProcessIdentity(of: getpid())
        let inode = try #require(own.inode)
        var all = [ProcessIdentity](repeating: own, count: 200)
        // Another's inode, no process, a number that none can have, and one that is known by its start alone.
        all[3] = ProcessIdentity(pid: own.pid, startTime: own.startTime, inode: inode + 1)
        all[64] = ProcessIdentity(pid: pid_t.max, startTime: 1, inode: inode)
        all[130] = ProcessIdentity(pid: -1, startTime: 1, inode: inode)
        all[198] = ProcessIdentity(pid: own.pid, startTime: own.startTime)
        all[199] = ProcessIdentity(pid: own.pid, startTime: own.startTime + 1)
        #expect(ProcessIdentity.over(among: all).sorted() == [3, 64, 130, 199])
        #expect(ProcessIdentity.over(among: []).isEmpty)
        let (shell, child, lead) = try stranger("exit 0", ":")
        let ended = try ProcessIdentity(of: child)
        #expect(try ProcessHandle(pid: child).waitForEnd(milliseconds: 5000))
        #expect(ProcessIdentity.over(among: all + [ended]).sorted() == [3, 64, 130, 199, 200])
        close(lead)
        waitpid(shell, nil, 0)
        #expect(ProcessIdentity.over(among: [ended]) == [0])
        for _ in 0..<20 { _ = ProcessIdentity.over(among: all) }
        #expect(try FileDescriptor(opening: "/dev/null").raw < 2000)
    }

    @Test("A process is known by the inode of its pidfds, and is over as soon as it has ended", .enabled(if: Machine.kernel(atLeast: 6, 9)))
    func inode() throws {
        let (shell, child, lead) = try stranger("exec sleep 1000", ":")
        let identity = try ProcessIdentity(of: child)
        let inode = try #require(identity.inode)
        #expect(identity.isAlive)
        #expect(ProcessIdentity(pid: child, startTime: identity.startTime).isAlive)
        // It is enough, so nobody asks for the start time.
        #expect(ProcessIdentity(pid: child, startTime: 0, inode: inode).isAlive)
        #expect(!ProcessIdentity(pid: child, startTime: identity.startTime, inode: inode + 1).isAlive)
        #expect(!ProcessIdentity(pid: shell, startTime: identity.startTime, inode: inode).isAlive)
        for pid in [0, -1, pid_t.min, pid_t.max] { #expect(!ProcessIdentity(pid: pid, startTime: 0, inode: inode).isAlive) }
        let handle = try ProcessHandle(identity)
        kill(child, SIGKILL)
        #expect(try handle.waitForEnd(milliseconds: 5000))
        // A zombie, until the shell looks.
        #expect(kill(child, 0) == 0 && !identity.isAlive)
        #expect(throws: SystemError.self) { _ = try ProcessHandle(identity) }
        close(lead)
        waitpid(shell, nil, 0)
        #expect(!identity.isAlive)
    }

    @Test("Of some processors the next ones after one are taken, from the first again after the last, and never that one itself")
    func processors() {
        let some = ProcessorSet([0...2, 64...65, 1023...1023])
        for (index, count, expected) in [
            (0, 2, [1, 2]), (2, 2, [64, 65]), (1, 4, [2, 64, 65, 1023]), (1023, 2, [0, 1]), (1023, 9, [0, 1, 2, 64, 65]), (700, 1, [1023]),
            (5, 0, []), (-1, 2, []), (1024, 2, []),
        ] {
            let others = some.following(index, count: count)
            #expect((0..<1024).filter(others.contains) == expected)
        }
        #expect(ProcessorSet([3...3]).following(3, count: 2).isEmpty)
        #expect(!some.contains(-1) && !some.contains(1024))
    }
}
