// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import TestGround
import Testing

/// A state directory of one test's own, with the real program over it. Scripts find the program as `$M`.
final class Root {
    let path: String

    /// `MINICTL_TEST_BINARY`, else what was built beside the test bundle.
    static let program: String =
        Machine.environment("MINICTL_TEST_BINARY")
        ?? Machine.programPath.map { $0[..<($0.lastIndex(of: "/") ?? $0.startIndex)] + "/minictl" } ?? "minictl"

    /// One folder of images for all tests of this process, assembled once.
    private static let images: String? = {
        guard let path = try? ScratchDirectory.make("minictl-verbs") else { return nil }
        atexit { if let path = Root.images { try? Directory.removeAll(path) } }
        _ = try? Script("\(program) --root \(path) run --rm --network none base true").run(seconds: 300)
        return path
    }()

    /// Why nothing can be tested here.
    static let isUsable: Bool = {
        let usable = geteuid() == 0 && access(program, X_OK) == 0
        if !usable { print("skipped: verbs are tested as root, with \(program)") }
        return usable
    }()

    init() throws {
        OwnNetwork.make()
        path = try ScratchDirectory.make("minictl-verbs")
        if let images = Self.images { symlink("\(images)/images", "\(path)/images") }
    }

    deinit {
        _ = try? Script("\(Self.program) --root \(path) rm -f $(\(Self.program) --root \(path) ps -aq) 2>/dev/null").run()
        expectNoProcess()
        do { try Directory.removeAll(path) } catch { print("left behind: \(path)") }
    }

    /// No name server or monitor is left that works here. Whoever is says so, and ends.
    private func expectNoProcess() {
        let ours = "pgrep -af '[/]\(path.dropFirst())[ /]'"
        let left = try? Script("for i in $(seq 20); do \(ours) >/dev/null || exit 0; sleep 0.1; done; \(ours)").run()
        guard let lines = left?.lines.filter({ !$0.isEmpty }), !lines.isEmpty else { return }
        Issue.record("left behind: \(lines)")
        for pid in lines.compactMap({ $0.split(separator: " ").first.flatMap { pid_t($0) } }) { kill(pid, SIGKILL) }
    }

    /// Runs a script of the shell. It must not hang or trap.
    @discardableResult
    func sh(_ script: String, seconds: Int = 60, at location: SourceLocation = #_sourceLocation) throws -> Outcome {
        let outcome = try Script("M='\(Self.program) --root \(path)'; cd \(path); \(script)").run(seconds: seconds)
        #expect(!outcome.isLate, "hung: \(script)", sourceLocation: location)
        #expect(!outcome.error.contains("Fatal error"), "trapped: \(script)\n\(outcome.error)", sourceLocation: location)
        return outcome
    }

    /// One command of the program.
    @discardableResult
    func callAsFunction(_ words: String, at location: SourceLocation = #_sourceLocation) throws -> Outcome {
        try sh("$M \(words)", at: location)
    }

    /// Starts a container in the background; fails the test if it does not start.
    @discardableResult
    func start(_ name: String, _ flags: String = "", _ command: String = "sleep 1000", at location: SourceLocation = #_sourceLocation)
        throws -> String
    {
        let outcome = try self("run -d --name \(name) \(flags) base \(command)", at: location)
        #expect(outcome.code == 0, "\(outcome.error)", sourceLocation: location)
        return outcome.text
    }

    /// Waits until a container has written a line with that word.
    func wait(for word: String, from name: String, at location: SourceLocation = #_sourceLocation) throws {
        let look = "$M logs \(name) 2>&1 | grep -q \(word)"
        let outcome = try sh("for i in $(seq 500); do \(look) && exit; sleep 0.02; done; exit 1", at: location)
        #expect(outcome.code == 0, "\(name) never wrote \(word)", sourceLocation: location)
    }

    /// That a command comes to print that text, now or in a moment.
    func expect(_ words: String, prints text: String, at location: SourceLocation = #_sourceLocation) throws {
        let look = "seen=$($M \(words)); [ \"$seen\" = '\(text)' ]"
        let seen = try sh("for i in $(seq 200); do \(look) && break; sleep 0.05; done; printf %s \"$seen\"", at: location).output
        #expect(seen == text, sourceLocation: location)
    }

    func json(_ words: String, at location: SourceLocation = #_sourceLocation) throws -> JSONValue {
        let outcome = try self(words, at: location)
        return try JSONDecoder().decode(JSONValue.self, from: Array(outcome.output.utf8))
    }

    /// Nothing is left of any container.
    func expectEmpty(_ location: SourceLocation = #_sourceLocation) throws {
        #expect(try sh("ls containers; ls runtime | grep -E '^[0-9a-f]{64}$'").output == "", sourceLocation: location)
    }
}

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

/// For tests that hold a command up, or end it, at one of its calls.
func hasStrace() throws -> Bool { try Script("command -v strace").run().code == 0 }
