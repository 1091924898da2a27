// SPDX-License-Identifier: Apache-2.0
import JSON
import Network

extension Home {
    /// In the shape of docker's API, with the containers that are on it now.
    func description(of network: NetworkDefinition) throws(EngineError) -> JSONValue {
        var containers: [(String, JSONValue)] = []
        for listing in try listings() where listing.status.isUp {
            guard let endpoint = listing.record.endpoints?.first(where: { $0.networkID == network.id }) else { continue }
            let place: JSONValue = [
                "Name": .string(listing.record.name),
                "EndpointID": .string(endpoint.link ?? "\(listing.record.id.prefix(12))-\(endpoint.device ?? "")"),
                "MacAddress": .string(endpoint.mac?.description ?? ""),
                "IPv4Address": .string(endpoint.address?.description ?? ""),
                "IPv6Address": .string(endpoint.address6?.description ?? ""),
            ]
            containers.append((listing.record.id, place))
        }
        var options = network.options ?? [:]
        if network.driver == .bridge { options["com.docker.network.bridge.name"] = network.device }
        return [
            "Name": .string(network.name),
            "Id": .string(network.id),
            "Created": .string(network.created),
            "Scope": "local",
            "Driver": .string(network.driver.rawValue),
            "EnableIPv4": .bool(network.range(.v4) != nil),
            "EnableIPv6": .bool(network.hasIPv6),
            "IPAM": ["Driver": "default", "Options": .null, "Config": .array(network.ranges.map(\.description))],
            "Internal": .bool(network.isInternal),
            "Attachable": false,
            "Ingress": false,
            "ConfigFrom": ["Network": ""],
            "ConfigOnly": false,
            "Containers": .object(JSONObject(distinct: containers)),
            "Options": .texts(options),
            "Labels": .texts(network.labels ?? [:]),
        ]
    }
}

extension AddressRange {
    fileprivate var description: JSONValue {
        var object: JSONObject = ["Subnet": .string(subnet.description)]
        if let allocation { object["IPRange"] = .string(allocation.description) }
        if let gateway { object["Gateway"] = .string(gateway.description) }
        if let reserved { object["AuxiliaryAddresses"] = .texts(reserved.mapValues(\.description)) }
        return .object(object)
    }
}
