// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network
import OCI

/// The container's own `/etc/hosts`, `/etc/hostname` and `/etc/resolv.conf`: written on the host's side and bound over the image's,
/// so that nothing of the image decides where they end up (CVE-2024-5154).
struct EtcFiles {
    let hostname: String
    let domainname: String?
    let network: Request.NamespaceChoice
    /// The directory of the container whose network it joins: what that one knows of its networks holds for both.
    let neighbour: String?
    /// It has networks of its own: what its files say of them is written when it starts.
    let isConnected: Bool
    let resolver: ResolverFile?
    /// `NAME:ADDRESS`.
    let extra: [String]
    let idmaps: Bool
    /// They are as little to be written as the container's root.
    let isReadOnly: Bool

    /// What to mount, leaving out what the user mounts there. The files themselves go to `new`, for the container's directory `path`.
    func mounts(path: String, besides taken: Set<String>, _ new: inout NewFiles) throws(EngineError) -> [Spec.Mount] {
        var mounts: [Spec.Mount] = []
        for (name, text) in try contents where !taken.contains("/etc/\(name)") {
            if let shared = shared(name) {
                mounts.append(mount(name, shared))
                continue
            }
            new.files.append(NewFiles.File(name: name, text: text))
            mounts.append(mount(name, "\(path)/\(name)"))
        }
        return mounts
    }

    private func mount(_ name: String, _ source: String) -> Spec.Mount {
        Spec.Mount(
            destination: "/etc/\(name)", type: "bind", source: source,
            options: ["bind", "rprivate"] + (isReadOnly ? ["ro"] : []) + (idmaps ? ["idmap"] : []))
    }

    private func shared(_ name: String) -> String? {
        guard let neighbour, name != "hostname", access("\(neighbour)/\(name)", F_OK) == 0 else { return nil }
        return "\(neighbour)/\(name)"
    }

    /// What a line of `/etc/hosts` calls the container.
    static func names(_ hostname: String, _ domainname: String?) -> String {
        domainname.map { "\(hostname).\($0) \(hostname)" } ?? hostname
    }

    private var contents: [(String, String)] {
        get throws(EngineError) {
            var files = [("hostname", hostname + "\n")]
            let full = Self.names(hostname, domainname)
            switch network {
            case .own, .container:
                files.append(
                    ("hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n127.0.1.1\t\(full)\n"))
            case .host:
                let hosts = (try? File.read("/etc/hosts", limit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) }
                files.append(("hosts", hosts ?? "127.0.0.1\tlocalhost\n"))
            }
            if isConnected || shared("resolv.conf") != nil { files.append(("resolv.conf", "")) } else { try addResolver(&files) }
            if !isConnected, let index = files.firstIndex(where: { $0.0 == "hosts" }) {
                for entry in extra.compactMap(HostsEntry.init) {
                    files[index].1 += "\(entry.address ?? IPAddress(.v4, 0x7f00_0001))\t\(entry.name)\n"
                }
            }
            return files
        }
    }

    /// On the host's network the host's resolver is reachable, though it may listen on the loopback alone.
    private func addResolver(_ files: inout [(String, String)]) throws(EngineError) {
        guard network == .host || resolver != nil else { return }
        let host = ResolverFile.ofHost
        files.append(("resolv.conf", (resolver.map { $0.completed(by: host, servers: host.servers) } ?? host).text))
    }
}
