// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    func checkNetworks(_ checkup: inout Checkup) throws(EngineError) {
        let networks = try checkDefinitions(&checkup)
        // A file that was not understood says nothing about who may be on its network.
        guard let networks else { return }
        let listings = try listings()
        for listing in listings {
            for name in (listing.record.endpoints ?? []).map(\.network)
            where name != NetworkDefinition.defaultName && !networks.contains(name) {
                let word = listing.record.name
                checkup.found(
                    "containers/\(ContainerID.short(listing.record.id))", "the network \(name) of \(word) is gone, so it cannot start",
                    advice: "'minictl network create \(name)', or 'minictl network disconnect -f \(name) \(word)'")
            }
        }
        try checkLeases(listings, &checkup)
        try checkLinks(listings, &checkup)
        try checkKnown(&checkup)
        try checkLeads(&checkup)
    }

    /// The names of all networks; nil if there are files that cannot be understood.
    private func checkDefinitions(_ checkup: inout Checkup) throws(EngineError) -> Set<String>? {
        var names: [String] = []
        do throws(SystemError) {
            guard try containers.place.status(of: ".networks") != nil else { return [] }
            for entry in try FileDescriptor(opening: ".networks", at: containers.place, [.directory, .noFollow]).entries()
            where entry.name.hasSuffix(".json") && !entry.name.hasPrefix(".") { names.append(String(entry.name.dropLast(5))) }
        } catch { throw .system(doing: "list the networks", error) }
        var isWhole = true
        for name in names.sorted() where (try? storedNetwork(name)) ?? nil == nil {
            isWhole = false
            checkup.found(
                "containers/.networks/\(name).json", "the network cannot be understood, and none can be used for it",
                mending: "put it aside as \(name).json.damaged; make the network again"
            ) { () throws(EngineError) in
                do throws(SystemError) {
                    try containers.place.rename(".networks/\(name).json", to: containers.place, ".networks/\(name).json.damaged")
                } catch { throw .system(doing: "put it aside", error) }
            }
        }
        return isWhole ? Set(names) : nil
    }

    /// Addresses of containers that do not run. A container that is on its way up or down has its watch.
    private func checkLeases(_ listings: [Listing], _ checkup: inout Checkup) throws(EngineError) {
        let up = Set(listings.filter { $0.status.isUp }.map(\.record.id))
        guard let networks = try? FileDescriptor(opening: "networks", at: runtime.place, [.directory, .noFollow]).entries() else { return }
        for network in networks.map(\.name).sorted() {
            guard let folder = try? FileDescriptor(opening: "networks/\(network)", at: runtime.place, [.directory, .noFollow]),
                let entries = try? folder.entries()
            else { continue }
            for address in entries.filter({ $0.kind == .symlink }).map(\.name).sorted() {
                guard let target = try? folder.place.readLink(address), let id = ContainerID(String(decoding: target, as: UTF8.self)),
                    !up.contains(id.text), !Watch.isHeld(id, in: self)
                else { continue }
                let place = "runtime/networks/\(network)/\(address)"
                checkup.found(place, "whoever has this address does not run", mending: "give it back") { () throws(EngineError) in
                    do throws(SystemError) { try folder.place.unlink(address) } catch { throw .system(doing: "give it back", error) }
                }
            }
        }
    }

    /// The host's ends of interfaces of containers that do not run: known by the first digits of an id of ours. One that was cut is as good
    /// as gone: the kernel takes it away together with the container's namespace.
    private func checkLinks(_ listings: [Listing], _ checkup: inout Checkup) throws(EngineError) {
        guard let list = if_nameindex(), var netlink = try? Netlink() else { return }
        defer { if_freenameindex(list) }
        var entry = list
        while let name = entry.pointee.if_name {
            defer { entry += 1 }
            let link = String(cString: name)
            guard link.hasPrefix("mc"), let dash = link.firstIndex(of: "-") else { continue }
            let digits = link[..<dash].dropFirst(2)
            guard digits.utf8.count == 10, ContainerID.isHexadecimal(digits),
                let listing = listings.first(where: { $0.record.id.hasPrefix(digits) }), !listing.status.isUp,
                let id = ContainerID(listing.record.id), !Watch.isHeld(id, in: self), (try? netlink.link(link))??.isOperational == true
            else { continue }
            checkup.found("link \(link)", "\(listing.record.name) does not run", mending: "remove it") { () throws(EngineError) in
                do throws(SystemError) {
                    var netlink = try Netlink()
                    try netlink.remove(link)
                } catch { throw .system(doing: "remove it", error) }
            }
        }
    }

    /// Who is known by name on a network that he is not on.
    private func checkKnown(_ checkup: inout Checkup) throws(EngineError) {
        for (network, id) in try strayNames() {
            let sentence = "the name server knows \(ContainerID.short(id)), which is not on the network \(network.name)"
            checkup.found("runtime/names", sentence, mending: "have it forgotten") { () throws(EngineError) in
                try forgetNames(of: id, at: [Endpoint(network: network.name)])
            }
        }
    }

    /// Ports that lead to an address of our bridges that nobody has: it is taken before anything leads there, and given back after.
    private func checkLeads(_ checkup: inout Checkup) throws(EngineError) {
        let networks = try storedNetworks().filter { $0.driver == .bridge }
        guard !networks.isEmpty, var netlink = try? Netlink(), var firewall = try? Firewall() else { return }
        do throws(NetworkError) {
            for lead in try firewall.allLeads() {
                guard let network = networks.first(where: { $0.ranges.contains { $0.subnet.contains(lead.target) } }),
                    (try? netlink.link(network.device))??.mac == network.bridgeMAC,
                    try Leases(of: network.name, in: runtime.place).owner(of: lead.target) == nil
                else { continue }
                checkup.found("port \(lead.port)", "it leads to \(lead.target), which nobody has", mending: "take it away") {
                    () throws(EngineError) in
                    do throws(NetworkError) { try firewall.remove(lead) } catch { throw .network(error) }
                }
            }
        } catch { throw .network(error) }
    }
}
