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
        let texts: ([UInt8], [UInt8])
        do throws(SystemError) { texts = try Self.read(output.readerAlone(), error.readerAlone()) } catch {
            handle.abandon()
            throw error
        }
        return (try handle.reap(), texts.0, texts.1)
    }

    /// Both to their ends, whichever has something: the program must not have to wait with one for us to read the other.
    private static func read(
        _ output: consuming FileDescriptor, _ error: consuming FileDescriptor
    ) throws(SystemError) -> ([UInt8], [UInt8]) {
        var texts: ([UInt8], [UInt8]) = ([], [])
        var entries = [PollEntry(output.raw, .readable), PollEntry(error.raw, .readable)]
        while entries.contains(where: { $0.raw >= 0 }) {
            _ = try entries.wait()
            if !entries[0].ready.isEmpty {
                let part = try output.read(atMost: 65536)
                if part.isEmpty { entries[0] = PollEntry(-1, []) } else { texts.0 += part }
            }
            if !entries[1].ready.isEmpty {
                let part = try error.read(atMost: 65536)
                if part.isEmpty { entries[1] = PollEntry(-1, []) } else { texts.1 += part }
            }
            guard texts.0.count + texts.1.count <= 64 << 20 else { throw SystemError(call: "read", errno: EFBIG) }
        }
        return texts
    }

    /// Runs one that goes into the background by itself, until it is there or has failed. Killed meanwhile, we leave it on its way.
    /// - Returns: whether it is there.
    package func startDaemon(_ arguments: [String]) throws(SystemError) -> Bool {
        let null = try FileDescriptor(opening: "/dev/null", [.readWrite])
        return try start(arguments, null.raw, null.raw, null.raw, in: "/").reap() == .exited(0)
    }

    /// With nothing of our environment, signals or descriptors but these three.
    /// - Parameter directory: where it works; nil is where we do.
    private func start(
        _ arguments: [String], _ input: CInt, _ output: CInt, _ error: CInt, in directory: String? = nil
    ) throws(SystemError) -> ProcessHandle {
        let words = CStrings([path] + arguments)
        let environment = CStrings(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        // By fork(3), after which the allocator works in the child even if the caller has threads, as our tests have.
        let pid = try Process.fork()
        if pid == 0 {
            do throws(SystemError) {
                for (target, raw) in [input, output, error].enumerated() { try check("dup2") { dup2(raw, CInt(target)) } }
                try SignalSet.reset()
                if let directory { try check("chdir", directory) { chdir(directory) } }
                _ = Process.execute(path, words, environment)
            } catch {}
            Process.exit(127)
        }
        do throws(SystemError) { return try ProcessHandle(pid: pid) } catch {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
            throw error
        }
    }
}
