// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

extension Home {
    /// Networks that cannot be read, leases of nobody who runs, links of no container of ours.
    func checkNetworks(_ checkup: inout Checkup) throws(EngineError) {
        try checkDefinitions(&checkup)
        try checkLeases(&checkup)
        try checkPlaces(&checkup)
    }

    private func checkDefinitions(_ checkup: inout Checkup) throws(EngineError) {
        for file in (try? FileDescriptor(opening: ".networks", at: containers.place, [.directory]).entries()) ?? []
        where file.name.hasSuffix(".json") && !file.name.hasPrefix(".") {
            let name = String(file.name.dropLast(5))
            if (try? storedNetwork(name)) != nil { continue }
            checkup.found("containers/.networks/\(file.name)", "it describes no network", mending: "move it to containers/.lost") {
                () throws(EngineError) in
                do throws(SystemError) {
                    try Directory.make(".lost", at: containers.place)
                    let place = try FileDescriptor(opening: ".networks", at: containers.place, [.directory]).release()
                    defer { close(place) }
                    try Place(raw: place).rename(file.name, to: containers.place, ".lost/network-\(file.name)")
                } catch {
                    throw .system(doing: "move it away", error)
                }
            }
        }
    }

    private func checkLeases(_ checkup: inout Checkup) throws(EngineError) {
        do throws(NetworkError) {
            for name in try leasedNetworks() {
                for lease in try Leases(of: name, in: runtime.place).all() where isOver(lease.owner) {
                    let place = "runtime/networks/\(name)/\(lease.address)"
                    checkup.found(place, "the container that had this address does not run", mending: "give it back") {
                        () throws(EngineError) in
                        do throws(NetworkError) {
                            try Leases(of: name, in: runtime.place).release([lease.address], of: lease.owner)
                        } catch { throw .network(error) }
                    }
                }
            }
        } catch {
            throw .network(error)
        }
    }

    /// Containers that could not be started, because a network of theirs is gone.
    private func checkPlaces(_ checkup: inout Checkup) throws(EngineError) {
        let names = Set(try storedNetworks().map(\.name))
        for listing in try listings() where !listing.status.isUp {
            for endpoint in listing.record.endpoints ?? []
            where endpoint.network != NetworkDefinition.defaultName && !names.contains(endpoint.network) {
                checkup.found(
                    "containers/\(listing.record.id.prefix(12))", "the network \(endpoint.network) of \(listing.record.name) is gone",
                    advice:
                        "minictl network create \(endpoint.network), or minictl network disconnect \(endpoint.network) \(listing.record.name)"
                )
            }
        }
    }
}
