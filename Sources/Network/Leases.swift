// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Who has which address of a network: `runtime/networks/NAME/ADDRESS`, a symbolic link to the container's id.
///
/// `symlink(2)` is atomic and fails when the name is taken, so of any number of containers that start at once no two get one address.
/// A lease goes when its container is put away, be it by the next command after a crash.
package struct Leases: ~Copyable {
    private let directory: FileDescriptor

    /// - Parameter runtime: the directory `runtime`.
    package init(of network: String, in runtime: Place) throws(NetworkError) {
        do throws(SystemError) {
            do throws(SystemError) {
                directory = try FileDescriptor(opening: "networks/\(network)", at: runtime, [.directory, .noFollow])
            } catch  where error.errno == ENOENT {
                try Directory.make("networks", at: runtime)
                try Directory.make("networks/\(network)", at: runtime)
                directory = try FileDescriptor(opening: "networks/\(network)", at: runtime, [.directory, .noFollow])
            }
        } catch {
            throw .system(doing: "keep addresses", error)
        }
    }

    /// Takes an address for a container: the wanted one, else the lowest that is free.
    /// - Parameter isOver: whether a container that has an address is gone, so that it can be taken over.
    package func claim(
        _ range: AddressRange, for id: String, wanted: IPAddress?, isOver: (String) -> Bool
    ) throws(NetworkError) -> IPAddress {
        if let wanted { return try claim(wanted, range, id, isOver) }
        do throws(SystemError) {
            if let address = try lowest(range, id) { return address }
            try releaseStale(isOver)
            if let address = try lowest(range, id) { return address }
        } catch {
            throw .system(doing: "take an address", error)
        }
        throw .noFreeAddress(range.allocation ?? range.subnet)
    }

    private func claim(
        _ wanted: IPAddress, _ range: AddressRange, _ id: String, _ isOver: (String) -> Bool
    ) throws(NetworkError) -> IPAddress {
        guard range.subnet.canHold(wanted) else { throw .refused("the address \(wanted) is none of \(range.subnet)") }
        guard wanted != range.gateway else { throw .refused("the address \(wanted) is the gateway of its network") }
        if let user = range.reserved?.first(where: { $0.value == wanted })?.key {
            throw .refused("the address \(wanted) is reserved for \(user) by --aux-address")
        }
        let winner: String
        do throws(SystemError) {
            if try take(wanted, id) { return wanted }
            if let owner = try target(of: wanted) {
                if owner == id { return wanted }
                if isOver(owner), try takeOver(wanted, id, isOver) { return wanted }
            } else if try take(wanted, id) {
                return wanted
            }
            winner = try target(of: wanted) ?? "another"
        } catch {
            throw .system(doing: "take the address \(wanted)", error)
        }
        throw .addressTaken(wanted, owner: winner)
    }

    /// The lowest address that nobody has. The directory is read once: 200 names take 0.05 ms.
    private func lowest(_ range: AddressRange, _ id: String) throws(SystemError) -> IPAddress? {
        let pool = range.allocation ?? range.subnet
        let taken = Set(try addresses().map(\.number) + (range.reserved ?? [:]).values.map(\.number))
        var number = pool.base.number
        while number <= pool.last.number {
            let address = IPAddress(pool.family, number)
            if !taken.contains(number), address != range.gateway, range.subnet.canHold(address), try take(address, id) { return address }
            let (next, overflow) = number.addingReportingOverflow(1)
            if overflow { return nil }
            number = next
        }
        return nil
    }

    private func take(_ address: IPAddress, _ id: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try directory.place.makeLink(address.description, target: id)
            return true
        } catch  where error.errno == EEXIST {
            return false
        }
    }

    /// One process at a time looks and takes over, lest it takes what another has just taken.
    private func takeOver(_ address: IPAddress, _ id: String, _ isOver: (String) -> Bool) throws(SystemError) -> Bool {
        let lock = try FileDescriptor(opening: ".", at: directory.place, [.directory])
        _ = try lock.lock(wait: true)
        if let owner = try target(of: address), isOver(owner) { try directory.place.unlink(address.description) }
        return try take(address, id)
    }

    private func releaseStale(_ isOver: (String) -> Bool) throws(SystemError) {
        let lock = try FileDescriptor(opening: ".", at: directory.place, [.directory])
        _ = try lock.lock(wait: true)
        for address in try addresses() {
            if let owner = try target(of: address), isOver(owner) { try directory.place.unlink(address.description) }
        }
    }

    private func addresses() throws(SystemError) -> [IPAddress] {
        var found: [IPAddress] = []
        try directory.forEachEntry { name, _ in
            if let address = IPAddress(name) { found.append(address) }
        }
        return found
    }

    /// The id of the container that has an address.
    private func target(of address: IPAddress) throws(SystemError) -> String? {
        do throws(SystemError) {
            return String(decoding: try directory.place.readLink(address.description, limit: 256), as: UTF8.self)
        } catch
            where error.errno == ENOENT
        { return nil }
    }

    /// The container that has an address; nil for one that is free.
    package func owner(of address: IPAddress) throws(NetworkError) -> String? {
        do throws(SystemError) { return try target(of: address) } catch {
            throw .system(doing: "look at the addresses of a network", error)
        }
    }

    /// Every lease: address and container.
    package func all() throws(NetworkError) -> [(address: IPAddress, owner: String)] {
        do throws(SystemError) {
            var leases: [(address: IPAddress, owner: String)] = []
            for address in try addresses() {
                if let owner = try target(of: address) { leases.append((address, owner)) }
            }
            return leases
        } catch {
            throw .system(doing: "look at the addresses of a network", error)
        }
    }

    /// Gives back whatever a container has.
    package func releaseAll(of id: String) throws(NetworkError) {
        try release(all().filter { $0.owner == id }.map(\.address), of: id)
    }

    /// Gives a container's addresses back. One process at a time looks and gives back: of two that do so for one container, the later would
    /// take the address from who has taken it in between.
    package func release(_ addresses: [IPAddress], of id: String) throws(NetworkError) {
        if addresses.isEmpty { return }
        do throws(SystemError) {
            _ = try directory.lock(wait: true)
            defer { directory.unlock() }
            for address in addresses where try target(of: address) == id { try directory.place.unlink(address.description) }
        } catch {
            throw .system(doing: "give an address back", error)
        }
    }

    /// Does something for which whoever has an address must have it to the end.
    package func whileNoneIsGivenBack<Value>(_ body: () throws(NetworkError) -> Value) throws(NetworkError) -> Value {
        do throws(SystemError) { _ = try directory.lock(wait: true) } catch { throw .system(doing: "keep addresses", error) }
        defer { directory.unlock() }
        return try body()
    }
}
