// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import TestGround
import Testing

@testable import Engine

@Suite struct JournalTests {
    /// A root with nothing in it, which goes with the test.
    private final class Root {
        private let scratch: ScratchDirectory
        var path: String { scratch.path }

        init() throws {
            scratch = try ScratchDirectory("minictl-journal")
            try Directory.make("\(path)/runtime")
        }
    }

    @Test("An event reads back as it was written, whatever is in it")
    func line() {
        let event = Event(.container, "exec_create: sh -c 'a\nb'", "4f", ["image": "base", "name": "w\u{1B}\"eb"])
        let line = event.line
        #expect(line.last == UInt8(ascii: "\n") && line.count { $0 == UInt8(ascii: "\n") } == 1)
        #expect(Event(line: line.dropLast()) == event)
        #expect(Event(line: line.dropLast(9)) == nil)
    }

    @Test("Containers and images have docker's old members too, volumes and networks do not")
    func members() {
        let container = Event(.container, "die", "4f", ["image": "base", "exitCode": "3"], at: Timestamp(nanoseconds: 1_500_000_000)).value
        #expect(container["status"]?.string == "die" && container["from"]?.string == "base" && container["time"]?.int == 1)
        #expect(container["Actor"]?["Attributes"]?["exitCode"]?.string == "3")
        #expect(Event(.volume, "create", "data").value["status"] == nil)
    }

    @Test("A reader that follows loses and doubles nothing while the journal is rotated")
    func rotation() throws {
        let root = try Root()
        let journal = Journal(root: root.path, limit: 2000)
        let reader = try EventReader(journal, fromStart: false)
        var seen: [String] = []
        for number in 0..<500 {
            journal.add(Event(.volume, "create", "\(number)"))
            if number % 5 == 0 { seen += try reader.next().map(\.subject) }
        }
        seen += try reader.next().map(\.subject)
        #expect(seen == (0..<500).map { "\($0)" })
        let size = try ["journal", "journal.1"].map { try FileStatus(of: "\(root.path)/runtime/events/\($0)").size }
        #expect(size.allSatisfy { $0 < 2400 })
    }

    @Test("A line that comes late, into the file that has just been put aside, is read too")
    func late() throws {
        let root = try Root()
        let journal = Journal(root: root.path)
        journal.add(Event(.volume, "create", "a"))
        let reader = try EventReader(journal, fromStart: true)
        let folder = "\(root.path)/runtime/events"
        let old = try FileDescriptor(opening: "\(folder)/journal", [.writeOnly, .append])
        rename("\(folder)/journal", "\(folder)/journal.1")
        journal.add(Event(.volume, "create", "c"))
        try old.write(Event(.volume, "create", "b").line)
        #expect(try reader.next().map(\.subject) == ["a", "b", "c"])
        try old.write(Event(.volume, "create", "d").line)
        #expect(try reader.next().map(\.subject) == ["d"])
    }

    @Test(
        "Filters of one kind are alternatives, of different kinds must all hold",
        arguments: [
            (["event=start"], true), (["event=die"], false), (["event=die", "event=start"], true), (["event=start", "type=image"], false),
            (["container=we"], true), (["container=4f1"], true), (["container=b"], false), (["image=base"], true), (["image=bas"], false),
            (["label=role"], true), (["label=role=front"], true), (["label=role=back"], false), (["volume=web"], false), ([], true),
        ])
    func filters(conditions: [String], holds: Bool) throws {
        var filter = EventFilter()
        for condition in conditions { try filter.add(condition) }
        let event = Event(.container, "start", "4f1c", ["image": "base:latest", "name": "web", "role": "front"])
        #expect(filter.holds(for: event) == holds)
    }

    @Test("What is no filter is an error", arguments: ["colour=red", "type=happy", "event", "=x"])
    func badFilters(text: String) {
        var filter = EventFilter()
        #expect(throws: EngineError.self) { try filter.add(text) }
    }

    @Test("An event costs little, and is never an error")
    func cost() throws {
        let root = try Root()
        let journal = Journal(root: root.path)
        let began = MonotonicClock.nanoseconds
        for number in 0..<1000 { journal.add(Event(.container, "start", "\(number)", ["image": "base", "name": "web"])) }
        let each = (MonotonicClock.nanoseconds - began) / 1_000_000
        // 20 in an optimised program; this one is not, on a machine that others use too.
        #expect(each < 500, "\(each) µs")
        try Directory.removeAll("\(root.path)/runtime")
        journal.add(Event(.container, "start", "1"))
    }
}
