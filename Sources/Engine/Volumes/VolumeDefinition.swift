// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux

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

    /// Where its files are.
    func path(of name: String, in home: String) -> String { folder ?? "\(home)/containers/.volumes/\(name)" }

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
