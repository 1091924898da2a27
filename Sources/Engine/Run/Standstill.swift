// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A container that stands still while something is done with it, and goes on however whoever does it ends.
///
/// A process of ours waits beside the work: when the work's end of a pipe closes without a word, that was killed or interrupted, and the
/// container must not be left as it stands.
struct Standstill: ~Copyable {
    private let end: FileDescriptor
    private let guardian: ProcessHandle

    private init(end: consuming FileDescriptor, guardian: consuming ProcessHandle) {
        self.end = end
        self.guardian = guardian
    }

    /// Makes it stand still. Nobody may have done so before.
    static func begin(_ container: inout Container) throws(EngineError) -> Standstill {
        let standstill: Standstill
        do throws(SystemError) {
            let ends = try FileDescriptor.pipe().release()
            guard case .parent(_, let guardian) = try Process.clone() else {
                Self.watch(&container, ends)
                Process.exit(0)
            }
            close(ends.reader)
            standstill = Standstill(end: FileDescriptor(owning: ends.writer), guardian: guardian)
        } catch {
            throw .system(doing: "watch over \(container.name) while it stands still", error)
        }
        try container.pause()
        return standstill
    }

    /// Lets it go on.
    consuming func over(_ container: inout Container) throws(EngineError) {
        defer {
            try? end.write([1])
            _ = try? guardian.reap()
        }
        // Killed meanwhile, or let go by somebody else, it does not stand still any more.
        if try container.status(in: Machine.boot()) == .paused { try container.resume() }
    }

    private static func watch(_ container: inout Container, _ pipe: (reader: CInt, writer: CInt)) {
        // What interrupts the work is not for us.
        Process.stayBehind(as: "minictl-still", ignoring: [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE])
        close(pipe.writer)
        Process.letGoOfStreams()
        var word: UInt8 = 0
        while true {
            let count = read(pipe.reader, &word, 1)
            if count < 0, errno == EINTR { continue }
            if count == 0 { try? container.resume() }
            return
        }
    }
}
