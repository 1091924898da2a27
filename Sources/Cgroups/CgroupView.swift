// SPDX-License-Identifier: Apache-2.0

/// What a container should find at `/sys/fs/cgroup`. The mounts themselves are made by who owns the mount namespace.
package enum CgroupView: Equatable, Sendable {
    /// Nothing is there to show.
    case none
    /// Mount `cgroup2` from inside the container's cgroup namespace, whose root is this directory on the host.
    /// Without such a namespace, bind the directory.
    case unified(directory: String)
    /// A tmpfs with a directory for each hierarchy, and links beside them.
    case legacy([Branch])

    /// The container's own part of one version 1 hierarchy. Only that part, read-only: `release_agent` at the root of a hierarchy
    /// names a program that the kernel runs as host root (CVE-2022-0492).
    package struct Branch: Equatable, Sendable {
        /// On the host.
        package let source: String
        /// Below `/sys/fs/cgroup`: `memory`, `cpu,cpuacct`.
        package let target: String
        /// Other names, links to `target`: `cpu` and `cpuacct`.
        package let aliases: [String]
    }
}

extension CgroupPaths {
    package var view: CgroupView {
        if isEmpty { return .none }
        if entries.count == 1, let unified { return .unified(directory: unified) }
        return .legacy(
            entries.map { entry in
                // The place systemd gives version 2 on a hybrid machine.
                guard entry.version == .v1 else { return .init(source: entry.directory, target: "unified", aliases: []) }
                let names = entry.label.split(separator: ",").map { String($0.hasPrefix("name=") ? $0.dropFirst(5) : $0) }
                // The generic way to join them is slow the first time, and they are few.
                let target = names.dropFirst().reduce(names.first ?? "") { $0 + "," + $1 }
                return .init(source: entry.directory, target: target, aliases: names.count > 1 ? names : [])
            })
    }
}
