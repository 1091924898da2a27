// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// One of the two streams a command writes to.
package struct Output: Sendable {
    let descriptor: CInt
    let subject: String

    package static let standard = Output(descriptor: STDOUT_FILENO, subject: "standard output")
    package static let error = Output(descriptor: STDERR_FILENO, subject: "standard error")

    /// Writes all of `text`, waiting where the other end made the stream non-blocking.
    package func write(_ text: String) throws(SystemError) {
        var text = text
        // A string of ours lies in memory as it is written, so this copies nothing.
        let result = text.withUTF8 { bytes in Result { () throws(SystemError) in try write(UnsafeRawBufferPointer(bytes)) } }
        try result.get()
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            do throws(SystemError) {
                written += try check("write", subject) {
                    Glibc.write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                }
            } catch {
                guard error.errno == EAGAIN else { throw error }
                try waitForRoom()
            }
        }
    }

    private func waitForRoom() throws(SystemError) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        try check("poll", subject) { poll(&entry, 1, -1) }
    }

    /// Whether a person is likely to look at it.
    package var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Whether to colour: only on a terminal, and never against `NO_COLOR` (no-color.org) or `TERM=dumb`.
    package var isColoured: Bool {
        guard isTerminal, getenv("NO_COLOR").map({ $0.pointee == 0 }) ?? true else { return false }
        return getenv("TERM").map { strcmp($0, "dumb") != 0 } ?? false
    }
}

extension SystemError {
    /// The reader of our output has gone, as in `minictl ps | head -1`: nothing to report.
    package var isBrokenPipe: Bool { call == "write" && errno == EPIPE }
}
