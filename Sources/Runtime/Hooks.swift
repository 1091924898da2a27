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
        let deadline = timeout.map { MonotonicClock.milliseconds &+ Int64($0) &* 1000 }
        try feed(consume input, Array("{\"pid\":\(pid ?? 0),".utf8) + state.dropFirst(), to: handle, until: deadline)
        guard try handle.waitForEnd(milliseconds: Self.rest(until: deadline)) else {
            try handle.signal(.kill)
            _ = try handle.reap()
            throw SystemError(call: "hook", subject: "\(path) did not end within \(timeout ?? 0) s", errno: ETIMEDOUT)
        }
        let end = try handle.reap()
        guard end == .exited(0) else {
            throw SystemError(call: "hook", subject: "\(path) \(end.words)", errno: ECHILD)
        }
    }

    /// Both ends are closed afterwards, so the hook sees the end of its input. One that does not read it is within its rights, and must not
    /// keep us from looking at the clock.
    private func feed(
        _ input: consuming Pipe, _ state: [UInt8], to hook: borrowing ProcessHandle, until deadline: Int64?
    ) throws(SystemError) {
        let ends = input.release()
        close(ends.reader)
        let writer = FileDescriptor(owning: ends.writer)
        try FileDescriptor.setNonBlocking(writer.raw)
        var rest = state[...]
        while !rest.isEmpty {
            var entries = [PollEntry(writer.raw, .writable), PollEntry(hook.descriptor.raw, .readable)]
            guard try entries.wait(milliseconds: Self.rest(until: deadline)), entries[1].ready.isEmpty else { return }
            do throws(SystemError) {
                rest = rest.dropFirst(try check("write") { rest.withUnsafeBytes { write(writer.raw, $0.baseAddress, $0.count) } })
            } catch  where error.errno == EAGAIN {} catch  where error.errno == EPIPE { return }
        }
    }

    /// In milliseconds, as `poll(2)` takes it.
    private static func rest(until deadline: Int64?) -> CInt {
        deadline.map { CInt(clamping: max(0, $0 &- MonotonicClock.milliseconds)) } ?? -1
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
