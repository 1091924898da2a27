// SPDX-License-Identifier: Apache-2.0

/// The cgroup hierarchies this process can see, and where in each it lives itself.
package struct Hierarchy: Equatable, Sendable {
    package enum Version: Sendable { case v1, v2 }

    package enum Mode: Sendable {
        /// Nothing is mounted.
        case none
        /// Controllers of version 1 only.
        case legacy
        /// Version 1 holds controllers and version 2 is mounted beside it, with or without some of its own.
        case hybrid
        /// Version 2; a version 1 mount without a controller (`name=systemd`) does not count.
        case unified
    }

    /// One mounted hierarchy.
    package struct Mount: Equatable, Sendable {
        package var version: Version
        /// Version 1: the controllers mounted together. Version 2: empty, for the kernel tells in each cgroup's `cgroup.controllers`.
        package var controllers: ControllerSet
        /// As the kernel spells the set, `cpu,cpuacct` or `name=systemd`; empty for version 2, as in `/proc/PID/cgroup`.
        package var label: String
        /// Where it is mounted.
        package var point: String
        /// The cgroup seen at `point`: `/`, or a part of the tree when somebody bound just that.
        package var root: String
        /// The cgroup of this process, in the kernel's words.
        package var own: String

        /// The directory of our own cgroup, or nil where the mount does not show it.
        package var ownDirectory: String? {
            if root == "/" { return own.hasPrefix("/..") ? nil : join(point, own) }
            if own == root { return point }
            guard own.hasPrefix(root), own.utf8.dropFirst(root.utf8.count).first == UInt8(ascii: "/") else { return nil }
            return join(point, String(Substring(own.utf8.dropFirst(root.utf8.count))))
        }

        /// The directory a path names here: an absolute one from the root of what is mounted, a relative one below our own cgroup.
        package func directory(_ path: CgroupPath) -> String? {
            path.isAbsolute ? join(point, path.text) : ownDirectory.map { join($0, "/" + path.text) }
        }

        private func join(_ base: String, _ path: String) -> String {
            if path == "/" { return base }
            return base == "/" ? path : base + path
        }
    }

    package var mounts: [Mount]

    package init(mounts: [Mount]) { self.mounts = mounts }

    package var mode: Mode {
        let legacy = mounts.contains { $0.version == .v1 && !$0.controllers.isEmpty }
        switch (legacy, unified != nil) {
        case (false, false): return .none
        case (true, false): return .legacy
        case (true, true): return .hybrid
        case (false, true): return .unified
        }
    }

    /// The version 2 mount.
    package var unified: Mount? { mounts.first { $0.version == .v2 } }

    /// The version 1 mount that carries a controller.
    package func legacy(_ controller: Controller) -> Mount? {
        mounts.first { $0.version == .v1 && $0.controllers.contains(controller) }
    }
}
