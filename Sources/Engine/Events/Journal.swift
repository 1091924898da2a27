// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Where events are kept: `runtime/events/journal`, one object a line, and `journal.1`, the one before it.
///
/// There is no daemon to ask, so whoever changes something writes it down itself, and whoever wants to know reads along. Each line is
/// one `write(2)` with `O_APPEND`, which the kernel does whole and at the end, whoever else writes.
struct Journal {
    private let root: String
    /// What one of the two files may grow to, in bytes.
    private let limit: Int64

    /// - Parameter limit: room for some 2000 events.
    init(root: String, limit: Int64 = 1 << 20) {
        self.root = root
        self.limit = limit
    }

    private var path: String { "\(root)/runtime/events" }

    /// Writes events down. Nothing that is done for people fails because it cannot be told to others.
    func add(_ events: Event...) { add(events) }

    func add(_ events: [Event]) {
        guard !events.isEmpty, let file = open() else { return }
        for event in events { try? file.write(event.line) }
        if lseek(file.raw, 0, SEEK_CUR) > limit { rotate(file) }
    }

    private func open() -> FileDescriptor? {
        let flags: OpenFlags = [.writeOnly, .create, .append, .noFollow, .nonBlocking]
        if let file = try? FileDescriptor(opening: "\(path)/journal", flags, mode: 0o600) { return file }
        guard (try? Directory.make(path)) != nil else { return nil }
        return try? FileDescriptor(opening: "\(path)/journal", flags, mode: 0o600)
    }

    /// Makes this file the old one, if it still is the new one: only who holds its lock renames it.
    /// Who has opened it by its name just before may write one more line into it, so a reader holds on to both.
    private func rotate(_ file: borrowing FileDescriptor) {
        guard (try? file.lock(wait: false)) == true, let ours = try? file.status(),
            let named = try? FileStatus(of: "\(path)/journal"), named.inode == ours.inode, named.device == ours.device
        else { return }
        rename("\(path)/journal", "\(path)/journal.1")
    }

    /// Whatever anything is told of, by id.
    var subjects: Set<String> {
        var subjects: Set<String> = []
        for name in ["journal.1", "journal"] {
            let bytes = (try? File.read("\(path)/\(name)", limit: Int(2 * limit))) ?? []
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                if let subject = Event(line: Array(line))?.subject { subjects.insert(subject) }
            }
        }
        return subjects
    }

    /// The directory opened, made if it is missing.
    func directory() throws(SystemError) -> FileDescriptor {
        try Directory.make(path)
        return try FileDescriptor(opening: path, [.directory])
    }
}
