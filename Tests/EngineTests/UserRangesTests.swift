// SPDX-License-Identifier: Apache-2.0
import OCI
import Testing

@testable import Engine

@Suite struct UserRangesTests {
    private let ranges = UserRanges(users: 100_000, groups: 300_000, slots: 3)

    @Test("A map tells which range its ids are of, also one that keeps an id", arguments: [0, 1000, 65535, 70_000] as [UInt32])
    func slots(_ kept: UInt32) {
        for slot in 0..<ranges.slots {
            let maps = UserRanges.keeping(kept, kept, in: ranges.map(slot))
            #expect(ranges.slot(of: maps.users) == slot)
        }
        #expect(ranges.slot(of: UserRanges(users: 100_000, groups: 0, slots: 4).map(3).users) == nil)
        #expect(ranges.slot(of: UserRanges(users: 99_999, groups: 0, slots: 4).map(0).users) == nil)
        #expect(ranges.slot(of: []) == nil)
    }

    @Test("A container moves to a range wherever it was before, and its kept id stays", arguments: [0, 1000, 65535, 70_000] as [UInt32])
    func moves(_ kept: UInt32) {
        let before = UserRanges.keeping(kept, kept, in: UserRanges(users: 5_000_000, groups: 6_000_000, slots: 9).map(7))
        let after = UserRanges.keeping(kept, kept, in: ranges.map(2))
        #expect(UserRanges.moved(before.users, to: ranges.users + 2 * UserRanges.size).map(words) == after.users.map(words))
        #expect(UserRanges.moved(before.groups, to: ranges.groups + 2 * UserRanges.size).map(words) == after.groups.map(words))
    }

    private func words(_ part: Spec.IDMapping) -> [UInt32] { [part.containerID, part.hostID, part.size] }
}
