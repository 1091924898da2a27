// SPDX-License-Identifier: Apache-2.0
import JSON
import Network

extension Record {
    /// docker's column for one that runs: where ports are to be reached, then those that are only named.
    var portsText: String {
        guard published != nil || exposed != nil else { return "" }
        let published = published ?? []
        let names = (exposed ?? []).filter { name in
            guard let exposed = ExposedPorts(name) else { return false }
            return !published.contains { $0.transport == exposed.transport && $0.containerPorts.overlaps(exposed.ports) }
        }
        return (published.map(\.description) + names).joined(separator: ", ")
    }
}

extension Record {
    /// In the shape of docker's API: for each port of the container where it is to be reached.
    func portsDescription(isUp: Bool) -> JSONValue {
        guard isUp else { return [:] }
        var table = PortTable()
        for port in exposedPortNames { table.change(port) { _ in .null } }
        for ports in published ?? [] {
            for pair in ports.pairs {
                table.add(Self.binding("\(ports.address)", "\(pair.host)"), to: "\(pair.container)/\(ports.transport.rawValue)")
            }
        }
        return table.value
    }

    /// The same as it was asked for.
    var portBindings: JSONValue {
        var table = PortTable()
        for request in ports ?? [] {
            for (offset, port) in (request.containerPorts.first...request.containerPorts.last).enumerated() {
                let host = request.hostPorts.map { hosts in
                    request.containerPorts.count == hosts.count ? "\(Int(hosts.first) + offset)" : "\(hosts)"
                }
                let binding = Self.binding(request.address.map { "\($0)" } ?? "", host ?? "")
                table.add(binding, to: "\(port)/\(request.transport.rawValue)")
            }
        }
        return table.value
    }

    /// docker's set of ports that a container is known to have.
    var exposedPorts: JSONValue {
        var table = PortTable()
        for port in exposedPortNames { table.change(port) { _ in [:] } }
        return table.value
    }

    private var exposedPortNames: [String] {
        (exposed ?? []).compactMap { ExposedPorts($0) }.flatMap { exposed in
            (exposed.ports.first...exposed.ports.last).map { "\($0)/\(exposed.transport.rawValue)" }
        }
    }

    private static func binding(_ address: String, _ port: String) -> JSONValue {
        ["HostIp": .string(address), "HostPort": .string(port)]
    }
}

/// What belongs to each port, in the order in which they come. There may be 65535, and none is looked for among all before it.
private struct PortTable {
    private var members: [(name: String, value: JSONValue)] = []
    private var places: [String: Int] = [:]

    var value: JSONValue { .object(JSONObject(distinct: members)) }

    mutating func change(_ name: String, _ new: (JSONValue?) -> JSONValue) {
        if let place = places[name] {
            members[place].value = new(members[place].value)
        } else {
            places[name] = members.count
            members.append((name, new(nil)))
        }
    }

    mutating func add(_ binding: JSONValue, to name: String) { change(name) { .array(($0?.array ?? []) + [binding]) } }
}
