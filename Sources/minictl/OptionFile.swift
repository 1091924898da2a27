// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import Linux

/// A file of what an option would take, one a line: `--env-file`, `--label-file`.
enum OptionFile {
    /// The lines of a file, but for empty ones and those that begin with `#`, and without spaces and tabs in front.
    static func lines(_ path: String) throws(UsageError) -> [String] {
        var bytes: [UInt8]
        do throws(SystemError) {
            let file = try FileDescriptor(opening: path, [.nonBlocking])
            // A shell's `<(…)` is a pipe whose other end somebody has; a FIFO in a directory is none, and might never have one.
            let isPipe = FileDescriptor.isAnonymousPipe(file.raw)
            let status = try file.status()
            guard isPipe || status.kind == .regular || status.isNullDevice else {
                throw SystemError(call: "open", subject: path, errno: status.kind == .directory ? EISDIR : EINVAL)
            }
            if isPipe { try check("fcntl") { fcntl(file.raw, F_SETFL, 0) } }
            bytes = try file.readAll(limit: 1 << 20)
            // This program may have to start again from the beginning, and reads it once more then.
            if isPipe, let raw = FileDescriptor.number(in: path) { try FileDescriptor.refill(raw, with: bytes) }
        } catch { throw UsageError("cannot read the file '\(path)': \(error.reason.lowercased())") }
        var entries: [String] = []
        // Some editors begin a file with a byte order mark.
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        if bytes.starts(with: mark) { bytes.removeFirst(mark.count) }
        for var line in bytes.split(separator: UInt8(ascii: "\n")) {
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            guard let text = String(validating: line, as: UTF8.self) else { throw UsageError("'\(path)' has a line that is not UTF-8") }
            let entry = String(text.drop { $0 == " " || $0 == "\t" })
            if !entry.isEmpty, !entry.hasPrefix("#") { entries.append(entry) }
        }
        return entries
    }
}
