// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
package import JSON
import Linux

/// One volume: a directory of its own that outlives containers.
package struct Volume: Sendable {
    package let name: String
    package let path: String
    let definition: VolumeDefinition
    /// RFC 3339; when its directory was last changed is the nearest that file systems keep.
    package let modified: String
    /// Made for one container, without a name of its own.
    var isAnonymous: Bool { ContainerID(name) != nil }

    package var description: JSONValue {
        [
            "CreatedAt": .string(modified), "Driver": "local", "Labels": .texts(labels), "Mountpoint": .string(path), "Name": .string(name),
            "Options": .texts(definition.options ?? [:]), "Scope": "local",
        ]
    }

    package var labels: [String: String] { definition.labels ?? [:] }
}

extension Home {
    /// The directory of all volumes; nil where there never was one.
    func volumeFolder() throws(EngineError) -> VolumeFolder? {
        do throws(SystemError) { return try VolumeFolder(in: containers.place) } catch {
            throw .system(doing: "look at the volumes", error)
        }
    }

    /// All volumes, in the order of their names.
    package func volumes() throws(EngineError) -> [Volume] {
        guard let folder = try volumeFolder() else { return [] }
        do throws(SystemError) {
            var volumes: [Volume] = []
            for name in try folder.directory.entries().map(\.name).sorted() {
                if let volume = try volume(name, in: folder) { volumes.append(volume) }
            }
            return volumes
        } catch {
            throw .system(doing: "list the volumes", error)
        }
    }

    private func volume(_ name: String, in folder: borrowing VolumeFolder) throws(SystemError) -> Volume? {
        guard ContainerName(name) != nil, let status = try folder.directory.place.status(of: name), status.kind == .directory else {
            return nil
        }
        // One whose file is damaged can be seen and removed all the same; whoever starts a container with it is told.
        let definition = (try? folder.definition(of: name)) ?? VolumeDefinition()
        return Volume(
            name: name, path: definition.path(of: name, in: path), definition: definition,
            modified: status.modificationTime.description)
    }

    package func volume(named name: String) throws(EngineError) -> Volume {
        guard let folder = try volumeFolder() else { throw .notFound(name, near: nil, kind: "volume") }
        do throws(SystemError) {
            if let volume = try volume(name, in: folder) { return volume }
        } catch { throw .system(doing: "look at the volume \(name)", error) }
        let near = try volumes().map(\.name).first { isOneSlip(Array(name.utf8), Array($0.utf8)) }
        throw .notFound(name, near: near, kind: "volume")
    }

    /// Makes a volume; one that is there already is fine. Without a name it gets one nobody has.
    package func createVolume(_ name: ContainerName?, _ definition: VolumeDefinition) throws(EngineError) -> String {
        try definition.check()
        do throws(SystemError) {
            let name = if let name { name.text } else { try ContainerID().text }
            let folder = try VolumeFolder(making: path)
            try folder.lock()
            defer { folder.unlock() }
            if try folder.make(name, definition) { tell(.volume, "create", name, ["driver": "local"]) }
            return name
        } catch {
            throw .system(doing: "make the volume", error)
        }
    }

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
    func removeAnonymousVolumes(_ record: Record) throws(EngineError) {
        let names = record.anonymousVolumes
        if names.isEmpty { return }
        try whileNobodyTakesVolumes { folder throws(EngineError) in
            for name in names where try has(name, folder) {
                if try isShared(name, folder), try volumeUsers().contains(where: { $0.id != record.id && $0.volumes.contains(name) }) {
                    continue
                }
                try remove(name, from: folder)
            }
        }
    }

    /// The same for a container whose record is missing or damaged, by what its directory says.
    func removeNotedVolumes(_ id: ContainerID) throws(EngineError) {
        try whileNobodyTakesVolumes { folder throws(EngineError) in
            do throws(SystemError) {
                for note in try VolumeNote.all(of: id, in: self) where note.isOwn { try folder.remove(note.volume) }
            } catch { throw .system(doing: "remove the volumes of \(id.short)", error) }
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

    /// The bytes in a volume.
    package func size(of volume: Volume) -> Int64 {
        var size = TreeSize()
        try? size.add(".volumes/\(volume.name)", at: containers.place)
        return size.bytes
    }
}

// MARK: who has which

extension Home {
    /// Who takes a volume waits until it is gone, or has it noted before it would go. Where there never was a volume there is nothing to do.
    private func whileNobodyTakesVolumes(
        _ body: (borrowing VolumeFolder) throws(EngineError) -> Void
    ) throws(EngineError) {
        guard let folder = try volumeFolder() else { return }
        do throws(SystemError) { try folder.lock() } catch { throw .system(doing: "lock the volumes", error) }
        defer { folder.unlock() }
        try body(folder)
    }

    /// Every container and its volumes: by its record, else by the notes in its directory.
    private func volumeUsers() throws(EngineError) -> [(id: String, name: String, volumes: [String])] {
        var users = try listings().map { (id: $0.record.id, name: $0.record.name, volumes: $0.record.volumeNames) }
        let listed = Set(users.map(\.id))
        for id in try ids() where !listed.contains(id.text) {
            do throws(SystemError) {
                users.append((id.text, id.short, try VolumeNote.all(of: id, in: self).map(\.volume)))
            } catch { throw .system(doing: "look whose volumes there are", error) }
        }
        return users
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
