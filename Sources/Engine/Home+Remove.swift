// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux

extension Home {
    /// Takes a container's files away: first its name, then its directory, which nothing is mounted in.
    /// - Parameter record: what is known of it; read from the directory if nil.
    func remove(files id: ContainerID, record: Record?) throws(EngineError) {
        do throws(SystemError) {
            if let name = record?.name ?? (try? container(id).record.name), let name = ContainerName(name) {
                release(name, of: id)
            } else {
                releaseNames(of: id)
            }
            try Directory.removeAll(id.text, at: containers.place)
        } catch {
            throw .system(doing: "remove the container's files", error)
        }
    }

    private func release(_ name: ContainerName, of id: ContainerID) {
        if owner(of: name) == id { unlinkat(containers.raw, name.text, 0) }
    }

    /// For a container that was killed in the making, before its name was written down.
    private func releaseNames(of id: ContainerID) {
        var names: [ContainerName] = []
        try? containers.forEachEntry { name, kind in
            if kind == .symlink, let name = ContainerName(String(cString: name)) { names.append(name) }
        }
        for name in names { release(name, of: id) }
    }

    /// Puts away what a container had while it ran: its processes and its cgroup. What is gone already is fine.
    func putAway(_ record: Record) throws(EngineError) {
        guard let cgroup = record.cgroupHandle else { return }
        do throws(CgroupError) {
            // With a pid namespace of its own nobody outlives its first process, so there is rarely anybody to kill.
            if (try? cgroup.remove(within: 0)) != nil { return }
            try cgroup.kill()
            try cgroup.remove()
        } catch { throw .refused("cannot remove the cgroup of \(record.name): \(error)") }
    }

    /// Removes the volumes that came with a container and have no name of their own.
    func removeAnonymousVolumes(_ record: Record) throws(EngineError) {
        for mount in record.mounts ?? [] where mount.anonymous {
            guard let name = mount.name, ContainerName(name) != nil else { continue }
            do throws(SystemError) { try Directory.removeAll(".volumes/\(name)", at: containers.place) } catch {
                throw .system(doing: "remove the volume \(name)", error)
            }
        }
    }
}
