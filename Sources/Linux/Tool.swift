// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A program of the host's that does a part of our work. It is found in places of the system alone, and gets nothing of our environment,
/// descriptors or signals.
package struct Tool: Sendable {
    package let path: String

    /// Nil where none of the directories has the program.
    package init?(_ name: String, in directories: [String]) {
        guard let directory = directories.first(where: { access("\($0)/\(name)", X_OK) == 0 }) else { return nil }
        path = "\(directory)/\(name)"
    }

    /// One that is not there: starting it is the error `ENOENT`.
    package init(missing name: String) { path = "/nonexistent/\(name)" }

    package struct Result: Sendable {
        package let end: Termination
        /// What it wrote to standard error.
        package let error: String
    }

    /// Runs it to its end.
    /// - Parameter input: at most what a pipe holds, 64 KiB.
    package func run(_ arguments: [String], input: [UInt8] = []) throws(SystemError) -> Result {
        guard input.count <= 65536 else { throw SystemError(call: "write", subject: path, errno: E2BIG) }
        let toProgram = try FileDescriptor.pipe()
        try toProgram.writer.write(input)
        let source = toProgram.readerAlone()
        let fromProgram = try FileDescriptor.pipe()
        let pid = try start(arguments, input: source.raw, error: fromProgram.writer.raw)
        let reader = fromProgram.readerAlone()
        let error = Swift.Result { () throws(SystemError) in try reader.readAll(limit: 1 << 20) }
        let end = try Self.end(of: pid)
        return Result(end: end, error: String(decoding: try error.get(), as: UTF8.self))
    }

    /// Starts it as a process that outlives us, and is nobody's child but the system's.
    package func startDetached(_ arguments: [String]) throws(SystemError) {
        let null = try FileDescriptor(opening: "/dev/null", [.readWrite])
        let child = try Process.fork()
        if child == 0 {
            setsid()
            chdir("/")
            Process.exit((try? start(arguments, input: null.raw, error: null.raw)) == nil ? 1 : 0)
        }
        guard try Self.end(of: child) == .exited(0) else { throw SystemError(call: "posix_spawn", subject: path, errno: EAGAIN) }
    }

    private func start(_ arguments: [String], input: CInt, error: CInt) throws(SystemError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, error, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = CStrings([path] + arguments)
        let environment = CStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        var pid: pid_t = 0
        let result = posix_spawn(&pid, path, &actions, &attributes, words.pointer, environment.pointer)
        guard result == 0 else { throw SystemError(call: "posix_spawn", subject: path, errno: result) }
        return pid
    }

    private static func end(of pid: pid_t) throws(SystemError) -> Termination {
        var info = siginfo_t()
        try check("waitid") { linux_waitid_pid(pid, &info, WEXITED) }
        return Termination(info)
    }
}
