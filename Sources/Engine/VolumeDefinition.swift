// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON
import Linux
import Runtime

/// What is to be known of a volume besides its name. A plain directory has no file that says so.
package struct VolumeDefinition: Equatable, Sendable {
    package var labels: [String: String]?
    /// docker's local driver's: `type`, `device` and `o`.
    package var options: [String: String]?
    /// It was made for one container, and others have got it since: whoever removes it looks first.
    var isShared: Bool?

    package init() {}

    /// The folder of this machine that it stands for, in place of a directory of its own.
    var folder: String? { options?["device"] }

    var isReadOnly: Bool { mountWords.contains("ro") }

    private var mountWords: [Substring] { options?["o"]?.split(separator: ",") ?? [] }

    /// Whether there can be such a volume. It is bound into containers and nothing is ever mounted on the host, so of what docker's local
    /// driver mounts there, a folder of this machine remains.
    package func check() throws(EngineError) {
        guard let options, !options.isEmpty else { return }
        if options["size"] != nil {
            throw .refused("a volume has no size of its own: what bounds it is the file system that it lies on")
        }
        if let unknown = options.keys.sorted().first(where: { !["type", "device", "o"].contains($0) }) {
            throw .refused("invalid option: \"\(unknown)\": a local volume has type, device and o")
        }
        for needed in ["type", "device"] where options[needed] == nil {
            throw .refused("missing required option: \"\(needed)\", for example type=none, o=bind, device=/srv/data")
        }
        let type = options["type"] ?? ""
        if type == "tmpfs" {
            throw .refused("nothing is mounted on the host, so there are no volumes in memory: give the container --tmpfs DIR instead")
        }
        guard ["", "none", "bind"].contains(type), mountWords.contains(where: { $0 == "bind" || $0 == "rbind" }) else {
            throw .refused(
                "nothing is mounted on the host, so there are no volumes of type \(type): mount it yourself, and name the folder with type=none, o=bind, device=DIR"
            )
        }
        if let unknown = mountWords.first(where: { !["bind", "rbind", "ro", "rw"].contains($0) }) {
            throw .refused("unknown mount option '\(unknown)' in o=: a volume that stands for a folder has bind, rbind, ro and rw")
        }
        guard let folder, folder.isAbsolutePath, !folder.utf8.contains(0), !folder.pathComponents.isEmpty else {
            throw .refused("the device of a volume that stands for a folder is the absolute path of that folder")
        }
    }
}

extension VolumeDefinition: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("labels", &labels)
        try json("options", &options)
        try json("isShared", &isShared)
    }
}

/// `containers/.volumes`: a directory for each volume, and beside it `.NAME.json` where there is more to be known.
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

    /// Makes a volume; one that is there already stays as it is. True for a new one.
    func make(_ name: String, _ definition: VolumeDefinition = VolumeDefinition()) throws(SystemError) -> Bool {
        if try directory.place.status(of: name) != nil { return false }
        // What is known of a volume is there before it is, and two who make the same do not mix theirs.
        _ = try directory.lock(wait: true)
        defer { directory.unlock() }
        if try directory.place.status(of: name) != nil { return false }
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

    /// Notes of a nameless volume that more than one container has it.
    func share(_ name: String) throws(SystemError) {
        _ = try directory.lock(wait: true)
        defer { directory.unlock() }
        var definition = try definition(of: name)
        if definition.isShared == true { return }
        definition.isShared = true
        try write(definition, name)
    }

    /// Removes what is in it, and last what is known of it. Of a volume that stands for a folder, that folder stays as it is.
    func remove(_ name: String) throws(SystemError) {
        try Directory.removeAll(name, at: directory.place)
        try Directory.removeAll(Self.file(of: name), at: directory.place)
    }

    private func write(_ definition: VolumeDefinition, _ name: String) throws(SystemError) {
        let file = Self.file(of: name)
        try File.replace(file, at: directory.place, with: JSONEncoder().bytes(of: definition, for: file))
    }

    /// No volume's name begins with a point.
    private static func file(of name: String) -> String { ".\(name).json" }
}
