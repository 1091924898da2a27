// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
package import Linux

/// One line of a container's log.
package struct LogLine: Sendable, Equatable {
    /// The bytes as they were written, their line break included; a very long line comes in several pieces without one.
    package var text: String
    package var isError: Bool
    /// RFC 3339.
    package var time: String

    /// Reads docker's `json-file` format. Nil for what is none, such as a line that was cut off by a full disk.
    package init?(_ bytes: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root, let text = root["log"]?.string, let time = root["time"]?.string else { return nil }
        self.text = text
        self.time = time
        isError = root["stream"]?.string == "stderr"
    }
}

/// Which lines of a log are wanted.
package struct LogQuery: Sendable {
    /// How many of the last ones; nil for all.
    package var tail: Int?
    package var since: Timestamp?
    package var until: Timestamp?
    package var follows = false

    package init() {}
}

/// Reads a container's log: its files from the oldest to the newest, each held open while it is read, whatever is renamed meanwhile.
final class LogReader {
    private let directory: Place
    private var file: FileDescriptor
    private var splitter = LineSplitter()

    /// Finds where to begin. For the last lines only, files are read backwards from their ends, so a log of gigabytes costs no more than
    /// what is shown of it. Nil where nothing was ever logged.
    /// - Parameter directory: the container's; kept open by whoever reads.
    init?(in directory: Place, last count: Int?) throws(SystemError) {
        self.directory = directory
        var missing = count ?? .max
        var number = 0
        var gaps = 0
        var start: FileDescriptor?
        while missing > 0 || start == nil, gaps < 2 {
            if let older = try Self.open(number, directory) {
                if count != nil {
                    let found = try Self.start(ofLast: missing, in: older)
                    try check("lseek") { lseek(older.raw, off_t(found.offset), SEEK_SET) }
                    missing -= found.lines
                }
                start = consume older
                gaps = 0
            } else {
                gaps += 1
            }
            number += 1
        }
        guard let start = start.take() else { return nil }
        file = start
    }

    private static func open(_ number: Int, _ directory: Place) throws(SystemError) -> FileDescriptor? {
        do throws(SystemError) {
            let file = try FileDescriptor(opening: LogFile.name(number), at: directory, [.noFollow, .nonBlocking])
            guard try file.status().kind == .regular else { throw SystemError(call: "open", subject: LogFile.name(number), errno: EINVAL) }
            return file
        } catch  where error.errno == ENOENT {
            return nil
        }
    }

    /// Where the last lines of a file begin, and how many there are; an unfinished line at its end counts for none.
    static func start(ofLast count: Int, in file: borrowing FileDescriptor) throws(SystemError) -> (offset: Int64, lines: Int) {
        let size = try file.status().size
        guard count > 0 else { return (size, 0) }
        var end = size
        var lines = 0
        var buffer = [UInt8](repeating: 0, count: 65536)
        while end > 0 {
            let start = max(0, end - Int64(buffer.count))
            let length = Int(end - start)
            let read = try check("pread") { pread(file.raw, &buffer, length, off_t(start)) }
            guard read == length else { throw SystemError(call: "pread", subject: "log", errno: EIO) }
            for index in stride(from: length - 1, through: 0, by: -1) where buffer[index] == UInt8(ascii: "\n") {
                // The break that ends a line is the start of the next one: one more is needed than lines are wanted.
                if lines == count { return (start + Int64(index) + 1, count) }
                lines += 1
            }
            end = start
        }
        return (0, lines)
    }

    /// The next lines there are, at most a buffer of them; none if the log ends here for now.
    func next() throws(SystemError) -> [[UInt8]] {
        while true {
            let bytes = try file.read(atMost: 262_144)
            if bytes.isEmpty {
                guard try goOn() else { return [] }
                continue
            }
            let lines = splitter.add(bytes)
            if !lines.isEmpty { return lines }
        }
    }

    /// At the end of a file: goes on with the next newer one. False if there is none now.
    private func goOn() throws(SystemError) -> Bool {
        let held = try file.status()
        while true {
            let number = try number(of: held)
            if number == 0 { return false }
            // It may have grown between our last read and its renaming.
            if try file.status().size > Int64(lseek(file.raw, 0, SEEK_CUR)) { return true }
            // One that was dropped while we read leaves only newer ones.
            guard let newer = try oldest(below: number ?? Self.limit) else { return false }
            // Renamed meanwhile, so that another may lie between: look again.
            guard try self.number(of: held) == number else { continue }
            file = newer
            splitter = LineSplitter()
            return true
        }
    }

    /// No log is kept in more files.
    private static let limit = 1001

    /// The number a file bears now; nil for one that was dropped. A rotation goes from the highest number down and leaves one gap at a time;
    /// looking from the lowest up, a file cannot slip by.
    private func number(of held: FileStatus) throws(SystemError) -> Int? {
        var gaps = 0
        var number = 0
        while gaps < 2 {
            if let status = try directory.status(of: LogFile.name(number)) {
                if status.inode == held.inode, status.device == held.device { return number }
                gaps = 0
            } else {
                gaps += 1
            }
            number += 1
        }
        return nil
    }

    /// The file with the highest number below that one.
    private func oldest(below number: Int) throws(SystemError) -> FileDescriptor? {
        var highest: Int?
        var gaps = 0
        var candidate = 0
        while gaps < 2, candidate < number {
            if try directory.status(of: LogFile.name(candidate)) != nil {
                highest = candidate
                gaps = 0
            } else {
                gaps += 1
            }
            candidate += 1
        }
        guard let highest else { return nil }
        return try Self.open(highest, directory)
    }
}
