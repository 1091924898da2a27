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
    package var isAnonymous: Bool { ContainerID(name) != nil }

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
            if try VolumeFolder(making: path).make(name, definition) { tell(.volume, "create", name, ["driver": "local"]) }
            return name
        } catch {
            throw .system(doing: "make the volume", error)
        }
    }

    /// Removes a volume that no container has.
    package func removeVolume(_ name: String) throws(EngineError) {
        let volume = try volume(named: name)
        let users = try listings().filter { listing in (listing.record.mounts ?? []).contains { $0.name == volume.name } }
        guard users.isEmpty else {
            throw .refused("volume \(name) is in use by \(users.map(\.record.name).joined(separator: ", ")); remove these containers first")
        }
        try remove(volume)
    }

    private func remove(_ volume: Volume) throws(EngineError) {
        do throws(SystemError) { try VolumeFolder(in: containers.place)?.remove(volume.name) } catch {
            throw .system(doing: "remove the volume \(volume.name)", error)
        }
        tell(.volume, "destroy", volume.name, ["driver": "local"])
    }

    /// Removes the volumes that came with a container and have no name of their own, unless another container has got them since.
    func removeAnonymousVolumes(_ record: Record) throws(EngineError) {
        for mount in record.mounts ?? [] where mount.anonymous {
            guard let name = mount.name, let volume = try? volume(named: name) else { continue }
            if volume.definition.isShared == true {
                let others = try listings().filter { $0.record.id != record.id }
                if others.contains(where: { $0.record.volumeNames.contains(name) }) { continue }
            }
            try remove(volume)
        }
    }

    /// The same for a container that was killed in the making, before its volumes were written down.
    func removeNotedVolumes(_ id: ContainerID) throws(SystemError) {
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor(opening: id.text, at: containers.place, [.directory, .noFollow])
        } catch  where error.errno == ENOENT { return }
        for entry in try directory.entries() where entry.kind == .symlink && entry.name.hasPrefix(Volumes.note) {
            guard let volume = ContainerID(entry.name.dropFirst(Volumes.note.count)) else { continue }
            try VolumeFolder(in: containers.place)?.remove(volume.text)
        }
    }

    /// Removes the volumes that no container has: the nameless ones, or all. Gives back their names and how many bytes were in them.
    package func pruneVolumes(all: Bool, _ filter: PruneFilter) throws(EngineError) -> (names: [String], bytes: Int64) {
        let used = Set(try listings().flatMap(\.record.volumeNames))
        var names: [String] = []
        var size = TreeSize()
        for volume in try volumes() where !used.contains(volume.name) && (all || volume.isAnonymous) && filter.holds(for: volume) {
            try? size.add(".volumes/\(volume.name)", at: containers.place)
            try remove(volume)
            names.append(volume.name)
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
