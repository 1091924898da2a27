// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Runtime

/// What becomes of one of the caller's first three descriptors.
///
/// A container gets no file, device or terminal of the host's: through its own descriptor it could change the file's mode, read back what
/// it only writes, type into a terminal it shares, or leave through a directory (CVE-2024-21626, CVE-2017-5226). It gets pipes, and its
/// own `/dev/null`. A pipe of the caller's is given as it is; everything else is reached through one of ours.
enum Outlet {
    case null
    case given(CInt)
    case relayed

    init(_ raw: CInt) {
        guard let status = try? FileStatus(ofDescriptor: raw) else {
            self = .null
            return
        }
        if status.kind == .character, status.rawDevice == Machine.device(1, 3) {
            self = .null
        } else if status.kind == .fifo, FileDescriptor.isAnonymousPipe(raw) {
            self = .given(raw)
        } else {
            self = .relayed
        }
    }
}

/// The container's side of a run's streams, and ours.
struct Plumbing {
    private(set) var stdio = Stdio()
    private(set) var streams: [Stream] = []
    /// The container's ends of our pipes: closed here once it has them.
    private var given: [CInt] = []

    /// For a process without a terminal.
    /// - Parameter log: where output is kept too; then it all passes through us.
    init(input: Bool, log: LogFile?) throws(SystemError) {
        if input {
            switch Outlet(0) {
            case .null: break
            case .given(let raw): stdio.input = .descriptor(raw)
            case .relayed:
                let pipe = try FileDescriptor.pipe()
                let ends = pipe.release()
                try FileDescriptor.setNonBlocking(ends.writer)
                stdio.input = .descriptor(ends.reader)
                given.append(ends.reader)
                streams.append(Stream(from: 0, into: ends.writer, closesTarget: true))
            }
        }
        stdio.output = try output(1, log.map { LogFile.Channel($0, "stdout") })
        stdio.error = try output(2, log.map { LogFile.Channel($0, "stderr") })
        openUp()
    }

    /// For a container nobody is attached to: what it writes goes to the log alone, or nowhere.
    init(loggingTo log: LogFile?) throws(SystemError) {
        guard let log else { return }
        stdio.output = try relay(to: -1, LogFile.Channel(log, "stdout"))
        stdio.error = try relay(to: -1, LogFile.Channel(log, "stderr"))
        openUp()
    }

    /// Lets the container's users open `/dev/stdout` and its like by name, as programs do: a pipe belongs to who made it, whom the container
    /// does not know. Only in the direction that the container has anyway. A caller's pipe that is not ours to change stays as it is.
    private func openUp() {
        if case .descriptor(let raw) = stdio.input { fchmod(raw, 0o644) }
        for case .descriptor(let raw) in [stdio.output, stdio.error] { fchmod(raw, 0o622) }
    }

    private mutating func output(_ raw: CInt, _ log: LogFile.Channel?) throws(SystemError) -> Stdio.Source {
        var target = raw
        if log == nil {
            switch Outlet(raw) {
            case .null: return .null
            case .given(let raw): return .descriptor(raw)
            case .relayed: break
            }
        } else if case .null = Outlet(raw) {
            target = -1
        }
        return try relay(to: target, log)
    }

    private mutating func relay(to target: CInt, _ log: LogFile.Channel?) throws(SystemError) -> Stdio.Source {
        let ends = try FileDescriptor.pipe().release()
        given.append(ends.writer)
        streams.append(Stream(from: ends.reader, to: target, log: log))
        return .descriptor(ends.writer)
    }

    /// Closes here what only the container is to hold, so that its end is the end.
    mutating func release() {
        for raw in given { close(raw) }
        given = []
    }
}
