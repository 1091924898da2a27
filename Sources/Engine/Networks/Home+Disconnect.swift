// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    /// Takes a container that is over off its networks: links first, so that nobody answers for an address that another may have next.
    func disconnect(_ record: Record) throws(EngineError) -> UnreadZones {
        guard let endpoints = record.endpoints, endpoints.contains(where: { $0.networkID != nil }) else { return UnreadZones() }
        try withdraw(record)
        let unread = try forgetNames(of: record.id, at: endpoints)
        if endpoints.contains(where: { $0.link != nil }) {
            var netlink = try Netlink.open()
            for link in endpoints.compactMap(\.link) { try cut(link, &netlink) }
        }
        for endpoint in endpoints where endpoint.networkID != nil { try release(endpoint, of: record.id) }
        return unread
    }

    func cut(_ link: String, _ netlink: inout Netlink) throws(EngineError) {
        do throws(SystemError) { try netlink.cut(link) } catch { throw .system(doing: "cut the link \(link)", error) }
    }

    /// Gives the addresses on one network back. Who was killed while connecting may not have written down which.
    func release(_ endpoint: Endpoint, of id: String) throws(EngineError) {
        do throws(NetworkError) {
            let leases = try Leases(of: endpoint.network, in: runtime.place)
            try endpoint.addresses.isEmpty ? leases.releaseAll(of: id) : leases.release(endpoint.addresses.map(\.address), of: id)
        } catch {
            throw .network(error)
        }
        let driver = endpoint.link == nil ? "macvlan" : "bridge"
        tell(.network, "disconnect", endpoint.networkID ?? "", ["container": id, "name": endpoint.network, "type": driver])
    }

    /// The same after a crash, where what was written down may be less than what there is: everything is found by the container's id.
    func disconnectAll(_ id: ContainerID, _ record: Record?) throws(EngineError) {
        var netlink = try Netlink.open()
        do throws(SystemError) {
            // They are made in the order of their numbers, and one that is missing was the last or was disconnected.
            for number in 0..<max(8, record?.endpoints?.count ?? 0) { try netlink.remove(Self.link(of: id, number)) }
        } catch {
            throw .system(doing: "remove the links of a container", error)
        }
        try forgetNames(of: id.text, at: record?.endpoints ?? [], everywhere: true)
        do throws(NetworkError) {
            for name in try leasedNetworks() {
                try Leases(of: name, in: runtime.place).releaseAll(of: id.text)
            }
        } catch {
            throw .network(error)
        }
    }

    /// The networks of which anybody has an address.
    func leasedNetworks() throws(NetworkError) -> [String] {
        do throws(SystemError) {
            return try FileDescriptor(opening: "networks", at: runtime.place, [.directory, .noFollow]).entries().map(\.name)
        } catch {
            if error.errno == ENOENT { return [] }
            throw .system(doing: "look at the addresses of networks", error)
        }
    }
}
