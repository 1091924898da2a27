// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Home {
    /// Removes a volume that no container has.
    package func removeVolume(_ name: String) throws(EngineError) {
        let volume = try volume(named: name)
        try whileNobodyTakesVolumes { folder throws(EngineError) in
            let users = try volumeUsers().filter { $0.volumes.contains(volume.name) }.map(\.name)
            guard users.isEmpty else {
                throw .refused("volume \(name) is in use by \(users.joined(separator: ", ")); remove these containers first")
            }
            try remove(volume.name, from: folder)
        }
    }

    /// Removes the volumes that came with a container and have no name of their own, unless another container has got them since.
    func removeAnonymousVolumes(_ record: Record) throws(EngineError) { try removeOwn(record.anonymousVolumes, of: record.id) }

    /// The same for a container whose record is missing or damaged, by what its directory says.
    func removeNotedVolumes(_ id: ContainerID) throws(EngineError) {
        let notes: [VolumeNote]
        do throws(SystemError) { notes = try VolumeNote.all(of: id, in: self) } catch {
            throw .system(doing: "look for the volumes of \(id.short)", error)
        }
        try removeOwn(notes.filter(\.isOwn).map(\.volume), of: id.text)
    }

    private func removeOwn(_ names: [String], of id: String) throws(EngineError) {
        if names.isEmpty { return }
        try whileNobodyTakesVolumes { folder throws(EngineError) in
            for name in names where try has(name, folder) {
                if try isShared(name, folder), try volumeUsers().contains(where: { $0.id != id && $0.volumes.contains(name) }) { continue }
                try remove(name, from: folder)
            }
        }
    }

    /// Removes the volumes that no container has: the nameless ones, or all. Gives back their names and how many bytes were in them.
    package func pruneVolumes(all: Bool, _ filter: PruneFilter) throws(EngineError) -> (names: [String], bytes: Int64) {
        var names: [String] = []
        var size = TreeSize()
        try whileNobodyTakesVolumes { folder throws(EngineError) in
            let used = Set(try volumeUsers().flatMap(\.volumes))
            for volume in try volumes() where !used.contains(volume.name) && (all || volume.isAnonymous) && filter.holds(for: volume) {
                try? size.add(".volumes/\(volume.name)", at: containers.place)
                try remove(volume.name, from: folder)
                names.append(volume.name)
            }
        }
        tellPrune(.volume, bytes: size.bytes)
        return (names, size.bytes)
    }
}

// MARK: who has which

extension Home {
    /// Who takes a volume waits until it is out of sight, or has it noted before that. Where there never was a volume there is nothing to do.
    private func whileNobodyTakesVolumes(
        _ body: (borrowing VolumeFolder) throws(EngineError) -> Void
    ) throws(EngineError) {
        guard let folder = try volumeFolder() else { return }
        do throws(SystemError) { try folder.lock() } catch { throw .system(doing: "lock the volumes", error) }
        do throws(EngineError) { try body(folder) } catch {
            folder.unlock()
            throw error
        }
        folder.unlock()
        do throws(SystemError) { try folder.clear() } catch { throw .system(doing: "delete what was in a volume", error) }
    }

    /// Finishes what a killed removal left.
    func finishRemovals() throws(EngineError) {
        guard VolumeFolder.hasGone(in: containers.place), let folder = try volumeFolder() else { return }
        do throws(SystemError) { try folder.clear(waits: false) } catch { throw .system(doing: "delete what was in a volume", error) }
    }

    /// Every container and its volumes: by its record, else by the notes in its directory.
    private func volumeUsers() throws(EngineError) -> [(id: String, name: String, volumes: [String])] {
        var users: [(id: String, name: String, volumes: [String])] = []
        let records = Dictionary(try listings().map { ($0.record.id, $0.record) }) { $1 }
        for id in try ids() {
            let notes: [String]
            do throws(SystemError) { notes = try VolumeNote.all(of: id, in: self).map(\.volume) } catch {
                throw .system(doing: "look whose volumes there are", error)
            }
            guard let record = records[id.text] else {
                users.append((id.text, id.short, notes))
                continue
            }
            let isWhole = Set(notes).isSubset(of: record.volumeNames)
            users.append((id.text, record.name, try isWhole ? record.volumeNames : volumes(of: id, notes)))
        }
        return users
    }

    /// The volumes of a container that has noted more than is written down: it gets one just now, or has lost one since.
    private func volumes(of id: ContainerID, _ notes: [String]) throws(EngineError) -> [String] {
        do throws(EngineError) {
            var container = try container(id)
            do throws(SystemError) {
                // Whoever gives it one holds its lock, and may wait for ours.
                guard try container.directory.lock(wait: false) else { return notes + container.record.volumeNames }
            } catch { throw .system(doing: "lock the container", error) }
            try container.refresh()
            return container.record.volumeNames
        } catch .notFound { return notes }
    }

    private func has(_ name: String, _ folder: borrowing VolumeFolder) throws(EngineError) -> Bool {
        do throws(SystemError) { return try folder.directory.place.status(of: name) != nil } catch {
            throw .system(doing: "look at the volume \(name)", error)
        }
    }

    /// One whose description nobody understands may well be.
    private func isShared(_ name: String, _ folder: borrowing VolumeFolder) throws(EngineError) -> Bool {
        do throws(SystemError) { return try folder.definition(of: name).isShared == true } catch {
            if error.errno == EBADMSG { return true }
            throw .system(doing: "look at the volume \(name)", error)
        }
    }

    private func remove(_ name: String, from folder: borrowing VolumeFolder) throws(EngineError) {
        do throws(SystemError) { try folder.remove(name) } catch { throw .system(doing: "remove the volume \(name)", error) }
        tell(.volume, "destroy", name, ["driver": "local"])
    }
}
