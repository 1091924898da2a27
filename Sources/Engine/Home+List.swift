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

    init(record: consuming Record, status: Status, health: HealthState? = nil) {
        self.record = record
        self.status = status
        self.health = health
    }
}

extension Home {
    /// Every container, the newest first. One file is read for each, and those that may run are asked for by their pidfds.
    /// One that is being made or taken away just now, or whose record is damaged, is left out.
    /// - Parameter extent: how much of their records is wanted.
    package func listings(_ extent: Record.Extent = .whole) throws(EngineError) -> [Listing] {
        let boot = try Machine.boot()
        let place = containers.place
        var listings: [Listing] = []
        do throws(SystemError) {
            try containers.forEachEntry { name, kind in
                guard kind != .symlink, ContainerID.isSpelled(name), let record = Record(of: name, at: place, extent) else { return }
                // First what is derived of it, then the record itself, which so need not be copied.
                let status = record.glance(in: boot)
                let health = health(of: record)
                listings.append(Listing(record: record, status: status, health: health))
            }
        } catch {
            throw .system(doing: "list the containers", error)
        }
        // Times are all in UTC and of one width, so their texts order as they do.
        let times = listings.map(\.record.created)
        return listings.indices.sorted { times[$0] > times[$1] }.map { listings[$0] }
    }

    private func health(of record: Record) -> HealthState? {
        guard record.health != nil else { return nil }
        return HealthState.read("\(record.id)/health.json", in: containers.place) ?? HealthState()
    }
}

extension Record {
    /// How much of a record is read.
    package enum Extent: Sendable {
        case whole
        /// What a table of containers shows; all else is as if it were not there.
        case shown
    }

    /// The record of a container by the name of its directory; nil if it is none, or damaged.
    fileprivate init?(of name: UnsafePointer<CChar>, at containers: Place, _ extent: Extent) {
        let path = UnsafeBufferPointer(start: name, count: 64) + Self.fileSuffix
        guard let bytes = try? File.readSmall(path, at: containers, limit: Self.limit) else { return nil }
        do throws(JSONError) {
            let root = try JSONDocument(bytes).root
            switch extent {
            case .whole: self = try Record(json: root)
            case .shown: self = try Record(shownOf: root)
            }
        } catch { return nil }
        guard self.id.utf8.count == 64, strcmp(self.id, name) == 0 else { return nil }
    }

    private static let fileSuffix = Array("/state.json".utf8CString)
}

extension Record {
    /// No record of ours comes near it.
    static let limit = 1 << 20

    /// Whether it runs, worked out from facts: its first process by number, start time and boot, and the freezer.
    package func status(in boot: String) -> Status { status(in: boot, asksFreezer: true) }

    /// The same for lists, which do not ask the freezer of a container that nobody has paused: four times as long as all else.
    fileprivate func glance(in boot: String) -> Status { status(in: boot, asksFreezer: start?.pausedAt != nil) }

    private func status(in boot: String, asksFreezer: Bool) -> Status {
        if let retry, retry.boot == boot { return .restarting(retry.exitCode) }
        // One that could not even be started is as it was before, as docker has it.
        if let end { return start == nil ? .created : .exited(end.exitCode) }
        guard let start else { return .created }
        guard let identity = start.identity(in: boot) else { return .exited(nil) }
        if identity.inode != nil {
            guard identity.isAlive else { return .exited(nil) }
            guard asksFreezer else { return .running }
        } else {
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
        }
        // A freezer that cannot be read says nothing against running.
        return (try? cgroupHandle?.isFrozen) == true ? .paused : .running
    }
}
