// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where a home keeps its roster once it was asked for.
final class RosterPlace {
    fileprivate var roster: Roster?
}

extension Home {
    /// Who watches over a container or changes one: `runtime/roster`. Their locks say who lives, one by one; this says whether anybody need be
    /// asked.
    func roster() throws(SystemError) -> Roster {
        if let roster = rosterPlace.roster { return roster }
        let roster = try Roster("roster", at: runtime.place, boot: Machine.bootID())
        rosterPlace.roster = roster
        return roster
    }
}
