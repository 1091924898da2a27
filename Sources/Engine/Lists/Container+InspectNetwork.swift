// SPDX-License-Identifier: Apache-2.0
import JSON
import Network

extension Container {
    /// In the shape of docker's API. A container that does not run has no addresses.
    func networkSettings(isUp: Bool) -> JSONValue {
        let endpoints = record.endpoints ?? []
        var settings: JSONObject = ["SandboxID": .string(record.id), "Ports": record.portsDescription(isUp: isUp)]
        if isUp, let pid = record.start?.pid { settings["SandboxKey"] = .string("/proc/\(pid)/ns/net") }
        // As it was before there could be several: those of the default network.
        let main = endpoints.first { $0.network == NetworkDefinition.defaultName } ?? Endpoint(network: "")
        for (name, value) in main.facts(isUp: isUp, of: record.id) { settings[name] = value }
        var networks = JSONObject()
        for endpoint in endpoints {
            networks[endpoint.network] = .object(endpoint.description(isUp: isUp, of: record))
        }
        if record.endpoints == nil, !record.network.hasPrefix("container:") {
            networks[record.network] = .object(Endpoint(network: record.network).description(isUp: false, of: record))
        }
        settings["Networks"] = .object(networks)
        return .object(settings)
    }
}

extension Endpoint {
    /// docker's name for the option that holds kernel parameters of an interface.
    package static let parametersOption = "com.docker.network.endpoint.sysctls"

    /// As docker has them: `net.ipv4.conf.IFNAME.log_martians=1`, with commas between them.
    package static func words(_ parameters: [String: String]) -> String {
        parameters.sorted { $0.key < $1.key }.map { "net." + $0.key.split(separator: "/").joined(separator: ".") + "=\($0.value)" }
            .joined(separator: ",")
    }

    fileprivate func description(isUp: Bool, of record: Record) -> JSONObject {
        var wish = JSONObject()
        if let wantedAddress { wish["IPv4Address"] = .string(wantedAddress.description) }
        if let wantedAddress6 { wish["IPv6Address"] = .string(wantedAddress6.description) }
        if let linkLocal { wish["LinkLocalIPs"] = .texts(linkLocal.map(\.description)) }
        var names = aliases ?? []
        if networkID != nil { names.append(ContainerID.short(record.id)) }
        var object: JSONObject = [
            "IPAMConfig": wish.members.isEmpty ? .null : .object(wish),
            "Links": .null,
            "Aliases": names.isEmpty ? .null : .texts(names),
            "NetworkID": .string(networkID ?? ""),
        ]
        for (name, value) in facts(isUp: isUp, of: record.id) { object[name] = value }
        object["GwPriority"] = .int(Int64(priority ?? 0))
        object["DriverOpts"] = parameters.map { [Self.parametersOption: .string(Self.words($0))] } ?? .null
        return object
    }

    /// What docker shows twice: for each network, and of the default one at the top.
    fileprivate func facts(isUp: Bool, of id: String) -> [(String, JSONValue)] {
        let known = isUp ? self : wish
        return [
            ("EndpointID", .string(isUp ? link ?? device.map { "\(id.prefix(12))-\($0)" } ?? "" : "")),
            ("Gateway", .string(known.gateway?.description ?? "")),
            ("IPAddress", .string(known.address?.address.description ?? "")),
            ("IPPrefixLen", .int(Int64(known.address?.subnet.prefix ?? 0))),
            ("IPv6Gateway", .string(known.gateway6?.description ?? "")),
            ("GlobalIPv6Address", .string(known.address6?.address.description ?? "")),
            ("GlobalIPv6PrefixLen", .int(Int64(known.address6?.subnet.prefix ?? 0))),
            ("MacAddress", .string(known.mac?.description ?? "")),
        ]
    }
}
