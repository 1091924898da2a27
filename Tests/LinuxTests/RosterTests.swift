// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@Suite struct RosterTests {
    /// A small disk of a test's own. What was mapped of it stays, so it goes lazily.
    private final class Disk {
        private let scratch: ScratchDirectory
        private var path: String { scratch.path }

        init(_ options: String) throws {
            scratch = try ScratchDirectory("minictl-roster")
            try check("mount", path) { mount("none", path, "tmpfs", 0, options) }
        }

        deinit { umount2(path, CInt(MNT_DETACH)) }

        func change(_ options: String, _ flags: Int = 0) throws {
            try check("mount", path) { mount("none", path, "tmpfs", UInt(MS_REMOUNT | flags), options) }
        }

        func roster(boot: String = "boot") throws -> Roster {
            let directory = try scratch.open()
            return try Roster("roster", at: directory.place, boot: boot)
        }
    }

    @Test("On a disk that is full or read-only each look begins with a mark, until there is room", .enabled(if: geteuid() == 0))
    func unusable() throws {
        let disk = try Disk("size=16k")
        for (flags, options) in [(0, "size=16k"), (MS_RDONLY, "size=1m")] {
            try disk.change(options, flags)
            let roster = try disk.roster()
            try roster.enter(5)
            #expect(try roster.marked() == [0], "\(options)")
            roster.leave()
            roster.clear([0])
            #expect(try roster.marked() == [])
            #expect(try disk.roster().marked() == [0])
        }
        try disk.change("size=1m")
        let (ours, theirs) = (try disk.roster(), try disk.roster())
        try ours.enter(5)
        #expect(theirs.keys() == [5])
        ours.leave()
        #expect(theirs.keys() == [])
    }

    @Test("A roster of another boot is made anew, and everybody looked at once", .enabled(if: geteuid() == 0))
    func boots() throws {
        let disk = try Disk("size=1m")
        let before = try disk.roster()
        before.clear(try before.marked())
        #expect(try disk.roster().marked() == [])
        try before.enter(5)
        let after = try disk.roster(boot: "another")
        #expect(try after.marked() == [0] && after.keys() == [])
        before.leave()
        #expect(try disk.roster(boot: "another").marked() == [0])
    }
}
