// SPDX-License-Identifier: Apache-2.0
import JSON
import Network

extension Listing {
    /// docker's column: where ports are to be reached, then those that are only named.
    package var ports: String {
        guard status.isUp, record.published != nil || record.exposed != nil else { return "" }
        let published = record.published ?? []
        let names = (record.exposed ?? []).filter { name in
            guard let exposed = ExposedPorts(name) else { return false }
            return !published.contains { $0.transport == exposed.transport && $0.containerPorts.overlaps(exposed.ports) }
        }
        return (published.map(\.description) + names).joined(separator: ", ")
    }
}

extension Record {
    /// In the shape of docker's API: for each port of the container where it is to be reached.
    func portsDescription(isUp: Bool) -> JSONValue {
        var object = JSONObject()
        for name in exposed ?? [] {
            guard let exposed = ExposedPorts(name) else { continue }
            for port in exposed.ports.first...exposed.ports.last { object["\(port)/\(exposed.transport.rawValue)"] = .null }
        }
        guard isUp else { return .object(JSONObject()) }
        for ports in published ?? [] {
            for pair in ports.pairs {
                let name = "\(pair.container)/\(ports.transport.rawValue)"
                object[name] = .array((object[name]?.array ?? []) + [Self.binding("\(ports.address)", "\(pair.host)")])
            }
        }
        return .object(object)
    }

    /// The same as it was asked for.
    var portBindings: JSONValue {
        var object = JSONObject()
        for request in ports ?? [] {
            for (offset, port) in (request.containerPorts.first...request.containerPorts.last).enumerated() {
                let name = "\(port)/\(request.transport.rawValue)"
                let host = request.hostPorts.map { hosts in
                    request.containerPorts.count == hosts.count ? "\(Int(hosts.first) + offset)" : "\(hosts)"
                }
                let binding = Self.binding(request.address.map { "\($0)" } ?? "", host ?? "")
                object[name] = .array((object[name]?.array ?? []) + [binding])
            }
        }
        return .object(object)
    }

    /// docker's set of ports that a container is known to have.
    var exposedPorts: JSONValue {
        var object = JSONObject()
        for name in exposed ?? [] {
            guard let exposed = ExposedPorts(name) else { continue }
            for port in exposed.ports.first...exposed.ports.last { object["\(port)/\(exposed.transport.rawValue)"] = [:] }
        }
        return .object(object)
    }

    private static func binding(_ address: String, _ port: String) -> JSONValue {
        ["HostIp": .string(address), "HostPort": .string(port)]
    }
}
