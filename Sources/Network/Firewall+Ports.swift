// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Firewall {
    /// Leads ports to a container, all or none.
    /// - Parameters:
    ///   - addresses: the container's, at most one of each family; ports of a family it has none of are passed over.
    ///   - device: the bridge it is at.
    ///   - others: more addresses of the container's, on other networks, where a change that was cut short may have left them.
    package mutating func publish(
        _ ports: [PublishedPorts], to addresses: [IPAddress], at device: String, insteadOf others: [[IPAddress]] = []
    ) throws(NetworkError) {
        do throws(SystemError) {
            do throws(SystemError) { try add(Self.changes(ports, addresses)) } catch  where error.errno == EEXIST {
                for addresses in others { try expire(present(Self.changes(ports, addresses))) }
                try addAgain(Self.changes(ports, addresses))
            }
            // A client on this machine may come from 127.0.0.1, which the kernel keeps off other links without this. What it would open
            // to containers, the chain `arriving` closes.
            guard ports.contains(where: { $0.address.family == .v4 && ($0.isAnywhere || $0.address.isSpecial) }) else { return }
            try KernelParameter("ipv4/conf/\(device)/route_localnet", "1").set()
        } catch {
            guard error.errno == EEXIST else { throw .system(doing: "publish ports", error) }
            throw .refused("one of the ports leads to another container already")
        }
    }

    /// A port that was another container's until just now leads there for one more tick.
    private mutating func addAgain(_ changes: [Change]) throws(SystemError) {
        for _ in 0..<10 {
            do throws(SystemError) { return try add(changes) } catch  where error.errno == EEXIST { usleep(2000) }
        }
        try add(changes)
    }

    /// Takes ports away that were led to a container. What is gone already is fine, and what leads to somebody else stays.
    /// - Parameter others: more addresses of the container's, on other networks, where a change that was cut short may have left them.
    package mutating func withdraw(
        _ ports: [PublishedPorts], from addresses: [IPAddress], or others: [[IPAddress]] = []
    ) throws(NetworkError) {
        do throws(SystemError) {
            let changes = Self.changes(ports, addresses)
            do throws(SystemError) { if !changes.isEmpty { return try expire(changes) } } catch  where error.errno == EEXIST {}
            for addresses in [addresses] + others { try expire(present(Self.changes(ports, addresses))) }
        } catch {
            // The table is gone, and with it everything in it.
            guard error.errno != ENOENT else { return }
            throw .system(doing: "take published ports away", error)
        }
    }

    /// Those elements that are there just so.
    private mutating func present(_ changes: [Change]) throws(SystemError) -> [Change] {
        var present: [Change] = []
        for change in changes {
            var elements: [Element] = []
            for wanted in change.elements where try element(wanted.key, in: change.set)?.value == wanted.value { elements.append(wanted) }
            if !elements.isEmpty { present.append(Change(change.set, elements)) }
        }
        return present
    }

    /// Cuts what came by ports that were withdrawn. None is fine.
    package mutating func cutConnections(_ ports: [PublishedPorts], to addresses: [IPAddress]) throws(NetworkError) {
        let change = Self.changes(ports, addresses).first
        do throws(SystemError) {
            for address in addresses {
                let pairs = ports.filter { $0.address.family == address.family }.flatMap { ports in
                    ports.pairs.map { (ports.transport.number, $0.container) }
                }
                let end = ConnectionEnd(address: address, isTranslated: true, ports: pairs)
                try forgetConnections(end) { (firewall) throws(SystemError) in
                    guard let change, let key = change.elements.first?.key else { return false }
                    return try firewall.has(key, in: change.set)
                }
            }
        } catch {
            throw .system(doing: "cut connections to published ports", error)
        }
    }

    /// Whether a port leads to a container: at that address, or at all of them. One that is about to go does not.
    package mutating func leads(_ ports: PublishedPorts) throws(NetworkError) -> Bool {
        do throws(SystemError) {
            for pair in ports.pairs {
                let transport = [ports.transport.number, 0, 0, 0]
                let isV4 = ports.address.family == .v4
                if try isLed(transport + Self.port(pair.host), by: isV4 ? "anywhere4" : "anywhere6") { return true }
                guard !ports.isAnywhere else { continue }
                if try isLed(transport + ports.address.bytes + Self.port(pair.host), by: isV4 ? "ports4" : "ports6") { return true }
            }
            return false
        } catch {
            throw .system(doing: "look at published ports", error)
        }
    }

    /// A port of this machine, and where it leads.
    package struct Lead {
        package let port: UInt16
        package let target: IPAddress
        fileprivate let change: Change
    }

    /// Every port that leads anywhere, but for those about to go. The table is that of all state directories of this machine.
    package mutating func allLeads() throws(NetworkError) -> [Lead] {
        var leads: [Lead] = []
        do throws(SystemError) {
            let maps: [(StaticString, IPAddress.Family)] = [("ports4", .v4), ("ports6", .v6), ("anywhere4", .v4), ("anywhere6", .v6)]
            for (map, family) in maps {
                for key in try keys(of: map) {
                    guard let element = try element(key, in: map), !element.isRunningOut, let value = element.value, key.count > 7,
                        let target = IPAddress(bytes: Array(value.prefix(family.width / 8)))
                    else { continue }
                    let port = UInt16(key[key.count - 4]) << 8 | UInt16(key[key.count - 3])
                    leads.append(Lead(port: port, target: target, change: Change(map, [element])))
                }
            }
        } catch { throw .system(doing: "look at published ports", error) }
        return leads
    }

    package mutating func remove(_ lead: Lead) throws(NetworkError) {
        do throws(SystemError) { try remove([lead.change]) } catch { throw .system(doing: "take published ports away", error) }
    }

    private mutating func isLed(_ key: [UInt8], by map: StaticString) throws(SystemError) -> Bool {
        try element(key, in: map).map { !$0.isRunningOut } ?? false
    }

    /// Has questions for names that come to a gateway led to a server; with nil they are the gateway's own again.
    package mutating func leadQuestions(at gateway: IPAddress, to server: IPAddress?) throws(NetworkError) {
        do throws(SystemError) {
            let known = try element(gateway.bytes, in: "resolvers")
            guard known?.value != server?.bytes else { return }
            if let known { try remove([Change("resolvers", [known])]) }
            if let server { try add([Change("resolvers", [Element(key: gateway.bytes, value: server.bytes)])]) }
            // Who asks from one socket always would be answered from where the first answer came. The gateway's own server ends with the last
            // container, so nobody is left then who would go on asking there.
            guard known != nil else { return }
            let ports = [Transport.udp, .tcp].map { ($0.number, UInt16(53)) }
            try forgetConnections(ConnectionEnd(address: gateway, isTranslated: false, ports: ports))
        } catch {
            throw .system(doing: "lead questions for names to the host's server", error)
        }
    }

    static func changes(_ ports: [PublishedPorts], _ addresses: [IPAddress]) -> [Change] {
        var elements: (ports4: [Element], ports6: [Element], anywhere4: [Element], anywhere6: [Element]) = ([], [], [], [])
        for ports in ports {
            guard let target = addresses.first(where: { $0.family == ports.address.family })?.bytes else { continue }
            // Parts of a key begin at multiples of four bytes.
            let transport = [ports.transport.number, 0, 0, 0]
            let address = ports.isAnywhere ? [] : ports.address.bytes
            let new = ports.pairs.map { pair in
                Element(key: transport + address + Self.port(pair.host), value: target + Self.port(pair.container))
            }
            switch (ports.address.family, ports.isAnywhere) {
            case (.v4, false): elements.ports4 += new
            case (.v6, false): elements.ports6 += new
            case (.v4, true): elements.anywhere4 += new
            case (.v6, true): elements.anywhere6 += new
            }
        }
        let changes = [
            Change("ports4", elements.ports4), Change("ports6", elements.ports6), Change("anywhere4", elements.anywhere4),
            Change("anywhere6", elements.anywhere6),
        ]
        return changes.filter { !$0.elements.isEmpty }
    }

    private static func port(_ port: UInt16) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff), 0, 0] }
}
