// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JSON
import Linux

/// One container as lists show it: its facts, and what follows from them at this moment.
/// A reference, because lists are sorted and filtered, and a record is large.
package final class Listing: Sendable {
    package let record: Record
    package let status: Status
    /// Nil where nothing is looked after.
    package let health: HealthState?

    init(record: Record, status: Status, health: HealthState? = nil) {
        self.record = record
        self.status = status
        self.health = health
    }
}

extension Home {
    /// Every container, the newest first. One file is read for each, and a second one of `/proc` for those that may run.
    /// One that is being made or taken away just now, or whose record is damaged, is left out.
    package func listings() throws(EngineError) -> [Listing] {
        let boot = try Machine.boot()
        var listings: [Listing] = []
        for id in try ids() {
            guard let bytes = try? File.read("\(id)/state.json", at: containers.place, limit: Record.limit),
                let record = try? JSONDecoder().decode(Record.self, from: bytes), record.id == id.text
            else { continue }
            listings.append(Listing(record: record, status: record.status(in: boot), health: health(of: record)))
        }
        // Times are all in UTC and of one width, so their texts order as they do.
        let times = listings.map(\.record.created)
        return listings.indices.sorted { times[$0] > times[$1] }.map { listings[$0] }
    }
}

extension Home {
    private func health(of record: Record) -> HealthState? {
        guard record.health != nil, let directory = try? FileDescriptor(opening: record.id, at: containers.place, [.directory, .noFollow])
        else { return nil }
        return HealthState.read(in: directory.place) ?? HealthState()
    }
}

extension Record {
    /// No record of ours comes near it.
    static let limit = 1 << 20

    /// Whether it runs, worked out from facts: its first process by number, start time and boot, and the freezer.
    package func status(in boot: String) -> Status {
        if let retry, retry.boot == boot { return .restarting(retry.exitCode) }
        // One that could not even be started is as it was before, as docker has it.
        if let end { return start == nil ? .created : .exited(end.exitCode) }
        guard let start else { return .created }
        guard let identity = start.identity(in: boot) else { return .exited(nil) }
        let process: ProcessStatistics
        do throws(SystemError) {
            guard let living = try identity.living() else { return .exited(nil) }
            process = living
        } catch {
            // What cannot be looked at is not to be taken for dead.
            return .running
        }
        // A version 1 freezer holds processes in uninterruptible sleep, which few others are in: no need to ask it for the rest.
        if process.state != UInt8(ascii: "D"), cgroup?[""] == nil { return .running }
        // A freezer that cannot be read says nothing against running.
        return (try? cgroupHandle?.isFrozen) == true ? .paused : .running
    }
}
