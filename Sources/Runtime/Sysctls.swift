// SPDX-License-Identifier: Apache-2.0
import OCI

/// Which kernel parameters are a container's own: those that live in a namespace which it has to itself. All others are the host's.
enum Sysctls {
    private static let ipc: [StaticString] = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ]

    static func check(_ spec: Spec) throws(LaunchError) {
        let namespaces = spec.linux?.namespaces ?? []
        func has(_ kind: Spec.Linux.Namespace.Kind) -> Bool { namespaces.contains { $0.type == kind } }
        for name in (spec.linux?.sysctl ?? [:]).keys.sorted() {
            // A name with slashes keeps its dots; compared is where it leads.
            let slashed = name.utf8.contains(UInt8(ascii: "/"))
            let parts = name.split(separator: slashed ? "/" : ".", omittingEmptySubsequences: false)
            guard !parts.contains(""), !parts.contains(".."), !parts.contains(".") else { throw .refused("\(name) is not a sysctl's name") }
            let dotted = parts.joined(separator: ".")
            if ipc.contains(where: { $0.description == dotted }) || dotted.hasPrefix("fs.mqueue.") {
                guard has(.ipc) else { throw .refused("the sysctl \(name) is the host's while the container shares its ipc namespace") }
            } else if dotted.hasPrefix("net.") {
                guard has(.network) else { throw .refused("the sysctl \(name) is the host's while the container shares its network") }
            } else if dotted == "kernel.domainname" {
                guard has(.uts) else { throw .refused("the sysctl \(name) is the host's while the container shares its uts namespace") }
            } else {
                throw .refused("the sysctl \(name) belongs to the whole machine, not to a container; set it on the host")
            }
        }
    }
}
