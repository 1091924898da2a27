// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension HookPlan {
    /// Runs a program with the container's state on its standard input and waits for it. A status other than 0, or the timeout, is an error
    /// that has what it said last; else nobody hears it. The corresponding part of the runtime spec is "POSIX-platform Hooks".
    /// - Parameters:
    ///   - pid: the container's first process as the hook sees it; nil when it is gone.
    ///   - child: whose ids, capabilities and filter the hook gets. Needed where its program comes from the container:
    ///     run with our own rights, it could be whatever the image made it (CVE-2025-23266).
    func run(of pid: pid_t?, confinedAs child: Child? = nil) throws(SystemError) {
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        guard case .parent(_, let handle) = try Process.clone() else { become(consume input, consume output, confinedAs: child) }
        signal(SIGPIPE, SIG_IGN)
        let ends = input.release()
        close(ends.reader)
        let told = Array("{\"pid\":\(pid ?? 0),".utf8) + state.dropFirst()
        var talk = HookTalk(writer: FileDescriptor(owning: ends.writer), reader: output.readerAlone(), state: told)
        let deadline = timeout.map { MonotonicClock.milliseconds &+ Int64($0) &* 1000 }
        guard try talk.attend(handle, until: deadline) else {
            try handle.signal(.kill)
            _ = try handle.reap()
            throw SystemError(call: "hook", subject: "\(name): \(path) did not end within \(timeout ?? 0) s\(talk.said)", errno: ETIMEDOUT)
        }
        let end = try handle.reap()
        guard end == .exited(0) else {
            throw SystemError(call: "hook", subject: "\(name): \(path) \(end.words)\(talk.said)", errno: ECHILD)
        }
    }

    private func become(_ input: consuming Pipe, _ output: consuming Pipe, confinedAs child: Child?) -> Never {
        let environment = self.environment ?? child?.environment ?? CStrings([])
        do throws(SystemError) {
            // Who waits for it, and for how long, is gone with us.
            try Process.dieWithParent()
            try input.reader.replace(0)
            for target in CInt(1)...2 { try output.writer.replace(target) }
            try FileDescriptor.closeAll(from: 3, onlyOnExec: true)
            try SignalSet.reset()
            guard let child else { return execute(environment) }
            try Steps.takeIdentity(child)
            try Steps.confineHook(child)
        } catch { Process.exit(125) }
        execute(environment)
    }

    private func execute(_ environment: CStrings) -> Never {
        _ = path.withCString { Process.execute($0, arguments, environment) }
        Process.exit(127)
    }
}

extension Termination {
    fileprivate var words: String {
        switch self {
        case .exited(let status): "ended with status \(status)"
        case .signaled(let signal): "was killed: " + (strsignal(signal.rawValue).map { String(cString: $0).lowercased() } ?? "\(signal)")
        }
    }
}
