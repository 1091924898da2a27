// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@testable import Engine

@Suite struct LogReaderTests {
    /// A folder with logs in it, which goes with the test.
    private final class Folder {
        private let scratch: ScratchDirectory
        let directory: FileDescriptor

        init() throws {
            scratch = try ScratchDirectory("minictl-logs")
            directory = try scratch.open()
        }

        func write(_ name: String, _ text: String) throws {
            try FileDescriptor(opening: name, at: directory.place, [.writeOnly, .create, .append], mode: 0o600).write(text)
        }

        func move(_ old: String, _ new: String) { renameat(directory.raw, old, directory.raw, new) }

        func reader(last count: Int? = nil) throws -> LogReader? { try LogReader(in: directory.place, last: count) }
    }

    private func all(_ reader: LogReader?) throws -> [String] {
        var lines: [String] = []
        while let more = try reader?.next(), !more.isEmpty { lines += more.map { String(decoding: $0, as: UTF8.self) } }
        return lines
    }

    @Test("Files are read from the oldest to the newest")
    func order() throws {
        let folder = try Folder()
        #expect(try folder.reader() == nil)
        try folder.write("log.2", "a\nb\n")
        try folder.write("log.1", "c\n")
        try folder.write("log", "d\ne\n")
        #expect(try all(folder.reader()) == ["a", "b", "c", "d", "e"])
    }

    @Test("The last lines are found across files", arguments: 0...7)
    func tail(count: Int) throws {
        let folder = try Folder()
        try folder.write("log.2", "a\nb\n")
        try folder.write("log.1", "c\n")
        try folder.write("log", "d\ne\n")
        #expect(try all(folder.reader(last: count)) == Array(["a", "b", "c", "d", "e"].suffix(count)))
    }

    @Test("The last lines are found across the pieces in which a file is read backwards")
    func pieces() throws {
        let folder = try Folder()
        let long = String(repeating: "x", count: 70000)
        try folder.write("log", "\(long)1\n\(long)2\n\(long)3\n")
        #expect(try all(folder.reader(last: 2)).map(\.last) == ["2", "3"])
    }

    @Test("A line that is not finished yet comes when it is")
    func partial() throws {
        let folder = try Folder()
        try folder.write("log", "a\nb")
        let reader = try folder.reader()
        #expect(try all(reader) == ["a"])
        try folder.write("log", "c\n")
        #expect(try all(reader) == ["bc"])
    }

    @Test("A reader at the end goes on with the next file after a rotation, and with what the old one still got")
    func rotation() throws {
        let folder = try Folder()
        try folder.write("log", "a\n")
        let reader = try folder.reader()
        #expect(try all(reader) == ["a"])
        try folder.write("log", "b\n")
        folder.move("log", "log.1")
        #expect(try all(reader) == ["b"])
        try folder.write("log", "c\n")
        folder.move("log.1", "log.2")
        folder.move("log", "log.1")
        try folder.write("log", "d\n")
        #expect(try all(reader) == ["c", "d"])
    }

    @Test("A reader whose file was dropped goes on with the oldest there is")
    func dropped() throws {
        let folder = try Folder()
        try folder.write("log", "a\n")
        let reader = try folder.reader()
        #expect(try all(reader) == ["a"])
        unlinkat(folder.directory.raw, "log", 0)
        try folder.write("log.1", "b\n")
        try folder.write("log", "c\n")
        #expect(try all(reader) == ["b", "c"])
    }

    @Test("A gap that a rotation leaves for a moment does not end the log")
    func gap() throws {
        let folder = try Folder()
        try folder.write("log.2", "a\n")
        try folder.write("log", "b\n")
        #expect(try all(folder.reader()) == ["a", "b"])
        #expect(try all(folder.reader(last: 2)) == ["a", "b"])
    }

    @Test("docker's lines are understood, and what is none is passed over")
    func lines() {
        let line = LogLine(Array(#"{"log":"a\u001bb\n","stream":"stderr","time":"2026-11-25T14:29:33.5Z"}"#.utf8))
        #expect(line?.text == "a\u{1B}b\n")
        #expect(line?.isError == true)
        #expect(LogLine(Array(#"{"log":"cut off"#.utf8)) == nil)
        #expect(LogLine([]) == nil)
    }
}
