// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
package import JSON
import Linux

/// One volume: a directory of its own that outlives containers.
package struct Volume: Sendable {
    package let name: String
    package let path: String
    /// RFC 3339; when its directory was last changed is the nearest that file systems keep.
    package let modified: String
    /// Made for one container, without a name of its own.
    package var isAnonymous: Bool { ContainerID(name) != nil }

    package var description: JSONValue {
        [
            "CreatedAt": .string(modified), "Driver": "local", "Labels": [:], "Mountpoint": .string(path), "Name": .string(name),
            "Options": [:], "Scope": "local",
        ]
    }
}

extension Home {
    /// The directory of all volumes; nil where there never was one.
    private func volumeDirectory() throws(EngineError) -> FileDescriptor? {
        do throws(SystemError) {
            return try FileDescriptor(opening: ".volumes", at: containers.place, [.directory, .noFollow])
        } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "look at the volumes", error)
        }
    }

    /// All volumes, in the order of their names.
    package func volumes() throws(EngineError) -> [Volume] {
        guard let directory = try volumeDirectory() else { return [] }
        do throws(SystemError) {
            var volumes: [Volume] = []
            for name in try directory.entries().map(\.name).sorted() {
                if let volume = try volume(name, in: directory) { volumes.append(volume) }
            }
            return volumes
        } catch {
            throw .system(doing: "list the volumes", error)
        }
    }

    private func volume(_ name: String, in directory: borrowing FileDescriptor) throws(SystemError) -> Volume? {
        guard ContainerName(name) != nil, let status = try directory.place.status(of: name), status.kind == .directory else { return nil }
        return Volume(name: name, path: "\(path)/containers/.volumes/\(name)", modified: status.modificationTime.description)
    }

    package func volume(named name: String) throws(EngineError) -> Volume {
        guard let directory = try volumeDirectory() else { throw .notFound(name, near: nil, kind: "volume") }
        do throws(SystemError) {
            if let volume = try volume(name, in: directory) { return volume }
        } catch { throw .system(doing: "look at the volume \(name)", error) }
        let near = try volumes().map(\.name).first { isOneSlip(Array(name.utf8), Array($0.utf8)) }
        throw .notFound(name, near: near, kind: "volume")
    }

    /// Makes a volume; one that is there already is fine. Without a name it gets one nobody has.
    package func createVolume(_ name: ContainerName?) throws(EngineError) -> String {
        do throws(SystemError) {
            let name = if let name { name.text } else { try ContainerID().text }
            try Directory.make(".volumes", at: containers.place, mode: 0o700)
            let isNew = try containers.place.status(of: ".volumes/\(name)") == nil
            try Directory.make(".volumes/\(name)", at: containers.place, mode: 0o755)
            if isNew { tell(.volume, "create", name, ["driver": "local"]) }
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
        do throws(SystemError) { try Directory.removeAll(".volumes/\(volume.name)", at: containers.place) } catch {
            throw .system(doing: "remove the volume \(volume.name)", error)
        }
        tell(.volume, "destroy", volume.name, ["driver": "local"])
    }

    /// Removes the volumes that no container has: the nameless ones, or all. Gives back their names and how many bytes were in them.
    package func pruneVolumes(all: Bool) throws(EngineError) -> (names: [String], bytes: Int64) {
        let used = Set(try listings().flatMap { ($0.record.mounts ?? []).compactMap(\.name) })
        var names: [String] = []
        var size = TreeSize()
        for volume in try volumes() where !used.contains(volume.name) && (all || volume.isAnonymous) {
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
