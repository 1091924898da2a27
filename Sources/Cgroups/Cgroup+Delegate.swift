// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
package import OCI

extension Cgroup {
    /// Gives the container's root its own part of version 2 to divide, as systemd does that runs in a container: the directory, and the files
    /// that move processes and hand controllers down (`/sys/kernel/cgroup/delegate`), but none that limits the container itself.
    ///
    /// That is for a container that may write there and sees nothing above, in cgroup and user namespaces of its own; for others nothing changes.
    package func delegate(to spec: Spec) throws(CgroupError) {
        guard let directory = paths.unified, paths.entries.count == 1, let (user, group) = Self.delegate(of: spec) else { return }
        try Self.call { () throws(SystemError) in
            for file in ["", "/cgroup.procs", "/cgroup.threads", "/cgroup.subtree_control"] {
                try check("chown", directory + file) { chown(directory + file, user, group) }
            }
        }
    }

    /// The host's ids of the container's root, if it is to have its cgroup.
    package static func delegate(of spec: Spec) -> (user: UInt32, group: UInt32)? {
        let namespaces = spec.linux?.namespaces ?? []
        let isOwn = { (type: Spec.Linux.Namespace.Kind) in namespaces.contains { $0.type == type && $0.path == nil } }
        let isWritable = spec.mounts?.contains { mount in
            (mount.type == "cgroup" || mount.type == "cgroup2") && mount.options?.contains("ro") != true
        }
        guard isOwn(.user), isOwn(.cgroup), isWritable == true,
            let user = spec.linux?.uidMappings?.first(where: { $0.containerID == 0 }),
            let group = spec.linux?.gidMappings?.first(where: { $0.containerID == 0 })
        else { return nil }
        return (user.hostID, group.hostID)
    }
}
