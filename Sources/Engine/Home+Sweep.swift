// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JSON
import Linux
import OCI

extension Home {
    /// Looks for containers whose watcher was killed, and finishes or undoes what it was doing. What cannot be mended is said and stays
    /// for the next command: one damaged container takes nobody the means to look at the others, or to remove it.
    /// Costs the same however many containers run, as long as nobody was killed.
    /// - Parameter looksAtAll: whether each lock is asked for, be anybody marked on the roster or not.
    /// - Returns: the first users of containers that go on without a watcher: their ranges are not to be given to others.
    @discardableResult
    package func sweep(looksAtAll: Bool = false) throws(EngineError) -> Set<UInt32> {
        let orphans: Set<UInt32>
        do throws(SystemError) {
            let roster = try roster()
            let marked = try roster.marked()
            if marked.isEmpty, !looksAtAll {
                orphans = []
            } else {
                // Only where nobody else does it, marks go.
                let isAlone = try roster.begin()
                defer { if isAlone { roster.end() } }
                var sweep = Sweep()
                try lookForKilled(&sweep)
                if isAlone, try isSettled(sweep, roster.keys()) { roster.clear(marked) }
                orphans = sweep.orphans
            }
        } catch {
            throw .system(doing: "look for what a killed process left", error)
        }
        do throws(EngineError) { try finishRemovals() } catch { warn("what a killed process left of a volume stays: \(error)") }
        // Whoever starts something on a network is refused where its rules cannot be made.
        do throws(EngineError) { try mendFirewall() } catch { warn("the rules that keep networks apart cannot be made again: \(error)") }
        do throws(EngineError) { try mendNames() } catch { warn("the name server cannot be started again: \(error)") }
        return orphans
    }

    /// What a sweep has come upon.
    private struct Sweep {
        var orphans: Set<UInt32> = []
        /// Files that are somebody's lock still.
        var held: [String] = []
        var hasFailed = false
    }

    private func lookForKilled(_ sweep: inout Sweep) throws(SystemError) {
        var found: [ContainerID] = []
        var changing: [ContainerID] = []
        try runtime.forEachEntry { name, kind in
            guard kind == .regular else { return }
            let name = String(cString: name)
            if let id = ContainerID(name) { found.append(id) } else if let id = LiveChange.container(of: name) { changing.append(id) }
        }
        for id in found {
            do throws(EngineError) {
                if let watch = try abandonedWatch(id) {
                    guard let first = try mend(id, watch) else { continue }
                    sweep.orphans.insert(first)
                }
                sweep.held.append(id.text)
            } catch {
                warn("a killed process left container \(id.short), which cannot be mended: \(error)")
                sweep.hasFailed = true
                // It may go on for all that is known.
                if let first = writtenRange(of: id) { sweep.orphans.insert(first) }
            }
        }
        for id in changing {
            do throws(EngineError) {
                try mendChange(of: id)
                sweep.held.append(id.text + LiveChange.suffix)
            } catch {
                warn("a killed process left a change of container \(id.short), which cannot be mended: \(error)")
                sweep.hasFailed = true
            }
        }
    }

    /// Whether everything that is left is watched by somebody of whose end we shall be told. A killed one's own fork may have the lock a moment
    /// longer than its father lived.
    private func isSettled(_ sweep: Sweep, _ keys: Set<UInt64>) throws(SystemError) -> Bool {
        if sweep.hasFailed { return false }
        for file in sweep.held where !keys.contains(Roster.key(of: file)) {
            if try runtime.place.status(of: file) != nil { return false }
        }
        return true
    }

    /// The first user of a container's range by its record, or by its spec where that is damaged.
    private func writtenRange(of id: ContainerID) -> UInt32? {
        if let container = try? container(id) { return container.record.idRange?.users }
        guard let config = try? File.read("\(id)/config.json", at: containers.place),
            let spec = try? JSONDecoder().decode(Spec.self, from: config)
        else { return nil }
        return UserRanges.base(of: spec.linux?.uidMappings ?? [])
    }

    private func abandonedWatch(_ id: ContainerID) throws(EngineError) -> Watch? {
        do throws(SystemError) {
            return try Watch(abandoned: id, in: self)
        } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "look for what a killed process left", error)
        }
    }

    /// Takes one away that was killed before it was written down, also where no mark on the roster tells of it.
    func mendUnwritten(_ id: ContainerID) throws(EngineError) {
        do throws(EngineError) {
            if let watch = try abandonedWatch(id) { _ = try mend(id, watch) }
        } catch { warn("a killed process left container \(id.short), which cannot be mended: \(error)") }
    }

    /// Gives back the first user of a container that goes on; nil for one that is over.
    func mend(_ id: ContainerID, _ watch: consuming Watch) throws(EngineError) -> UInt32? {
        let boot = try Machine.boot()
        guard var container = try whole(id) else {
            // Killed in the making: nobody has seen it yet.
            try putAwayUnwritten(id)
            try remove(unmade: id)
            try watch.end(in: self)
            return nil
        }
        let status = container.status(in: boot)
        // Nobody here can wait for its end. No range begins at the last id.
        if container.record.isOutOfSight(in: boot) { return container.record.idRange?.users ?? UInt32.max }
        if status.isGoingOn || container.record.isToReturn(in: boot) {
            // Its monitor is gone, it lives on: another takes its place. Until that holds the range it is told as an orphan's.
            do throws(SystemError) { try replaceMonitor(of: id, watch) } catch {
                throw .system(doing: "give \(container.name) another monitor", error)
            }
            return container.record.idRange?.users
        }
        // What was killed may have been a change of its name.
        try settleName(of: &container)
        try putAway(container.record)
        try putAwayUnwritten(id, container.record)
        // One that never ran is as it was before, be it one that goes with its end.
        if case .exited = status {
            if container.record.end == nil {
                let end = container.unseenEnd(in: boot)
                container.record.end = end
                try container.save()
                tellEnd(end, of: container.record)
            }
            if container.record.isTemporary {
                try removeAnonymousVolumes(container.record)
                try container.lock()
                try remove(files: id, record: container.record)
            }
        }
        try watch.end(in: self)
        return nil
    }

    /// What a container had whose watcher was killed before its record said so: found by its id.
    /// - Parameter record: nil if there is none at all.
    func putAwayUnwritten(_ id: ContainerID, _ record: Record? = nil) throws(EngineError) {
        try putAwayCgroups(of: id)
        try disconnectAll(id, record)
    }

    /// Its cgroups, found where its spec has them: they are there before the record says so. And what was made above them, which was there before.
    private func putAwayCgroups(of id: ContainerID) throws(EngineError) {
        var text = Container.cgroupPath(id)
        let config = try? File.read("\(id)/config.json", at: containers.place)
        if let config, let spec = try? JSONDecoder().decode(Spec.self, from: config), let written = spec.linux?.cgroupsPath {
            text = written
        }
        guard let path = try? CgroupPath(text) else { return }
        let hierarchy: Hierarchy
        do throws(SystemError) { hierarchy = try Hierarchy.current() } catch {
            throw .system(doing: "look for what a killed command left", error)
        }
        let places = CgroupPaths(of: path, in: hierarchy)
        var record = Record()
        record.id = id.text
        record.set(Cgroup(CgroupPaths(places.entries.filter { (try? FileStatus(of: $0.directory)) != nil })))
        try putAway(record)
        Cgroup(places).removeParents()
    }

    /// A container whose record was written; nil for one that never got that far.
    private func whole(_ id: ContainerID) throws(EngineError) -> Container? {
        do throws(EngineError) {
            return try container(id)
        } catch .notFound {
            return nil
        } catch { throw error }
    }
}

extension Record {
    /// Whether its policy has to answer an end that its monitor did not live to see.
    fileprivate func isToReturn(in boot: String) -> Bool {
        guard end == nil, let start, start.boot == boot, stoppedByHand != true else { return false }
        return restart?.wantsRestart(after: nil, restarts: restarts ?? 0) ?? false
    }
}

extension Container {
    /// What can be known of an end that nobody saw.
    func unseenEnd(in boot: String) -> Record.End {
        // Whoever became its parent may not have taken its status yet.
        if let termination = record.start?.identity(in: boot)?.termination { return ending(termination) }
        let reason =
            record.start?.boot == boot
            ? "the process that watched it was killed, so its exit status is unknown" : "the machine was restarted while it ran"
        return Record.End(exitCode: nil, at: Timestamp.now.description, outOfMemory: nil, reason: reason)
    }
}

extension CgroupPaths {
    /// Where a cgroup is or would be, in each hierarchy.
    fileprivate init(of path: CgroupPath, in hierarchy: Hierarchy) {
        self.init(
            hierarchy.mounts.compactMap { mount in mount.directory(path).map { Entry(label: mount.label, directory: $0) } })
    }
}
