// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import Testing

@testable import Engine

@Suite struct WordingTests {
    @Test(
        "A stretch of time is told in docker's words",
        arguments: [
            (0, "Less than a second"), (1, "1 second"), (59, "59 seconds"), (60, "About a minute"), (119, "About a minute"),
            (120, "2 minutes"),
            (2700, "45 minutes"), (3599, "59 minutes"), (3600, "About an hour"), (5399, "About an hour"), (5400, "2 hours"),
            (47 * 3600, "47 hours"),
            (48 * 3600, "2 days"), (14 * 86400, "2 weeks"), (60 * 86400, "2 months"), (800 * 86400, "2 years"), (-5, "Less than a second"),
        ] as [(Int64, String)])
    func elapsed(seconds: Int64, words: String) { #expect(Elapsed(seconds: seconds).description == words) }

    @Test(
        "Bytes on disks have decimal units and three digits",
        arguments: [
            (0, "0B"), (999, "999B"), (1000, "1kB"), (1234, "1.23kB"), (12_345, "12.3kB"), (123_456, "123kB"), (9_996, "10kB"),
            (9_994, "9.99kB"),
            (30_120_000, "30.1MB"), (7_800_000_000, "7.8GB"), (-1, "0B"),
        ] as [(Int64, String)])
    func decimal(bytes: Int64, words: String) { #expect(DecimalBytes(bytes).description == words) }

    @Test(
        "Bytes of memory have binary units and four digits",
        arguments: [(0, "0B"), (1023, "1023B"), (1536, "1.5KiB"), (2_080_374_784, "1.938GiB"), (67_108_864, "64MiB")] as [(UInt64, String)])
    func binary(bytes: UInt64, words: String) { #expect(BinaryBytes(bytes).description == words) }

    @Test("A container's status is a sentence that begins as docker's")
    func sentences() {
        let now = Timestamp("2026-11-25T12:00:00Z") ?? .now
        var record = Record()
        func sentence(_ status: Status) -> String { Listing(record: record, status: status).sentence(at: now) }
        #expect(sentence(.created) == "Created")
        record.start = Record.Start(pid: 1, startTime: 1, boot: "", at: "2026-11-25T11:57:00Z")
        #expect(sentence(.running) == "Up 3 minutes")
        #expect(sentence(.paused) == "Up 3 minutes (Paused)")
        record.end = Record.End(exitCode: 0, at: "2026-11-25T11:59:55Z", outOfMemory: nil, reason: nil)
        #expect(sentence(.exited(0)) == "Exited (0) 5 seconds ago")
        record.end?.outOfMemory = true
        #expect(sentence(.exited(137)) == "Exited (137) 5 seconds ago (out of memory)")
        #expect(sentence(.exited(nil)) == "Exited (unknown) 5 seconds ago (out of memory)")
    }
}

@Suite struct ShownRecordTests {
    @Test("What a table shows of a record is the same whether the rest of it is read or not")
    func shown() throws {
        var record = Record()
        record.id = String(repeating: "a", count: 64)
        (record.name, record.image, record.created) = ("web", "base", "2026-11-25T11:57:00Z")
        record.command = ["sleep", "1"]
        record.exposed = ["80/tcp"]
        record.start = Record.Start(pid: 1, startTime: 2, boot: "b", at: "2026-11-25T11:57:01Z")
        record.retry = Record.Retry(at: "2026-11-25T11:57:02Z", boot: "b", exitCode: 4)
        record.end = Record.End(exitCode: 0, at: "2026-11-25T11:59:55Z", outOfMemory: true, reason: "r")
        record.cgroup = ["freezer": "/x"]
        func read(_ record: Record) throws -> Record { try Record(shownOf: JSONDocument(JSONEncoder().encode(record)).root) }
        #expect(try read(record) == record)
        var more = record
        more.start?.inode = 5
        more.start?.pipes = [6]
        more.layers = ["l"]
        more.labels = ["k": "v"]
        more.network = "blue"
        record.start?.inode = 5
        record.cgroup = nil
        #expect(try read(more) == record)
        more.start?.pausedAt = "2026-11-25T11:58:00Z"
        #expect(try read(more).cgroup == ["freezer": "/x"])
    }

    @Test("A record that is cut off, or lacks what is shown, is none", arguments: ["", "{", "null", "[]", "{}", #"{"id":"x"}"#])
    func damaged(text: String) {
        #expect(throws: JSONError.self) { try Record(shownOf: JSONDocument(Array(text.utf8)).root) }
    }
}

@Suite struct SignalDispositionTests {
    private func status(caught: String = "0", ignored: String = "0", blocked: String = "0", pids: String = "4711\t1") -> ThreadStatus? {
        ThreadStatus("Name:\tx\nNStgid:\t\(pids)\nSigQ:\t0/1\nSigBlk:\t\(blocked)\nSigIgn:\t\(ignored)\nSigCgt:\t\(caught)\n")
    }

    @Test("The first process of a namespace does not hear a signal it has no handler for")
    func dropped() {
        #expect(status()?.hears(.terminate) == false)
        // SIGTERM is bit 14.
        #expect(status(caught: "4000")?.hears(.terminate) == true)
        #expect(status(caught: "4000")?.hears(.interrupt) == false)
    }

    @Test("What is blocked may be taken later, what is ignored on purpose is left to time, and others die by themselves")
    func heard() {
        #expect(status(blocked: "4000")?.hears(.terminate) == true)
        #expect(status(ignored: "4000")?.hears(.terminate) == true)
        #expect(status(pids: "4711\t7")?.hears(.terminate) == true)
        #expect(status(pids: "4711")?.hears(.terminate) == true)
    }

    @Test("A text that lacks a field tells nothing")
    func incomplete() { #expect(ThreadStatus("SigCgt:\t0\n") == nil) }
}

@Suite struct TopTests {
    @Test("Only the container's processes stay of the table of ps, and the last column keeps its spaces")
    func table() throws {
        let text = "UID        PID  CMD\nroot         1  /sbin/init  two  three\nnobody      17  sleep 5\n"
        #expect(try Container.table(text, [1]) == [["UID", "PID", "CMD"], ["root", "1", "/sbin/init  two  three"]])
        #expect(try Container.table(text, [17]).last == ["nobody", "17", "sleep 5"])
        #expect(throws: EngineError.self) { try Container.table("RSS\n5\n", [5]) }
    }
}
