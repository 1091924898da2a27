// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import Runtime

/// `containers/.volumes`: a directory for each volume, and beside it `.NAME.json` where there is more to be known.
/// What was removed lies in `.gone` until it is deleted.
struct VolumeFolder: ~Copyable {
    let directory: FileDescriptor

    /// Nil where there never was a volume.
    init?(in containers: Place) throws(SystemError) {
        do throws(SystemError) {
            directory = try FileDescriptor(opening: ".volumes", at: containers, [.directory, .noFollow])
        } catch  where error.errno == ENOENT { return nil }
    }

    /// - Parameter home: the path of the state directories.
    init(making home: String) throws(SystemError) {
        try Directory.makeAll("\(home)/containers/.volumes", mode: 0o700)
        directory = try FileDescriptor(opening: "\(home)/containers/.volumes", [.directory, .noFollow])
    }

    /// Held by whoever makes, takes or removes a volume: two who make the same do not mix theirs, and none goes that somebody has just taken.
    func lock() throws(SystemError) { _ = try directory.lock(wait: true) }

    func unlock() { directory.unlock() }

    /// Makes a volume; one that is there already stays as it is. True for a new one. The caller holds the lock.
    func make(_ name: String, _ definition: VolumeDefinition = VolumeDefinition()) throws(SystemError) -> Bool {
        if try directory.place.status(of: name) != nil { return false }
        // What is known of a volume is there before it is.
        if definition == VolumeDefinition() {
            try Directory.removeAll(Self.file(of: name), at: directory.place)
        } else {
            try write(definition, name)
        }
        try Directory.make(name, at: directory.place, mode: 0o755)
        return true
    }

    func definition(of name: String) throws(SystemError) -> VolumeDefinition {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try File.read(Self.file(of: name), at: directory.place, limit: 4 << 20) } catch
            where error.errno == ENOENT
        { return VolumeDefinition() }
        guard let definition = try? JSONDecoder().decode(VolumeDefinition.self, from: bytes) else {
            throw SystemError(call: "read", subject: "containers/.volumes/\(Self.file(of: name))", errno: EBADMSG)
        }
        return definition
    }

    /// Notes of a nameless volume that more than one container has it. The caller holds the lock.
    func share(_ name: String) throws(SystemError) {
        var definition = try definition(of: name)
        if definition.isShared == true { return }
        definition.isShared = true
        try write(definition, name)
    }

    /// Takes a volume out of sight whole, so that nobody ever gets half of it, and last what is known of it. Of one that stands for a folder,
    /// that folder stays as it is. The caller holds the lock, and clears away afterwards.
    func remove(_ name: String) throws(SystemError) {
        try Directory.make(Self.gone, at: directory.place)
        do throws(SystemError) {
            try directory.place.rename(name, to: directory.place, "\(Self.gone)/\(ContainerID().text)")
        } catch  where error.errno == ENOENT {} catch  where error.errno == EXDEV {
            // On an overlay, whose lower directories cannot be renamed.
            try Directory.removeAll(name, at: directory.place)
        }
        try Directory.removeAll(Self.file(of: name), at: directory.place)
    }

    /// Deletes what was removed, by somebody who was killed on the way too. Without the volumes' lock, since it may take long.
    /// - Parameter waits: for somebody else who is at it, and may have what we removed in hand.
    func clear(waits: Bool = true) throws(SystemError) {
        do throws(SystemError) {
            let gone = try FileDescriptor(opening: Self.gone, at: directory.place, [.directory, .noFollow])
            guard try gone.lock(wait: waits) else { return }
            for entry in try gone.entries() { try Directory.removeAll(entry.name, at: gone.place) }
        } catch  where error.errno == ENOENT { return }
        try lock()
        defer { unlock() }
        // Somebody may have put more there.
        unlinkat(directory.raw, Self.gone, AT_REMOVEDIR)
    }

    /// Whether something is left to be deleted.
    static func hasGone(in containers: Place) -> Bool { faccessat(containers.raw, ".volumes/\(gone)", F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

    private static let gone = ".gone"

    private func write(_ definition: VolumeDefinition, _ name: String) throws(SystemError) {
        let file = Self.file(of: name)
        try File.replace(file, at: directory.place, with: JSONEncoder().bytes(of: definition, for: file))
    }

    /// The volume that a file of this name is about.
    static func volume(ofFile name: String) -> String? {
        guard name.hasPrefix("."), name.hasSuffix(".json") else { return nil }
        return ContainerName(String(name.dropFirst().dropLast(5)))?.text
    }

    /// No volume's name begins with a point.
    private static func file(of name: String) -> String { ".\(name).json" }
}
