// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Cgroup {
    /// Makes the cgroup in every hierarchy that carries one of the controllers.
    /// What is only wanted is left out where controller or right is missing; what is needed is an error then, and nothing stays behind.
    ///
    /// Each directory costs some 30 µs to make and as much to join and to remove, so there are no more than the controllers call for:
    /// on a hybrid machine version 2 gets one only if it carries a controller that version 1 does not.
    package static func create(
        _ path: CgroupPath, in hierarchy: Hierarchy, wanting wanted: ControllerSet = .standard, needing needed: ControllerSet = []
    ) throws(CgroupError) -> Cgroup {
        var making = Making(path: path, hierarchy: hierarchy, wanted: wanted.union(needed), needed: needed)
        return try making.finish()
    }

    /// The directories that `create` is going to make with version 1 alone, in the order that it gives them; nil where version 2 has a part.
    /// One that is only wanted may be missing in the end.
    package static func outline(_ path: CgroupPath, in hierarchy: Hierarchy, wanting wanted: ControllerSet) -> CgroupPaths? {
        let mounts = hierarchy.legacy(wanted)
        let covered = mounts.reduce(into: ControllerSet()) { $0.formUnion($1.controllers) }
        guard !mounts.isEmpty, !hierarchy.hasUnifiedPart(for: wanted.subtracting(covered)) else { return nil }
        return CgroupPaths(mounts.compactMap { mount in mount.directory(path).map { .init(mount, directory: $0) } })
    }

    /// The same cgroup with more controllers, for an update that asks for what its creation had no use for. Nobody is in the directories that
    /// are new until `gather(from:)`: whoever puts it away has to know of them first.
    package func extended(
        by needed: ControllerSet, at path: CgroupPath, in hierarchy: Hierarchy
    ) throws(CgroupError) -> Cgroup {
        let old = paths.entries.reduce(into: ControllerSet()) { $0.formUnion($1.controllers) }
        var making = Making(path: path, hierarchy: hierarchy, wanted: needed.subtracting(old), needed: needed.subtracting(old))
        making.isInUse = true
        let more = try making.finish()
        return Cgroup(CgroupPaths(paths.entries + more.paths.entries.filter { !paths.has($0.label) }))
    }

    /// Moves every process of a cgroup that this one extends into the directories that are new. Whoever forks just then leaves a child outside:
    /// again, until all are in.
    package func gather(from old: Cgroup) throws(CgroupError) {
        let new = Cgroup(CgroupPaths(paths.entries.filter { !old.paths.has($0.label) }))
        guard !new.paths.entries.isEmpty else { return }
        for _ in 0..<100 {
            let outside = try Set(old.processes()).subtracting(new.processes())
            if outside.isEmpty { return }
            for pid in outside {
                do throws(CgroupError) { try new.join(pid) } catch .system(let error) where error.errno == ESRCH {}
            }
        }
        throw .system(SystemError(call: "write", subject: "cgroup.procs", errno: EAGAIN))
    }

    /// Removes it from every hierarchy, sub-cgroups first. Missing is fine; what is busy with ending processes is tried again
    /// for at most `milliseconds`.
    package func remove(within milliseconds: Int = 2000) throws(CgroupError) {
        for entry in paths.entries { try CgroupTree.remove(entry.directory, within: milliseconds) }
    }
}

extension Cgroup {
    /// Removes what was made above it for its sake and is nobody else's by now.
    package func removeParents() {
        for entry in paths.entries { CgroupTree.removeParents(of: entry.directory) }
    }
}

/// A cgroup that is being made.
private struct Making {
    let path: CgroupPath
    let hierarchy: Hierarchy
    let wanted: ControllerSet
    let needed: ControllerSet
    var covered = ControllerSet()
    var entries: [CgroupPaths.Entry] = []
    /// What to take away again if a later step fails, deepest first.
    var made: [String] = []

    /// True for a running container's, which has processes of course.
    var isInUse = false

    var missing: ControllerSet { needed.subtracting(covered) }

    mutating func finish() throws(CgroupError) -> Cgroup {
        do throws(CgroupError) {
            try makeLegacy()
            try makeUnified()
            if let controller = missing.first { throw .controllerMissing(controller) }
            // Whoever enters stands still, and we would wait for it for ever.
            let cgroup = Cgroup(CgroupPaths(entries))
            if !isInUse, try cgroup.isFrozen { throw .invalid(path.text, "container's cgroup unexpectedly frozen") }
            return cgroup
        } catch {
            for directory in made { rmdir(directory) }
            throw error
        }
    }

    mutating func makeLegacy() throws(CgroupError) {
        for mount in hierarchy.legacy(wanted) {
            let isNeeded = !mount.controllers.isDisjoint(with: needed)
            do throws(CgroupError) {
                let directory = try make(in: mount)
                if mount.controllers.contains(.cpuset) { try inheritCPUs(from: mount.point, to: directory) }
                entries.append(.init(mount, directory: directory))
                covered.formUnion(mount.controllers)
            } catch  where error.isMissingMeans && !isNeeded {}
        }
    }

    mutating func makeUnified() throws(CgroupError) {
        let absent = wanted.subtracting(covered).subtracting(.unlisted)
        guard let mount = hierarchy.unified, hierarchy.hasUnifiedPart(for: absent) else { return }
        do throws(CgroupError) {
            let directory = try make(in: mount)
            entries.append(.init(mount, directory: directory))
            if hierarchy.mode == .unified { covered.formUnion(.builtIn) }
            try enable(absent, mount, down: directory)
        } catch  where error.isMissingMeans && missing.isEmpty {}
    }

    private mutating func make(in mount: Hierarchy.Mount) throws(CgroupError) -> String {
        guard let directory = mount.directory(path) else { throw .unreachable(path.text) }
        let before = made.count
        var made = self.made
        defer { self.made = made }
        try Cgroup.call { () throws(SystemError) in try CgroupTree.make(directory, made: &made) }
        if made.count == before, !isInUse {
            // It was there: left over from a container of that name, or somebody else's.
            let inside = try Cgroup(CgroupPaths([.init(mount, directory: directory)])).processes()
            guard inside.isEmpty else { throw .occupied(directory) }
        }
        return directory
    }

    /// An empty cpuset takes no process, so each new level starts with what its parent has.
    private func inheritCPUs(from top: String, to directory: String) throws(CgroupError) {
        for file in ["/cpuset.cpus", "/cpuset.mems"] {
            try Cgroup.call { () throws(SystemError) in
                var value = try File.readKernel(top + file)
                for level in Self.levels(from: top, to: directory) {
                    let own = try File.readKernel(level + file)
                    if own.utf8.contains(where: { $0 > 0x20 }) {
                        value = own
                    } else {
                        try File.writeKernel(level + file, value)
                    }
                }
            }
        }
    }

    /// Hands controllers down from the mount point to the new cgroup, level by level, where that is not done already.
    private mutating func enable(_ wanted: ControllerSet, _ mount: Hierarchy.Mount, down directory: String) throws(CgroupError) {
        var here = ControllerSet(listedIn: directory + "/cgroup.controllers")
        var obstacle: CgroupError?
        if !here.isSuperset(of: wanted) {
            for level in [mount.point] + Self.levels(from: mount.point, to: directory).dropLast() {
                do throws(SystemError) {
                    try enable(wanted, in: level)
                } catch {
                    obstacle = error.errno == EBUSY || error.errno == EOPNOTSUPP ? .parentOccupied(level) : CgroupError(error)
                }
            }
            here = ControllerSet(listedIn: directory + "/cgroup.controllers")
        }
        covered.formUnion(here)
        guard let controller = missing.subtracting(.unlisted).first else { return }
        guard ControllerSet(listedIn: mount.point + "/cgroup.controllers").contains(controller) else {
            throw .controllerMissing(controller)
        }
        throw obstacle ?? .notDelegated(controller, directory)
    }

    /// One write for all; where one of them is the trouble, one write for each.
    private func enable(_ wanted: ControllerSet, in level: String) throws(SystemError) {
        let on = ControllerSet(listedIn: level + "/cgroup.subtree_control")
        let rest = wanted.subtracting(on).intersection(ControllerSet(listedIn: level + "/cgroup.controllers"))
        if rest.isEmpty { return }
        let file = level + "/cgroup.subtree_control"
        // The kernel refuses memory and io to a cgroup with processes, but for cpu and pids alone it would turn it into the root of
        // a threaded tree, whose children no process can join. Only the real root, which has no type, may have both.
        if access(level + "/cgroup.type", F_OK) == 0, try !File.readKernel(level + "/cgroup.procs").isEmpty {
            throw SystemError(call: "write", subject: file, errno: EBUSY)
        }
        do throws(SystemError) {
            try File.writeKernel(file, rest.map { "+\($0.unifiedName)" }.joined(separator: " "))
        } catch  where error.errno != EBUSY {
            var worked = false
            for controller in rest {
                if (try? File.writeKernel(file, "+\(controller.unifiedName)")) != nil { worked = true }
            }
            if !worked { throw error }
        }
    }

    /// The directories below `top` down to `directory`.
    private static func levels(from top: String, to directory: String) -> [String] {
        var levels: [String] = []
        var level = directory
        while level != top, level.utf8.count > top.utf8.count, let parent = CgroupTree.parent(of: level) {
            levels.insert(level, at: 0)
            level = parent
        }
        return levels
    }
}

extension Hierarchy {
    /// The version 1 mounts that carry any of these controllers.
    fileprivate func legacy(_ wanted: ControllerSet) -> [Mount] {
        mounts.filter { $0.version == .v1 && !$0.controllers.isDisjoint(with: wanted) }
    }

    /// Whether a cgroup has a directory of version 2, if version 1 leaves these controllers to it.
    fileprivate func hasUnifiedPart(for absent: ControllerSet) -> Bool {
        guard let unified else { return false }
        guard mode == .hybrid else { return true }
        let absent = absent.subtracting(.unlisted)
        return !absent.isEmpty && !absent.isDisjoint(with: ControllerSet(listedIn: unified.point + "/cgroup.controllers"))
    }
}

extension ControllerSet {
    /// Those that a file of version 2 lists.
    fileprivate init(listedIn file: String) {
        self = (try? File.readKernel(file)).map { ControllerSet(unified: $0) } ?? []
    }
}
