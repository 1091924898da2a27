// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
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
        var template = Array("/tmp/minictl-linux-XXXXXX".utf8CString)
        _ = try #require(mkdtemp(&template))
        let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? Directory.removeAll(path) }
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
}
