// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Container {
    /// Gives what the container wrote, line by line, from the oldest on. One that is followed goes on until it has ended.
    /// - Parameter idle: told when there is no more for now.
    package func logs(_ query: LogQuery, in home: borrowing Home, idle: () throws -> Void, line: (LogLine) throws -> Void) throws {
        guard record.log?.driver != "none" else { throw EngineError.refused("\(name) keeps no log: it was made with --log-driver none") }
        var reader = try makeReader(query)
        let follower = try query.follows ? Follower(self) : nil
        while true {
            // Asked before reading: what was written before the end has been read when the end is known.
            let isOver = follower?.isOver(in: home) ?? true
            while let lines = try reader?.next(), !lines.isEmpty {
                for bytes in lines {
                    guard let entry = LogLine(bytes) else { continue }
                    if let since = query.since, let time = Timestamp(entry.time), time < since { continue }
                    if let until = query.until, let time = Timestamp(entry.time), time > until { return }
                    try line(entry)
                }
            }
            if isOver { return }
            try idle()
            try follower?.wait()
            if reader == nil { reader = try makeReader(query) }
        }
    }

    private func makeReader(_ query: LogQuery) throws(EngineError) -> LogReader? {
        do throws(SystemError) { return try LogReader(in: directory.place, last: query.tail) } catch {
            throw .system(doing: "read the log of \(name)", error)
        }
    }
}

/// Waits for more of a container's log, or for its end.
private final class Follower {
    private let id: ContainerID
    private let files: DirectoryWatch
    private let process: CInt
    private let handle: ProcessHandle?
    private var hasEnded = false
    /// How long to wait for the watcher of one that has ended, in milliseconds: it puts it away at once, or starts it again later.
    private var patience: CInt = 5

    init(_ container: borrowing Container) throws(EngineError) {
        id = container.id
        let identity = container.record.start?.identity(in: try Machine.boot())
        do throws(SystemError) { files = try DirectoryWatch(container.directory) } catch {
            throw .system(doing: "follow the log of \(container.name)", error)
        }
        if let identity, let handle = try? ProcessHandle(identity) {
            process = handle.descriptor.raw
            self.handle = consume handle
        } else {
            process = -1
            handle = nil
        }
    }

    /// Whether nobody can write to the log any more: the one who does watches over the container.
    func isOver(in home: borrowing Home) -> Bool { !Watch.isHeld(id, in: home) }

    func wait() throws(EngineError) {
        // After the end the watcher puts things away; its lock cannot be polled for.
        var entries = [PollEntry(files.descriptor.raw, .readable), PollEntry(hasEnded ? -1 : process, .readable)]
        do throws(SystemError) { _ = try entries.wait(milliseconds: hasEnded || process < 0 ? patience : -1) } catch {
            throw .system(doing: "wait for more of the log", error)
        }
        if !entries[1].ready.isEmpty { hasEnded = true }
        if hasEnded || process < 0 { patience = min(patience * 2, 160) }
        files.drain()
    }
}
