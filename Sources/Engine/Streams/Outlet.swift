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
        if status.isNullDevice {
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
    private var streams: [Stream] = []
    /// By which numbers the pipes of output and errors are found again.
    private(set) var pipes: [UInt64] = []
    /// The container's ends of our pipes: closed here once it has them.
    private var given: [CInt] = []

    /// For a process without a terminal.
    /// - Parameters:
    ///   - options: which of our streams it is connected to.
    ///   - log: where output is kept too; then it all passes through us.
    init(_ options: AttachOptions, log: LogFile?) throws(SystemError) {
        if options.takesInput {
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
        stdio.output = try output(options.showsOutput ? 1 : -1, log.map { LogFile.Channel($0, "stdout") })
        stdio.error = try output(options.showsErrors ? 2 : -1, log.map { LogFile.Channel($0, "stderr") })
        openUp()
    }

    /// For a container under a monitor: what it writes goes to the log and to whoever is attached.
    ///
    /// Its ends of the pipes it writes to are open in both directions, so that a pipe whose monitor was killed still has a reader: writing
    /// waits there, instead of ending the program, until another monitor has come and read (`Home+Adopt`).
    /// - Parameter input: whether it has any.
    init(under audience: Audience, log: LogFile?, input: Bool, closesInput: Bool) throws(SystemError) {
        var writer: CInt = -1
        if input {
            let ends = try FileDescriptor.pipe().release()
            try FileDescriptor.setNonBlocking(ends.writer)
            stdio.input = .descriptor(ends.reader)
            given.append(ends.reader)
            writer = ends.writer
        }
        audience.begin(input: writer, terminal: -1, closesInput: closesInput)
        stdio.output = try kept(log.map { LogFile.Channel($0, "stdout") }, audience, isError: false)
        stdio.error = try kept(log.map { LogFile.Channel($0, "stderr") }, audience, isError: true)
        openUp()
    }

    private mutating func kept(_ log: LogFile.Channel?, _ audience: Audience, isError: Bool) throws(SystemError) -> Stdio.Source {
        let pipe = try FileDescriptor.pipe()
        pipes.append(UInt64(try pipe.reader.status().inode))
        let both = try FileDescriptor(opening: "/proc/self/fd/\(pipe.writer.raw)", [.readWrite]).release()
        given.append(both)
        streams.append(Stream(from: pipe.readerAlone().release(), to: -1, log: log, audience: audience, isError: isError))
        return .descriptor(both)
    }

    /// Lets the container's users open `/dev/stdout` and its like by name, as programs do: a pipe belongs to who made it, whom the container
    /// does not know. Only in the direction that the container has anyway. A caller's pipe that is not ours to change stays as it is.
    private func openUp() {
        if case .descriptor(let raw) = stdio.input { fchmod(raw, 0o644) }
        for case .descriptor(let raw) in [stdio.output, stdio.error] { fchmod(raw, 0o622) }
    }

    /// - Parameter raw: −1 for nobody who looks.
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

    /// For whoever moves their bytes.
    mutating func takeStreams() -> [Stream] {
        defer { streams = [] }
        return streams
    }

    /// Closes here what only the container is to hold, so that its end is the end; and the streams of one that did not start.
    mutating func release() {
        for raw in given { close(raw) }
        given = []
        for index in streams.indices { streams[index].close() }
    }
}
