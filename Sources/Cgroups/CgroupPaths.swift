// SPDX-License-Identifier: Apache-2.0

/// The directories of one container's cgroup, one for each hierarchy that has one. `state.json` carries it.
package struct CgroupPaths: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        /// As in `/proc/PID/cgroup`: `memory`, `cpu,cpuacct`; empty for version 2.
        package let label: String
        package let directory: String
        let controllers: ControllerSet

        package var version: Hierarchy.Version { label.isEmpty ? .v2 : .v1 }

        package init(label: String, directory: String) {
            self.label = label
            self.directory = directory
            var set = ControllerSet()
            for word in label.utf8.split(separator: UInt8(ascii: ",")) {
                if let controller = Controller(legacy: word) { set.insert(controller) }
            }
            controllers = set
        }

        init(_ mount: Hierarchy.Mount, directory: String) {
            label = mount.label
            controllers = mount.controllers
            self.directory = directory
        }
    }

    /// In order of label, so that version 2 is the first.
    package let entries: [Entry]

    package init(_ entries: [Entry] = []) { self.entries = entries.sorted { $0.label < $1.label } }

    package var isEmpty: Bool { entries.isEmpty }

    /// The version 2 directory.
    package var unified: String? { entries.first { $0.version == .v2 }?.directory }

    /// The version 1 directory that a controller governs.
    package func legacy(_ controller: Controller) -> String? { entries.first { $0.controllers.contains(controller) }?.directory }

    /// Where to look for files of a controller: its version 1 directory, else that of version 2.
    package func place(of controller: Controller) -> (directory: String, version: Hierarchy.Version)? {
        if let directory = legacy(controller) { return (directory, .v1) }
        return unified.map { ($0, .v2) }
    }
}

/// One object, label → directory, as in runc's `cgroup_paths`.
extension CgroupPaths: Codable {
    private struct Label: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Label.self)
        let entries = try object.allKeys.map { key in
            let directory = try object.decode(String.self, forKey: key)
            guard directory.hasPrefix("/"), !directory.split(separator: "/").contains("..") else {
                throw DecodingError.dataCorruptedError(forKey: key, in: object, debugDescription: "not the directory of a cgroup")
            }
            return Entry(label: key.stringValue, directory: directory)
        }
        self.init(entries)
    }

    package func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Label.self)
        for entry in entries { try object.encode(entry.directory, forKey: Label(stringValue: entry.label)) }
    }
}
