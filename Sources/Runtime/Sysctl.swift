// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import OCI

/// A kernel parameter of the container's own: one that lives in a namespace which it has to itself. All others are the host's, and
/// some of them are a way out (CVE-2022-0811).
struct Sysctl: Sendable {
    /// Below `/proc/sys`.
    let file: String
    let value: String

    /// - Parameter name: `net.ipv4.ip_forward`, or with slashes, where dots are part of names (`net/ipv4/conf/eth0.1/forwarding`).
    private init(_ name: String, _ value: String) {
        let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))
        file = name.utf8.contains(slash) ? name : String(decoding: name.utf8.map { $0 == dot ? slash : $0 }, as: UTF8.self)
        self.value = value
    }

    /// Those that a spec asks for; refused are all that would change the host.
    static func all(of spec: Spec) throws(LaunchError) -> [Sysctl] {
        var sysctls: [Sysctl] = []
        for (name, value) in (spec.linux?.sysctl ?? [:]).sorted(by: { $0.key < $1.key }) {
            let sysctl = Sysctl(name, value)
            let parts = sysctl.file.pathComponents
            guard parts.joined(separator: "/") == sysctl.file, !parts.contains(".."), !parts.contains(".") else {
                throw .refused("\(quoted(name)) is not a sysctl's name")
            }
            if sysctl.file == "kernel/hostname" { throw .refused("give the host name as hostname, and not by the sysctl \(name)") }
            guard let (kind, word) = sysctl.owner else {
                throw .refused("the sysctl \(quoted(name)) belongs to the whole machine, not to a container; set it on the host")
            }
            guard spec.linux?.namespaces?.contains(where: { $0.type == kind }) == true else {
                throw .refused("the sysctl \(quoted(name)) is the host's while the container shares its \(word)")
            }
            sysctls.append(sysctl)
        }
        return sysctls
    }

    private static let ipc: [StaticString] = [
        "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax", "kernel/shmmni",
        "kernel/shm_rmid_forced", "kernel/auto_msgmni", "kernel/msg_next_id", "kernel/sem_next_id", "kernel/shm_next_id",
    ]

    var isDomainName: Bool { file == "kernel/domainname" }

    /// The namespace it lives in, and what a person calls that.
    private var owner: (Spec.Linux.Namespace.Kind, StaticString)? {
        if file.hasPrefix("net/") { return (.network, "network") }
        if file.hasPrefix("fs/mqueue/") || Self.ipc.contains(where: { $0.description == file }) { return (.ipc, "ipc namespace") }
        if isDomainName { return (.uts, "uts namespace") }
        if file.hasPrefix("user/") { return (.user, "user namespace") }
        return nil
    }
}
