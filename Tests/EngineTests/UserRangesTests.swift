// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import TestGround
import Testing

@testable import Engine

@Suite struct UserRangesTests {
    private let ranges = UserRanges(users: 100_000, groups: 300_000, slots: 3)

    @Test("A map tells where its range begins, also one that keeps an id", arguments: [0, 1000, 65535, 70_000] as [UInt32])
    func bases(_ kept: UInt32) {
        for number in 0..<ranges.slots {
            let slot = ranges.slot(number)
            let maps = UserRanges.keeping(kept, kept, in: slot.maps)
            #expect(UserRanges.base(of: maps.users) == slot.users && UserRanges.base(of: maps.groups) == slot.groups)
        }
        #expect(UserRanges.base(of: []) == nil)
    }

    @Test("No two containers ever have an id in common, whatever the tables say by then")
    func overlaps() throws {
        let scratch = try ScratchDirectory("minictl-ranges")
        let home = try Home(scratch.path)
        func claim(_ ranges: UserRanges, _ wish: UInt32, besides taken: Set<UInt32> = []) throws -> UserRanges.Claim {
            try ranges.claim(for: ContainerID(), wish: wish, besides: taken, in: home)
        }
        let first = try claim(ranges, 1)
        #expect(first.slot == UserRanges.Slot(number: 1, users: 165_536, groups: 365_536))
        #expect(try claim(ranges, 1).slot.number == 2)
        #expect(try claim(ranges, 1, besides: [231_072]).slot.number == 0)
        // A new table, whose ranges begin in the middle of the old ones.
        #expect(try claim(UserRanges(users: 132_768, groups: 900_000, slots: 3), 0).slot.number == 2)
        // One that has the same groups alone; the users that came with them are free still.
        let second = try claim(UserRanges(users: 5_000_000, groups: 365_536, slots: 2), 0)
        #expect(second.slot.number == 1)
        #expect(try claim(UserRanges(users: 5_000_000, groups: 9_000_000, slots: 1), 0).slot.number == 0)
        #expect(throws: EngineError.self) { _ = try claim(UserRanges(users: 165_500, groups: 9_000_000, slots: 1), 0) }
        #expect(try Self.isTaken(first.slot, home))
    }

    private static func isTaken(_ slot: UserRanges.Slot, _ home: borrowing Home) throws -> Bool {
        if let _ = try UserRanges.Claim(slot, in: home) { false } else { true }
    }

    @Test("A container moves to a range wherever it was before, and its kept id stays", arguments: [0, 1000, 65535, 70_000] as [UInt32])
    func moves(_ kept: UInt32) {
        let before = UserRanges.keeping(kept, kept, in: UserRanges(users: 5_000_000, groups: 6_000_000, slots: 9).slot(7).maps)
        let after = UserRanges.keeping(kept, kept, in: ranges.slot(2).maps)
        #expect(UserRanges.moved(before.users, to: ranges.users + 2 * UserRanges.size).map(words) == after.users.map(words))
        #expect(UserRanges.moved(before.groups, to: ranges.groups + 2 * UserRanges.size).map(words) == after.groups.map(words))
    }

    private func words(_ part: Spec.IDMapping) -> [UInt32] { [part.containerID, part.hostID, part.size] }
}
