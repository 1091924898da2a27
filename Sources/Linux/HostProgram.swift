// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A program of this machine, found where the system keeps its own: never by `PATH`, never one of a container's.
package struct HostProgram: Sendable {
    package let path: String

    package init?(_ name: String, in folders: [String] = ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"]) {
        let found = folders.map { $0 + name }.first { access($0, X_OK) == 0 }
        guard let found else { return nil }
        path = found
    }

    /// Runs it to its end.
    /// - Parameter input: what it reads from standard input, at most what a pipe holds, 64 KiB.
    /// - Returns: what it wrote to standard output and, should that have failed, to standard error.
    package func output(
        _ arguments: [String], input: [UInt8] = []
    ) throws(SystemError) -> (end: Termination, output: [UInt8], error: [UInt8]) {
        guard input.count <= 65536 else { throw SystemError(call: "write", subject: path, errno: E2BIG) }
        let source = try FileDescriptor.pipe()
        try source.writer.write(input)
        let output = try FileDescriptor.pipe()
        let error = try FileDescriptor.pipe()
        let reader = source.readerAlone()
        let handle = try start(arguments, reader.raw, output.writer.raw, error.writer.raw)
        // Complaints are short: a pipe holds them until the rest is read.
        let text = try output.readerAlone().readAll(limit: 64 << 20)
        let complaint = try error.readerAlone().readAll(limit: 1 << 20)
        return (try handle.reap(), text, complaint)
    }

    /// Starts it as a process that outlives us: nobody's child but the system's, and in a session of its own.
    package func startDetached(_ arguments: [String]) throws(SystemError) {
        let null = try FileDescriptor(opening: "/dev/null", [.readWrite])
        guard case .parent(_, let child) = try Process.clone() else {
            setsid()
            chdir("/")
            Process.exit((try? start(arguments, null.raw, null.raw, null.raw)) == nil ? 1 : 0)
        }
        guard try child.reap() == .exited(0) else { throw SystemError(call: "clone3", subject: path, errno: EAGAIN) }
    }

    /// With nothing of our environment, signals or descriptors but these three.
    private func start(_ arguments: [String], _ input: CInt, _ output: CInt, _ error: CInt) throws(SystemError) -> ProcessHandle {
        let words = CStrings([path] + arguments)
        let environment = CStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        guard case .parent(_, let handle) = try Process.clone() else {
            do throws(SystemError) {
                for (target, raw) in [input, output, error].enumerated() { try check("dup2") { dup2(raw, CInt(target)) } }
                try SignalSet.reset()
                _ = Process.execute(path, words, environment)
            } catch {}
            Process.exit(127)
        }
        return handle
    }
}
