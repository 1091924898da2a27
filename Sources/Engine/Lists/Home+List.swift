// SPDX-License-Identifier: Apache-2.0
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
    /// Every container, the newest first. One file is read for each, and those that may run are asked for by their pidfds, many at once.
    /// One that is being made or taken away just now, or whose record is damaged, is left out.
    package func listings() throws(EngineError) -> [Listing] {
        try eachRecord(Record.init(json:)) { record, status, health in
            Listing(record: record, status: status, health: health)
        }.shown.newestFirst(\.record.created)
    }

    /// The same containers, of which only what a table shows is read. Whoever is come upon that has no record and nobody who watches was
    /// killed in the making, whatever the roster says, and is taken away.
    package func glances() throws(EngineError) -> [Glance] {
        let list = try eachRecord(Record.init(shownOf:)) { record, status, health in Glance(record, status, health) }
        for id in list.unwritten { try mendUnwritten(id) }
        return list.shown.newestFirst(\.created)
    }

    /// - Returns: what `show` makes of each record and its status, and those that have no record.
    private func eachRecord<Shown>(
        _ read: (JSONNode) throws(JSONError) -> Record, _ show: (Record, Status, HealthState?) -> Shown
    ) throws(EngineError) -> (shown: [Shown], unwritten: [ContainerID]) {
        let boot = try Machine.boot()
        var files = RecordFiles(in: containers.place)
        var shown: [Shown] = []
        var unwritten: [ContainerID] = []
        // Those that run if their processes do, with their places in `shown`.
        var supposed: [(place: Int, id: String)] = []
        var processes: [ProcessIdentity] = []
        do throws(SystemError) {
            try containers.forEachEntry { name, kind in
                guard kind != .symlink, ContainerID.isSpelled(name) else { return }
                let record: Record?
                do throws(SystemError) { record = try files.record(of: name, read) } catch {
                    if error.errno == ENOENT, let id = ContainerID(String(cString: name)) { unwritten.append(id) }
                    return
                }
                guard let record else { return }
                if let process = record.processThatDecides(in: boot) {
                    supposed.append((shown.count, record.id))
                    processes.append(process)
                    shown.append(show(record, .running, health(of: record)))
                } else {
                    shown.append(show(record, files.status(of: record, in: boot), health(of: record)))
                }
            }
        } catch {
            throw .system(doing: "list the containers", error)
        }
        // One that has ended is read once more: what its end was may stand there by now.
        for index in ProcessIdentity.over(among: processes).sorted(by: >) {
            let (place, id) = supposed[index]
            if let record = try? files.record(of: id, read) {
                shown[place] = show(record, files.status(of: record, in: boot), health(of: record))
            } else {
                shown.remove(at: place)
            }
        }
        return (shown, unwritten)
    }

    private func health(of record: Record) -> HealthState? {
        guard record.health != nil else { return nil }
        return HealthState.read("\(record.id)/health.json", in: containers.place) ?? HealthState()
    }
}

extension Record {
    /// In bytes, as of any JSON that is read.
    static let limit = JSONLimits().bytes
}

/// The records of containers, one after the other.
private struct RecordFiles {
    private let place: Place
    /// An id and, always the same, the file's name.
    private var path = [CChar](repeating: 0, count: ContainerID.length) + "/state.json".utf8CString

    init(in place: Place) { self.place = place }

    /// Nil if it is damaged.
    mutating func record(
        of id: UnsafePointer<CChar>, _ read: (JSONNode) throws(JSONError) -> Record
    ) throws(SystemError) -> Record? {
        for index in 0..<ContainerID.length { path[index] = id[index] }
        let bytes = try File.readSmall(path, at: place, limit: Record.limit)
        guard let document = try? JSONDocument(bytes), let record = try? read(document.root),
            record.id.utf8.count == ContainerID.length, strcmp(record.id, id) == 0
        else { return nil }
        return record
    }

    /// As lists have it, of a record of which perhaps not all was read. Of an end that nobody has written down everything is to be known.
    mutating func status(of record: Record, in boot: String) -> Status {
        let status = record.listedStatus(in: boot)
        guard case .exited = status, record.end == nil, let whole = try? self.record(of: record.id, Record.init(json:)) else {
            return status
        }
        return whole.status(in: boot)
    }
}

extension Array {
    /// By times that are all in UTC and of one width, so that their texts order as they do.
    fileprivate func newestFirst(_ created: (Element) -> String) -> [Element] {
        let times = map(created)
        return indices.sorted { times[$0] > times[$1] }.map { self[$0] }
    }
}
