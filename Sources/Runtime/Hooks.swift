// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension HookPlan {
    /// Runs a program with the container's state on its standard input and waits for it. A status other than 0, or the timeout, is an error.
    /// The corresponding part of the runtime spec is "POSIX-platform Hooks".
    /// - Parameter pid: the container's first process as the hook sees it; nil when it is gone.
    func run(of pid: pid_t?) throws(SystemError) {
        let input = try FileDescriptor.pipe()
        guard case .parent(_, let handle) = try Process.clone() else { become(consume input) }
        signal(SIGPIPE, SIG_IGN)
        try feed(consume input, Array("{\"pid\":\(pid ?? 0),".utf8) + state.dropFirst())
        guard try handle.waitForEnd(milliseconds: timeout.map { CInt(clamping: $0 &* 1000) } ?? -1) else {
            try handle.signal(.kill)
            _ = try handle.reap()
            throw SystemError(call: "hook", subject: "\(path) did not end within \(timeout ?? 0) s", errno: ETIMEDOUT)
        }
        let end = try handle.reap()
        guard end == .exited(0) else {
            throw SystemError(call: "hook", subject: "\(path) ended with status \(end.exitCode)", errno: ECHILD)
        }
    }

    /// Both ends are closed afterwards, so the hook sees the end of its input.
    private func feed(_ input: consuming Pipe, _ state: [UInt8]) throws(SystemError) {
        // A hook that does not read its input is within its rights.
        do throws(SystemError) { try input.writer.write(state) } catch where error.errno == EPIPE {}
    }

    private func become(_ input: consuming Pipe) -> Never {
        do throws(SystemError) {
            // Who waits for it, and for how long, is gone with us.
            try Process.dieWithParent()
            try input.reader.replace(0)
            try FileDescriptor.closeAll(from: 3, onlyOnExec: true)
            try SignalSet.reset()
        } catch { Process.exit(125) }
        _ = path.withCString { Process.execute($0, arguments, environment) }
        Process.exit(127)
    }
}
