// SPDX-License-Identifier: Apache-2.0
package import JSON

/// A network as it was made: the file `containers/.networks/NAME.json`. What is there of it in the kernel is looked at each time anew.
package struct NetworkDefinition: Equatable, Sendable {
    package enum Driver: String, Sendable {
        case bridge, macvlan, host
        /// docker's word for a loopback and nothing else.
        case none = "null"
    }

    package var name = ""
    /// 64 hexadecimal digits.
    package var id = ""
    package var driver = Driver.bridge
    /// RFC 3339.
    package var created = ""
    /// At most one for each family.
    package var ranges: [AddressRange] = []
    /// Without a way out: no gateway, no route but to each other.
    package var isInternal = false
    /// The bridge's name in the kernel; with macvlan that of the device it shares.
    package var device = ""
    package var options: [String: String]?
    package var labels: [String: String]?

    package init() {}

    package static let defaultName = "bridge"

    package var isDefault: Bool { name == Self.defaultName }

    /// The three that are there without anybody having made them.
    package static func isPredefined(_ name: String) -> Bool { name == defaultName || name == "host" || name == "none" }

    package func range(_ family: IPAddress.Family) -> AddressRange? { ranges.first { $0.subnet.family == family } }

    package var hasIPv6: Bool { range(.v6) != nil }

    /// docker's words for two things that a bridge does unless it is told not to.
    package static let connectingOption = "com.docker.network.bridge.enable_icc"
    package static let translatingOption = "com.docker.network.bridge.enable_ip_masquerade"

    /// Our own word for what is passed on without rules (see `Firewall.offload`).
    package static let offloadOption = "com.minictl.offload"

    package var offloadsPorts: Bool { options?[Self.offloadOption].flatMap(Bool.init(option:)) == true && !isInternal }

    /// Whether its containers reach each other.
    package var connectsContainers: Bool { options?[Self.connectingOption].flatMap(Bool.init(option:)) ?? true }

    /// Whether what leaves it gets the address of the machine.
    package var translates: Bool { options?[Self.translatingOption].flatMap(Bool.init(option:)) ?? true }
}

extension Bool {
    /// As docker reads the value of an option of a driver.
    package init?(option text: String) {
        switch text {
        case "true", "1", "t", "T", "TRUE", "True": self = true
        case "false", "0", "f", "F", "FALSE", "False": self = false
        default: return nil
        }
    }
}

/// One subnet of a network.
package struct AddressRange: Equatable, Sendable {
    package var subnet: Subnet
    /// The bridge's own address, where the network has a way out or the host is to be reached.
    package var gateway: IPAddress?
    /// From which part of the subnet containers get theirs; nil for all of it.
    package var allocation: Subnet?
    /// Addresses that others on the wire have, by names for people; no container gets one.
    package var reserved: [String: IPAddress]?

    package init(subnet: Subnet, gateway: IPAddress? = nil, allocation: Subnet? = nil) {
        self.subnet = subnet
        self.gateway = gateway
        self.allocation = allocation
    }

    /// The gateway as the bridge has it.
    package var gatewayAddress: InterfaceAddress? { gateway.flatMap { InterfaceAddress($0, prefix: subnet.prefix) } }
}

extension NetworkDefinition: JSONRecord {
    package init(_ blank: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("name", &name)
        try json("id", &id)
        try json("driver", &driver)
        try json("created", &created)
        try json("ranges", &ranges)
        try json("internal", &isInternal)
        try json("device", &device)
        try json("options", &options)
        try json("labels", &labels)
    }
}

extension NetworkDefinition.Driver: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let word = try String(json: json)
        guard let driver = Self(rawValue: word) else {
            throw .mismatch(path: json.path, reason: "expected a network driver, found \(word)")
        }
        self = driver
    }

    package func write(to text: inout JSONText) { text.string(rawValue) }
}

extension AddressRange: JSONRecord {
    package init(_ blank: JSONBlank) { subnet = Subnet.everything }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("subnet", &subnet)
        try json("gateway", &gateway)
        try json("allocation", &allocation)
        try json("reserved", &reserved)
    }
}
