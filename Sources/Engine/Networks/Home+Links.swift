// SPDX-License-Identifier: Apache-2.0
import Linux
import Network

/// `--link`: names that one container has for another one, in its `/etc/hosts`. Written down as `ID:NAME`.
extension Home {
    func links(_ requests: [LinkRequest]) throws(EngineError) -> [String] {
        var links: [String] = []
        for request in requests { links.append("\(try container(named: request.container).id):\(request.alias)") }
        return links
    }

    /// The lines of `/etc/hosts` for a link.
    /// - Parameter networks: those that the container named `owner` is on.
    func hostLines(of link: String, on networks: [String], from owner: String) throws(EngineError) -> [(address: IPAddress, names: String)]
    {
        guard let (id, names) = parts(of: link) else { return [] }
        let other = try container(id)
        guard try other.status(in: Machine.boot()).isUp else { throw .refused("cannot link to \(other.name), which does not run") }
        guard let endpoint = other.record.endpoints?.first(where: { networks.contains($0.network) && !$0.addresses.isEmpty }) else {
            throw .refused("cannot link to \(other.name): it is on none of the networks that \(owner) is on")
        }
        return endpoint.addresses.map { ($0.address, names) }
    }

    func checkLink(_ link: String, on network: String, from owner: String) throws(EngineError) {
        _ = try hostLines(of: link, on: [network], from: owner)
    }

    /// Whether the other end of a link is on one of these networks.
    func finds(_ link: String, on networks: [String]) -> Bool {
        guard let id = parts(of: link)?.id, let other = try? container(id) else { return false }
        return other.record.endpoints?.contains { networks.contains($0.network) } == true
    }

    /// Whom a link leads to, and what the line of `/etc/hosts` calls it.
    fileprivate func parts(of link: String) -> (id: ContainerID, names: String)? {
        let parts = link.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let id = ContainerID(parts[0]) else { return nil }
        let name = try? container(id).name
        let names = [String(parts[1]), id.short] + (name.map { parts[1] == $0 ? [] : [$0] } ?? [])
        return (id, names.joined(separator: " "))
    }
}

extension Record {
    mutating func add(links new: [String]) {
        if !new.isEmpty { links = (links ?? []) + new.filter { links?.contains($0) != true } }
    }
}

extension Container {
    /// Forgets links, and takes them out of its `/etc/hosts`.
    mutating func remove(links gone: [String], in home: borrowing Home) throws(EngineError) {
        try change { record in
            record.links?.removeAll(where: gone.contains)
            if record.links?.isEmpty == true { record.links = nil }
        }
        let names = gone.compactMap { home.parts(of: $0)?.names }
        try changeHosts { hosts in
            for name in names { hosts.remove(named: name) }
        }
    }
}
