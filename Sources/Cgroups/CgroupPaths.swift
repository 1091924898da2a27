// SPDX-License-Identifier: Apache-2.0

/// The directories of one container's cgroup, one for each hierarchy that has one.
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

    func has(_ label: String) -> Bool { entries.contains { $0.label == label } }

    /// The version 2 directory.
    package var unified: String? { entries.first { $0.version == .v2 }?.directory }

    /// The version 1 files that a thread writes itself into.
    package var seatFiles: [String] { entries.filter { $0.version == .v1 }.map { $0.directory + "/tasks" } }

    /// The version 1 directory that a controller governs.
    package func legacy(_ controller: Controller) -> String? { entries.first { $0.controllers.contains(controller) }?.directory }

    /// Where to look for files of a controller: its version 1 directory, else that of version 2.
    package func place(of controller: Controller) -> (directory: String, version: Hierarchy.Version)? {
        if let directory = legacy(controller) { return (directory, .v1) }
        return unified.map { ($0, .v2) }
    }
}
