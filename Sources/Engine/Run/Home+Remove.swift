// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Network

extension Home {
    /// Takes a container's files away: first its record, without which nobody sees it; then its name; then its directory,
    /// which nothing is mounted in. If this process dies in between, the sweep finds the rest by the watch.
    /// Who may change the record meanwhile is kept out by the container's lock.
    /// - Parameter record: what is known of it; nil for one that was never written down, or so that nobody understands it.
    func remove(files id: ContainerID, record: Record?) throws(EngineError) {
        do throws(SystemError) {
            let name = record.flatMap { ContainerName($0.name) }
            // It keeps its volumes unless they are gone by now: whoever finishes this must not take it for one killed in the making.
            for volume in record?.anonymousVolumes ?? [] { try VolumeNote(volume, isOwn: true).remove(in: id, of: self) }
            try Directory.removeAll("\(id)/state.json", at: containers.place)
            // It may have been renamed since the record was read.
            if let name, owner(of: name) == id { release(name, of: id) } else { releaseNames(of: id) }
            try Directory.removeAll(id.text, at: containers.place)
            if let record { tell("destroy", record) }
        } catch {
            throw .system(doing: "remove the container's files", error)
        }
    }

    /// The same for one that was given up or killed in the making: nobody has seen it, and its own volumes go too.
    func remove(unmade id: ContainerID) throws(EngineError) {
        try removeNotedVolumes(id)
        try remove(files: id, record: nil)
    }

    private func release(_ name: ContainerName, of id: ContainerID) {
        if owner(of: name) == id { unlinkat(containers.raw, name.text, 0) }
    }

    /// For a container whose name is not written down, or another one.
    func releaseNames(of id: ContainerID) { for name in names(of: id) { release(name, of: id) } }

    /// The names that lead to a container, looked for among all.
    func names(of id: ContainerID) -> [ContainerName] {
        var names: [ContainerName] = []
        try? containers.forEachEntry { name, kind in
            if kind == .symlink, let name = ContainerName(String(cString: name)) { names.append(name) }
        }
        return names.filter { owner(of: $0) == id }
    }

    /// Puts away what a container had while it ran: its names, links and addresses, its processes and its cgroup. What is gone already is fine.
    /// - Returns: where its names are known until the name server has heard of it, which is told first, and then reads.
    @discardableResult
    func putAway(_ record: Record) throws(EngineError) -> UnreadZones {
        let unread = try disconnect(record)
        try putAwayCgroup(record)
        return unread
    }

    private func putAwayCgroup(_ record: Record) throws(EngineError) {
        guard let cgroup = record.cgroupHandle else { return }
        let usual = ContainerID(record.id).map(Container.cgroupPath) ?? ""
        // With --cgroup-parent it lies deeper.
        defer { if record.cgroup?.values.contains(where: { !$0.hasSuffix(usual) }) == true { cgroup.removeParents() } }
        do throws(CgroupError) {
            // With a pid namespace of its own nobody outlives its first process, so there is rarely anybody to kill.
            if (try? cgroup.remove(within: 0)) != nil { return }
            try cgroup.kill()
            try cgroup.remove()
        } catch { throw .refused("cannot remove the cgroup of \(record.name): \(error)") }
    }

    /// Removes a container that does not run; with `force` one that does is killed first.
    package func remove(_ word: String, force: Bool = false, volumes: Bool = false) throws(EngineError) {
        let id = try find(word)
        if force, try isUnreadable(id) { return try removeUnreadable(id, volumes) }
        if force, try container(id).status(in: Machine.boot()).isGoingOn {
            // One that has ended just now is as good.
            do throws(EngineError) { try kill(container(id)) } catch .notAllowed(_, _, let status) where !status.isUp {}
            // One that was temporary has gone with its end.
            guard hasRecord(id) else { return }
        }
        guard let watch = try Watch.atRest(id, in: self, mends: false) else { throw try inUse(id) }
        let container: Container
        do throws(EngineError) { container = try self.container(id) } catch {
            // Somebody else has removed it between the two looks, or was killed on the way.
            if case .notFound = error { _ = try mend(id, watch) } else { try watch.end(in: self) }
            throw error
        }
        let record = container.record
        // Not ended here: it runs without its monitor, and the sweep finds it by the watch.
        guard try record.status(in: Machine.boot()).allows(.remove) else { throw try inUse(id) }
        try putAway(record)
        // Killed since this command looked, its watcher may have taken what is not written down.
        if watch.isLeft { try putAwayUnwritten(id, record) }
        try container.lock()
        if volumes {
            // Whoever finishes this takes it for one killed in the making, whose volumes go too: it must not stay without them.
            try forget(id)
            try removeAnonymousVolumes(record)
        }
        try remove(files: id, record: record)
        try watch.end(in: self)
    }

    /// Takes its record away, without which nobody sees it.
    private func forget(_ id: ContainerID) throws(EngineError) {
        do throws(SystemError) { try Directory.removeAll("\(id)/state.json", at: containers.place) } catch {
            throw .system(doing: "remove the container's files", error)
        }
    }

    /// Whether its record is damaged or lost. That the machine cannot read it now says nothing of it.
    private func isUnreadable(_ id: ContainerID) throws(EngineError) -> Bool {
        do throws(EngineError) { _ = try container(id) } catch .notFound {
            return true
        } catch .system(_, let error) where !error.blamesMachine {
            return true
        }
        return false
    }

    /// Removes one whose record is damaged or lost: what it has is found by its id.
    private func removeUnreadable(_ id: ContainerID, _ volumes: Bool) throws(EngineError) {
        guard let watch = try Watch(id, in: self) else {
            throw .refused("cannot remove container \(id.short): another process is at work on it")
        }
        try putAwayUnwritten(id)
        if volumes { try removeNotedVolumes(id) }
        try remove(files: id, record: nil)
        try watch.end(in: self)
    }

    /// Why it cannot be removed, in docker's words where they fit.
    private func inUse(_ id: ContainerID) throws(EngineError) -> EngineError {
        let container = try container(id)
        let status = try container.status(in: Machine.boot())
        guard status.isGoingOn else {
            return .refused("cannot remove container \(container.name): another process is just starting or removing it")
        }
        return .refused(
            "cannot remove container \(container.name): container is \(status.word): stop the container before removing or force remove")
    }
}
