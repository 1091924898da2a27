// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround

struct Outcome {
    let code: CInt
    let output: String
    let error: String
    let isLate: Bool
    let elapsed: Duration

    /// Without the last line break.
    var text: String { output.hasSuffix("\n") ? String(output.dropLast()) : output }
    var lines: [String] { text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
}

/// A script of the shell, in a process group of its own.
struct Script {
    let text: String

    init(_ text: String) { self.text = text }

    func run(seconds: Int = 30) throws -> Outcome {
        let output = try FileDescriptor.pipe()
        let error = try FileDescriptor.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.writer.raw, 1)
        posix_spawn_file_actions_adddup2(&actions, error.writer.raw, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
        // The testing library's threads block signals, and a shell that never hears of its children's end waits for ever.
        var mask = sigset_t()
        sigemptyset(&mask)
        posix_spawnattr_setsigmask(&attributes, &mask)
        let began = ContinuousClock.now
        OwnNetwork.enter()
        var pid = pid_t()
        let words = CStrings(["/bin/sh", "-c", text])
        let environment = CStrings([
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=xterm", "TZ=UTC",
        ])
        let result = posix_spawn(&pid, "/bin/sh", &actions, &attributes, words.pointer, environment.pointer)
        guard result == 0 else { throw SystemError(call: "posix_spawn", subject: "/bin/sh", errno: result) }
        return try Self.collect(pid, output.readerAlone(), error.readerAlone(), began, seconds)
    }

    private static func collect(
        _ pid: pid_t, _ output: consuming FileDescriptor, _ error: consuming FileDescriptor, _ began: ContinuousClock.Instant,
        _ seconds: Int
    ) throws -> Outcome {
        var texts: [[UInt8]] = [[], []]
        var open = [output.raw, error.raw]
        var isLate = false
        while open.contains(where: { $0 >= 0 }) {
            var entries = open.map { PollEntry($0, .readable) }
            if try !entries.wait(milliseconds: 100), ContinuousClock.now - began > .seconds(seconds) {
                isLate = true
                kill(-pid, SIGKILL)
                break
            }
            for index in entries.indices where !entries[index].ready.isEmpty {
                var buffer = [UInt8](repeating: 0, count: 65536)
                let count = read(open[index], &buffer, buffer.count)
                if count > 0 { texts[index] += buffer[..<count] } else { open[index] = -1 }
            }
        }
        var status: CInt = 0
        waitpid(pid, &status, 0)
        let code = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
        return Outcome(
            code: code, output: String(decoding: texts[0], as: UTF8.self), error: String(decoding: texts[1], as: UTF8.self), isLate: isLate,
            elapsed: ContinuousClock.now - began)
    }
}
