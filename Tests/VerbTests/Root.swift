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

/// For tests that hold a command up, or end it, at one of its calls.
func hasStrace() throws -> Bool { try Script("command -v strace").run().code == 0 }
