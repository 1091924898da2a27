// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension HookPlan {
    /// Runs a program with the container's state on its standard input and waits for it. A status other than 0, or the timeout, is an error.
    /// The corresponding part of the runtime spec is "POSIX-platform Hooks".
    /// - Parameters:
    ///   - pid: the container's first process as the hook sees it; nil when it is gone.
    ///   - child: whose ids, capabilities and filter the hook gets. Needed where its program comes from the container:
    ///     run with our own rights, it could be whatever the image made it (CVE-2025-23266).
    func run(of pid: pid_t?, confinedAs child: Child? = nil) throws(SystemError) {
        let input = try FileDescriptor.pipe()
        guard case .parent(_, let handle) = try Process.clone() else { become(consume input, confinedAs: child) }
        signal(SIGPIPE, SIG_IGN)
        try feed(consume input, Array("{\"pid\":\(pid ?? 0),".utf8) + state.dropFirst())
        guard try handle.waitForEnd(milliseconds: timeout.map { CInt(clamping: $0 &* 1000) } ?? -1) else {
            try handle.signal(.kill)
            _ = try handle.reap()
            throw SystemError(call: "hook", subject: "\(path) did not end within \(timeout ?? 0) s", errno: ETIMEDOUT)
        }
        let end = try handle.reap()
        guard end == .exited(0) else {
            throw SystemError(call: "hook", subject: "\(path) \(end.words)", errno: ECHILD)
        }
    }

    /// Both ends are closed afterwards, so the hook sees the end of its input.
    private func feed(_ input: consuming Pipe, _ state: [UInt8]) throws(SystemError) {
        // A hook that does not read its input is within its rights, and must not keep us from looking at the clock.
        if state.count > 65536 { input.grow(to: state.count) }
        do throws(SystemError) { try input.writer.write(state) } catch  where error.errno == EPIPE {}
    }

    private func become(_ input: consuming Pipe, confinedAs child: Child?) -> Never {
        do throws(SystemError) {
            // Who waits for it, and for how long, is gone with us.
            try Process.dieWithParent()
            try input.reader.replace(0)
            try FileDescriptor.closeAll(from: 3, onlyOnExec: true)
            try SignalSet.reset()
            guard let child else { return execute() }
            try Steps.takeIdentity(child)
            try Steps.confineHook(child)
        } catch { Process.exit(125) }
        execute()
    }

    private func execute() -> Never {
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
