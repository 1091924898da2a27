// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@Suite struct FileTests {
    @Test(
        "Every moment of a file can be written down",
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
            (1_000_000_001, "1970-01-01T00:00:01.000000001Z"),
            (Int64.min, "1677-09-21T00:12:43.145224192Z"), (Int64.max, "2262-04-11T23:47:16.854775807Z"),
        ])
    func moments(_ nanoseconds: Int64, _ text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).description == text)
    }

    @Test("What sparse files claim to hold adds up to a number, and so does a percentage of it")
    func sizes() {
        var sum: Int64 = 0
        sum.add(size: 5)
        sum.add(size: -7)
        #expect(sum == 5)
        for _ in 0..<5 { sum.add(size: .max) }
        #expect(sum == 1 << 56 && !sum.multipliedReportingOverflow(by: 100).overflow)
    }

    @Test("A copied directory is as old as the one it was copied from, whatever it holds")
    func directoryTimes() throws {
        let scratch = try ScratchDirectory("minictl-linux")
        let path = scratch.path
        try Directory.makeAll("\(path)/from/a/b")
        try Directory.make("\(path)/to")
        _ = try FileDescriptor(opening: "\(path)/from/a/b/file", [.writeOnly, .create], mode: 0o600)
        let times = [timespec(tv_sec: 1000, tv_nsec: 5), timespec(tv_sec: 1000, tv_nsec: 5)]
        for name in ["a/b/file", "a/b", "a", "."] { utimensat(AT_FDCWD, "\(path)/from/\(name)", times, 0) }
        try TreeCopy.contents(
            of: FileDescriptor(opening: "\(path)/from", [.directory]), into: FileDescriptor(opening: "\(path)/to", [.directory]))
        for name in ["a/b/file", "a/b", "a", "."] {
            let modified = try FileStatus(of: "\(path)/to/\(name)").modificationTime
            #expect(modified == Timestamp(nanoseconds: 1_000_000_000_005), "\(name)")
        }
    }

    @Test("A folder of the target that becomes a link while a tree is copied leads no second name out of it")
    func swappedFolder() throws {
        var template = Array("/tmp/minictl-linux-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? Directory.removeAll(path) }
        // Names of one file, in a folder each, which takes its time; and a file of that name which is nobody's business.
        let folders = (0..<100).map { "d\($0)" }
        for name in ["victim"] + folders { try Directory.makeAll("\(path)/from/\(name)") }
        try check("rename") { rename("\(path)/from/victim", "\(path)/victim") }
        for file in ["victim/name", "from/d0/name"] {
            try FileDescriptor(opening: "\(path)/\(file)", [.writeOnly, .create], mode: 0o600).write([UInt8](repeating: 7, count: 16 << 20))
        }
        for name in folders.dropFirst() { link("\(path)/from/d0/name", "\(path)/from/\(name)/name") }
        let secret = try FileStatus(of: "\(path)/victim/name").inode
        try Directory.make("\(path)/whole")
        try TreeCopy.contents(
            of: FileDescriptor(opening: "\(path)/from", [.directory]), into: FileDescriptor(opening: "\(path)/whole", [.directory]))
        #expect(try FileStatus(of: "\(path)/whole/d7/name").links == folders.count)
        let moves = folders.map { name in
            ["to/\(name)/name", "to/\(name)", "away"].map { Array("\(path)/\($0)".utf8CString) }
        }
        let victim = Array("\(path)/victim".utf8CString)
        for _ in 0..<5 {
            try Directory.make("\(path)/to")
            guard case .parent(_, let attacker) = try Process.clone() else {
                // The folder with the first name, as soon as it is there, makes room for the link.
                while true {
                    for move in moves where access(move[0], F_OK) == 0 && rename(move[1], move[2]) == 0 {
                        symlink(victim, move[1])
                        while true { pause() }
                    }
                }
            }
            // The link may be in the way, which is an error; it must not lead anywhere.
            _ = try? TreeCopy.contents(
                of: FileDescriptor(opening: "\(path)/from", [.directory]), into: FileDescriptor(opening: "\(path)/to", [.directory]))
            attacker.abandon()
            for name in folders where (try? FileStatus(of: "\(path)/to/\(name)"))?.kind == .directory {
                #expect((try? FileStatus(of: "\(path)/to/\(name)/name"))?.inode != secret)
            }
            for place in ["to", "away"] { try Directory.removeAll("\(path)/\(place)") }
        }
    }

    @Test("A moment that was written down is read again, and a day that its month lacks is one of the next")
    func readMoments() {
        for day in stride(from: 0, to: 106_000, by: 13) {
            let moment = Timestamp(nanoseconds: Int64(day) * 86_400_000_000_000 + 45_296_123_456_789)
            #expect(Timestamp(moment.description) == moment, "\(moment)")
        }
        let cases: [(String, Int64)] = [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:60Z", 951_868_800), ("2001-02-29T00:00:00Z", 983_404_800),
            ("2100-03-01T00:00:00Z", 4_107_542_400), ("2026-11-25T14:29:33+01:30", 1_795_611_573),
            ("2026-04-31T00:00:00-00:30", 1_777_595_400),
        ]
        for (text, seconds) in cases { #expect(Timestamp(text) == Timestamp(nanoseconds: seconds * 1_000_000_000), "\(text)") }
        for text in ["", "2026-11-25", "2026-13-01T00:00:00Z", "2026-11-25T24:00:00Z", "2026-11-25T14:29:33", "2026-11-25T14:29:33.Zx"] {
            #expect(Timestamp(text) == nil, "\(text)")
        }
    }

    @Test("A small file is read in one piece, a larger one whole as well, and nothing that is no file")
    func smallFiles() throws {
        let scratch = try ScratchDirectory("minictl-linux")
        let path = scratch.path
        let directory = try FileDescriptor(opening: path, [.directory])
        for size in [0, 1, 16_383, 16_384, 16_385, 100_000] {
            let bytes = [UInt8](repeating: 7, count: size)
            try File.replace("file", at: directory.place, with: bytes)
            #expect(try File.readSmall("file", at: directory.place, limit: 100_000) == bytes)
        }
        #expect(throws: SystemError(call: "read", subject: "file", errno: EFBIG)) {
            try File.readSmall("file", at: directory.place, limit: 99_999)
        }
        symlink("file", "\(path)/link")
        mkfifo("\(path)/fifo", 0o600)
        for (name, reason) in [("link", ELOOP), ("fifo", ESPIPE), (".", EISDIR), ("none", ENOENT)] {
            let error = #expect(throws: SystemError.self) { try File.readSmall(name, at: directory.place, limit: 100) }
            #expect(error?.errno == reason, "\(name)")
        }
    }

    @Test("A lock is seen as long as somebody holds it")
    func locks() throws {
        var template = Array("/tmp/minictl-linux-XXXXXX".utf8CString)
        let raw = mkstemp(&template)
        let file = FileDescriptor(owning: raw)
        defer { unlink(template) }
        #expect(!File.isLocked(template, at: .current))
        #expect(try file.lock(wait: false) && File.isLocked(template, at: .current))
        file.unlock()
        #expect(!File.isLocked(template, at: .current))
        #expect(!File.isLocked("/tmp/nosuch", at: .current))
    }
}
