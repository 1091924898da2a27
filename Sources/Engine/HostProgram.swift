// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A program of this machine, found where the system keeps its own: never by `PATH`, never one of a container's.
struct HostProgram {
    let path: String

    init?(_ name: String, in folders: [String] = ["/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/"]) {
        let found = folders.map { $0 + name }.first { access($0, X_OK) == 0 }
        guard let found else { return nil }
        path = found
    }

    /// Runs it to its end.
    /// - Returns: what it wrote to standard output and, should that have failed, to standard error.
    func output(_ arguments: [String]) throws(SystemError) -> (end: Termination, output: [UInt8], error: [UInt8]) {
        let words = CStrings([path] + arguments)
        let environment = CStrings(["PATH=/usr/bin:/bin", "LC_ALL=C"])
        let output = try FileDescriptor.pipe()
        let error = try FileDescriptor.pipe()
        guard case .parent(_, let handle) = try Process.clone() else {
            do throws(SystemError) {
                try FileDescriptor(opening: "/dev/null").replace(0)
                try output.writer.replace(1)
                try error.writer.replace(2)
                try SignalSet.reset()
                _ = Process.execute(path, words, environment)
            } catch {}
            Process.exit(127)
        }
        // Complaints are short: a pipe holds them until the rest is read.
        let text = try output.readerAlone().readAll(limit: 64 << 20)
        let complaint = try error.readerAlone().readAll(limit: 1 << 20)
        return (try handle.reap(), text, complaint)
    }
}
