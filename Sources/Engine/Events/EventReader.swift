// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Which events are wanted, and from when to when.
package struct EventQuery: ~Copyable {
    /// Nil for those to come only.
    package var since: Timestamp?
    /// Nil to go on for ever.
    package var until: Timestamp?
    package var filter = EventFilter()

    package init() {}
}

extension Home {
    /// Gives events in the order in which they were written down, and then each as it comes, until the time is over.
    /// - Parameter event: given each; false ends it.
    package func events(_ query: borrowing EventQuery, event: (Event) throws -> Void) throws {
        let reader: EventReader
        do throws(SystemError) { reader = try EventReader(Journal(root: path), fromStart: query.since != nil) } catch {
            throw EngineError.system(doing: "read the journal of events", error)
        }
        while true {
            for entry in try reader.next() {
                if let since = query.since, entry.moment < since { continue }
                if let until = query.until, entry.moment > until { continue }
                if query.filter.holds(for: entry) { try event(entry) }
            }
            let now = Timestamp.now
            if let until = query.until, now >= until { return }
            // A clock that is set changes when that is, so a long wait is cut.
            let rest = query.until.map { CInt(clamping: min(60_000, ($0.nanoseconds - now.nanoseconds) / 1_000_000 + 1)) }
            try reader.wait(milliseconds: rest ?? -1)
        }
    }
}

/// Reads the journal's files along while they grow and are rotated.
final class EventReader {
    private let directory: FileDescriptor
    private let changes: DirectoryWatch
    /// Those that may still grow, the oldest first.
    private var files: [File] = []

    private final class File {
        let descriptor: FileDescriptor
        let device: dev_t
        let inode: ino_t
        private var splitter = LineSplitter()

        init(_ descriptor: consuming FileDescriptor) throws(SystemError) {
            let status = try descriptor.status()
            guard status.kind == .regular else { throw SystemError(call: "open", subject: "journal", errno: EINVAL) }
            self.descriptor = descriptor
            device = status.device
            inode = status.inode
        }

        func next(_ events: inout [Event]) throws(SystemError) {
            while true {
                let bytes = try descriptor.read(atMost: 262_144)
                if bytes.isEmpty { return }
                events += splitter.add(bytes).compactMap { Event(line: $0) }
            }
        }
    }

    init(_ journal: Journal, fromStart: Bool) throws(SystemError) {
        directory = try journal.directory()
        // Before the files are opened, so that nothing comes between.
        changes = try DirectoryWatch(directory)
        try findFiles()
        if !fromStart { for file in files { lseek(file.descriptor.raw, 0, SEEK_END) } }
    }

    /// What there is by now.
    func next() throws(SystemError) -> [Event] {
        var events: [Event] = []
        // Again after looking for new ones: what was written to the old one before the new one was there comes first.
        for file in files { try file.next(&events) }
        if try findFiles() { for file in files { try file.next(&events) } }
        return events
    }

    func wait(milliseconds: CInt) throws(SystemError) {
        var entries = [PollEntry(changes.descriptor.raw, .readable)]
        _ = try entries.wait(milliseconds: milliseconds)
        changes.drain()
    }

    /// Opens what bears one of the names and is not open yet, and lets go of what bears none any more. True if there is a new one.
    @discardableResult
    private func findFiles() throws(SystemError) -> Bool {
        var named: [File] = []
        var isNew = false
        for name in ["journal.1", "journal"] {
            do throws(SystemError) {
                let file = try File(FileDescriptor(opening: name, at: directory.place, [.noFollow, .nonBlocking]))
                // Renamed between the two looks.
                if named.contains(where: { $0.inode == file.inode && $0.device == file.device }) { continue }
                if let held = files.first(where: { $0.inode == file.inode && $0.device == file.device }) {
                    named.append(held)
                } else {
                    named.append(file)
                    isNew = true
                }
            } catch  where error.errno == ENOENT {}
        }
        files = named
        return isNew
    }
}
