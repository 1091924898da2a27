// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

/// What a command came to.
struct Ending {
    /// As a shell tells it: 128 plus the signal's number for a killed process.
    let code: CInt
    let output: [UInt8]
    let error: String
    let isLate: Bool
    let elapsed: Duration

    /// Standard output without the last line break.
    var text: String {
        let text = String(decoding: output, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

/// A command of the host's: what it is started with.
struct Command {
    enum Stream { case null, closed, pipe, file(String), terminal(String) }

    var arguments: [String]
    /// Nothing of the tester's own environment, so that nobody's machine is special.
    var environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm"]
    var input = Stream.null
    var output = Stream.pipe
    var error = Stream.pipe

    init(_ arguments: [String]) { self.arguments = arguments }

    /// Starts it and waits for its end; what takes longer than `seconds` is killed and is late.
    func run(_ input: [UInt8] = [], seconds: Int = 20) throws -> Ending {
        var command = self
        if !input.isEmpty { command.input = .pipe }
        let running = try command.start()
        running.send(input, thenClose: true)
        return running.ending(seconds: seconds)
    }

    func start() throws -> Running { try Running(self) }
}

/// A started command. Killed, with its process group, when it is no longer wanted.
final class Running {
    let pid: pid_t
    private(set) var output: [UInt8] = []
    private(set) var errorBytes: [UInt8] = []
    private var ours: (input: CInt, output: CInt, error: CInt) = (-1, -1, -1)
    private var pending: ArraySlice<UInt8> = []
    private var closesInput = false
    private var status: CInt?
    private let began = ContinuousClock.now

    init(_ command: Command) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var theirs: [CInt] = []
        defer { for raw in theirs { close(raw) } }
        var terminal = false
        func connect(_ stream: Command.Stream, _ target: CInt) throws -> CInt {
            switch stream {
            case .closed: posix_spawn_file_actions_addclose(&actions, target)
            case .null: posix_spawn_file_actions_addopen(&actions, target, "/dev/null", target == 0 ? O_RDONLY : O_WRONLY, 0)
            case .file(let path):
                posix_spawn_file_actions_addopen(&actions, target, path, target == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            case .terminal(let path):
                terminal = true
                posix_spawn_file_actions_addopen(&actions, target, path, O_RDWR, 0)
            case .pipe:
                let ends = try FileDescriptor.pipe().release()
                theirs.append(target == 0 ? ends.reader : ends.writer)
                posix_spawn_file_actions_adddup2(&actions, target == 0 ? ends.reader : ends.writer, target)
                let own = target == 0 ? ends.writer : ends.reader
                try FileDescriptor.setNonBlocking(own)
                return own
            }
            return -1
        }
        ours.input = try connect(command.input, 0)
        ours.output = try connect(command.output, 1)
        ours.error = try connect(command.error, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A session of its own (POSIX_SPAWN_SETSID) takes the first terminal it opens; else a group of its own, to be killed as one.
        posix_spawnattr_setflags(&attributes, Int16(terminal ? 0x80 : POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        OwnNetwork.enter()
        var pid = pid_t()
        let result = posix_spawnp(
            &pid, command.arguments[0], &actions, &attributes, CStrings(command.arguments).pointer, CStrings(command.environment).pointer)
        guard result == 0 else { throw SystemError(call: "posix_spawn", subject: command.arguments[0], errno: result) }
        self.pid = pid
        Glibc.signal(SIGPIPE, SIG_IGN)
    }

    deinit {
        if status == nil {
            Glibc.kill(-pid, SIGKILL)
            Glibc.kill(pid, SIGKILL)
            var status: CInt = 0
            waitpid(pid, &status, 0)
        }
        for raw in [ours.input, ours.output, ours.error] where raw >= 0 { close(raw) }
    }

    var text: String { String(decoding: output, as: UTF8.self) }
    var error: String { String(decoding: errorBytes, as: UTF8.self) }

    func send(_ bytes: [UInt8], thenClose: Bool = false) {
        pending += bytes
        closesInput = closesInput || thenClose
        if pending.isEmpty, closesInput { closeInput() }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func signal(_ signal: CInt) { Glibc.kill(pid, signal) }

    /// Waits until `condition` holds of what has been written so far.
    @discardableResult
    func wait(seconds: Int = 10, until condition: (Running) -> Bool) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition(self) {
            if ContinuousClock.now > deadline || !exchange(milliseconds: 10) { return condition(self) }
        }
        return true
    }

    @discardableResult
    func wait(for word: String, seconds: Int = 10) -> Bool { wait(seconds: seconds) { $0.text.contains(word) } }

    /// The end, and everything that was written.
    func ending(seconds: Int = 20) -> Ending {
        let deadline = began + .seconds(seconds)
        var isLate = false
        while status == nil {
            if ContinuousClock.now > deadline, !isLate {
                isLate = true
                Glibc.kill(-pid, SIGKILL)
                Glibc.kill(pid, SIGKILL)
            }
            exchange(milliseconds: 5)
        }
        return Ending(code: status ?? -1, output: output, error: error, isLate: isLate, elapsed: ContinuousClock.now - began)
    }

    /// Moves bytes for at most that long. False when it has ended and said everything.
    @discardableResult
    private func exchange(milliseconds: CInt) -> Bool {
        var entries = [
            pollfd(fd: pending.isEmpty ? -1 : ours.input, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: ours.output, events: Int16(POLLIN), revents: 0), pollfd(fd: ours.error, events: Int16(POLLIN), revents: 0),
        ]
        // Asked before the reading: what was written before the end is then read after it.
        let ended = reap()
        poll(&entries, 3, ended ? 0 : milliseconds)
        if entries[0].revents != 0 { push() }
        let output = drain(&ours.output, &self.output)
        let error = drain(&ours.error, &errorBytes)
        return !ended || output || error
    }

    private func reap() -> Bool {
        if status != nil { return true }
        var raw: CInt = 0
        guard waitpid(pid, &raw, WNOHANG) == pid else { return false }
        status = raw & 0x7f == 0 ? raw >> 8 & 0xff : 128 + raw & 0x7f
        _ = drain(&ours.output, &output)
        _ = drain(&ours.error, &errorBytes)
        return true
    }

    private func push() {
        let count = pending.withUnsafeBytes { write(ours.input, $0.baseAddress, $0.count) }
        if count < 0, errno != EAGAIN { pending = [] } else if count > 0 { pending = pending.dropFirst(count) }
        if pending.isEmpty, closesInput { closeInput() }
    }

    private func closeInput() {
        if ours.input >= 0 { close(ours.input) }
        ours.input = -1
    }

    private func drain(_ raw: inout CInt, _ bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        var any = false
        while raw >= 0 {
            let count = read(raw, &buffer, buffer.count)
            if count > 0 {
                bytes += buffer[..<count]
                any = true
            } else if count == 0 {
                close(raw)
                raw = -1
            } else {
                break
            }
        }
        return any
    }
}
