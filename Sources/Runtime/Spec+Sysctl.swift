// SPDX-License-Identifier: Apache-2.0
import JSON
import OCI

extension Spec {
    /// Refuses kernel settings that would not stay in the container: all that no namespace of its own holds (CVE-2022-0811).
    func checkSysctls() throws(RuntimeError) {
        for name in (linux?.sysctl ?? [:]).keys.sorted() {
            // Both spellings; in the one with slashes a dot is part of a name.
            let path = name.utf8.contains(UInt8(ascii: "/")) ? name : name.split(separator: ".").joined(separator: "/")
            guard let (kind, word) = Self.owner(of: path) else {
                throw .refused("sysctl \(quoted(name)) is not in a separate kernel namespace: it would change the host")
            }
            if path == "kernel/hostname" { throw .refused("sysctl \(quoted(name)) is what hostname is for") }
            guard linux?.namespaces?.contains(where: { $0.type == kind }) == true else {
                throw .refused("sysctl \(quoted(name)) needs a new \(word) namespace in linux.namespaces: it would change the host")
            }
        }
    }

    private static let ipc: [StaticString] = [
        "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax", "kernel/shmmni",
        "kernel/shm_rmid_forced", "kernel/auto_msgmni", "kernel/msg_next_id", "kernel/sem_next_id", "kernel/shm_next_id",
    ]

    private static func owner(of path: String) -> (Linux.Namespace.Kind, StaticString)? {
        if path.hasPrefix("net/") { return (.network, "network") }
        if path.hasPrefix("fs/mqueue/") || ipc.contains(where: { $0.description == path }) { return (.ipc, "ipc") }
        if path == "kernel/domainname" || path == "kernel/hostname" { return (.uts, "uts") }
        if path.hasPrefix("user/") { return (.user, "user") }
        return nil
    }
}
