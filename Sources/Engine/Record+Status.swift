// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux

extension Record {
    /// Whether it runs, worked out from facts: its first process by number, boot, and pidfd inode or start time; and the freezer.
    package func status(in boot: String) -> Status { status(in: boot, asksFreezer: true) }

    /// Whether it was started in another pid namespace, where its number is another's or nobody's here, and goes on there.
    func isOutOfSight(in boot: String) -> Bool {
        guard end == nil, let start, start.boot == boot, start.namespace != Namespaces.pidNumber else { return false }
        return start.identity(in: boot)?.isAlive == false && cgroupHandle?.isPopulated == true
    }

    /// The same for lists, which do not ask the freezer of a container that nobody has paused: four times as long as all else.
    func listedStatus(in boot: String) -> Status { status(in: boot, asksFreezer: start?.pausedAt != nil) }

    /// The process whose life alone says whether this runs; nil where more is to be asked, or nothing.
    func processThatDecides(in boot: String) -> ProcessIdentity? {
        guard retry == nil, end == nil, let start, start.pausedAt == nil, start.inode != nil else { return nil }
        return start.identity(in: boot)
    }

    private func status(in boot: String, asksFreezer: Bool) -> Status {
        if let retry, retry.boot == boot { return .restarting(retry.exitCode) }
        // One that could not even be started is as it was before, as docker has it.
        if let end { return start == nil ? .created : .exited(end.exitCode) }
        guard let start else { return .created }
        guard let identity = start.identity(in: boot) else { return .exited(nil) }
        if identity.inode != nil {
            guard identity.isAlive else { return isOutOfSight(in: boot) ? .running : .exited(nil) }
            guard asksFreezer else { return .running }
        } else {
            let process: ProcessStatistics
            do throws(SystemError) {
                guard let living = try identity.living() else { return isOutOfSight(in: boot) ? .running : .exited(nil) }
                process = living
            } catch {
                // What cannot be looked at is not to be taken for dead.
                return .running
            }
            // A version 1 freezer holds processes in uninterruptible sleep, which few others are in: no need to ask it for the rest.
            if process.state != UInt8(ascii: "D"), cgroup?[""] == nil { return .running }
        }
        // A freezer that cannot be read says nothing against running.
        return (try? cgroupHandle?.isFrozen) == true ? .paused : .running
    }
}
