// SPDX-License-Identifier: Apache-2.0
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
        let near = try volumes().map(\.name).first { name.isOneSlip(from: $0) }
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

    /// The bytes in a volume.
    package func size(of volume: Volume) -> Int64 {
        var size = TreeSize()
        try? size.add(".volumes/\(volume.name)", at: containers.place)
        return size.bytes
    }
}
