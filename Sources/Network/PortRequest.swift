// SPDX-License-Identifier: Apache-2.0
package import JSON

/// One `-p`: ports of a container that are to be reached at an address of this machine.
package struct PortRequest: Hashable, Sendable {
    /// Nil is the default address.
    package let address: IPAddress?
    /// As many as the container's; or where that is a single one, those of which a free one is taken. Nil takes any that is free.
    package let hostPorts: PortRange?
    package let containerPorts: PortRange
    package let transport: Transport

    /// Why a text is none, in one sentence.
    package struct Invalid: Error, CustomStringConvertible {
        package let description: String
    }

    /// Any free port for each of these.
    package init(_ exposed: ExposedPorts) {
        address = nil
        hostPorts = nil
        containerPorts = exposed.ports
        transport = exposed.transport
    }

    /// Reads docker's `[[ADDRESS:]PORT:]PORT[/PROTOCOL]`, with ranges, IPv6 addresses in brackets, and `target=80,published=8080`.
    package init(_ text: String) throws(Invalid) {
        guard text.utf8.count <= 256 else { throw Invalid(description: "what is to be published is longer than any port") }
        if text.utf8.contains(UInt8(ascii: "=")) {
            try self.init(fields: text)
            return
        }
        let slash = text.lastIndex(of: "/")
        try self.init(ports: text[..<(slash ?? text.endIndex)], protocol: slash.map { text[text.index(after: $0)...] }, in: text)
    }

    private init(ports text: Substring, protocol word: Substring?, in whole: String) throws(Invalid) {
        let malformed = Invalid(description: "'\(whole)' is not [[ADDRESS:]PORT:]PORT[/PROTOCOL]")
        // From the right: only an address has colons of its own, and then it is in brackets.
        var parts: [Substring] = []
        var rest = text
        while parts.count < 2, let colon = rest.lastIndex(of: ":") {
            parts.insert(rest[rest.index(after: colon)...], at: 0)
            rest = rest[..<colon]
        }
        parts.insert(rest, at: 0)
        guard let container = parts.last, !container.isEmpty else { throw malformed }
        let host = parts.count > 1 ? parts[parts.count - 2] : ""
        try self.init(
            address: parts.count == 3 ? Self.address(parts[0], in: whole) : nil, host: host, container: container, protocol: word ?? "tcp",
            in: whole)
    }

    private init(address: IPAddress?, host: Substring, container: Substring, protocol word: Substring, in whole: String) throws(Invalid) {
        guard let transport = Transport(rawValue: word.lowercased()) else {
            throw Invalid(description: "'\(word)' in '\(whole)' is no protocol with ports, known are tcp, udp and sctp")
        }
        guard let containerPorts = PortRange(container) else {
            throw Invalid(description: "'\(container)' in '\(whole)' is no port from 1 to 65535, or range of them, of a container")
        }
        var hostPorts: PortRange?
        // docker's: no port, or port 0, is any.
        if !host.isEmpty, host != "0" {
            guard let ports = PortRange(host) else {
                throw Invalid(description: "'\(host)' in '\(whole)' is no port from 1 to 65535, or range of them, of this machine")
            }
            guard containerPorts.count == 1 || containerPorts.count == ports.count else {
                throw Invalid(
                    description: "'\(whole)' has \(ports.count) ports of this machine for \(containerPorts.count) of the container")
            }
            hostPorts = ports
        }
        self.address = address
        self.hostPorts = hostPorts
        self.containerPorts = containerPorts
        self.transport = transport
    }

    private static func address(_ text: Substring, in whole: String) throws(Invalid) -> IPAddress? {
        if text.isEmpty { return nil }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.utf8.count > 2
        let address = IPAddress(isBracketed ? text.dropFirst().dropLast() : text)
        guard let address, isBracketed == (address.family == .v6) else {
            throw Invalid(description: "'\(text)' in '\(whole)' is no address; one of IPv6 stands in brackets, [::1]:8080:80")
        }
        return address
    }

    private init(fields text: String) throws(Invalid) {
        var host: Substring = ""
        var container: Substring = ""
        var word: Substring = "tcp"
        var address: IPAddress?
        for field in text.split(separator: ",") {
            let equals = field.firstIndex(of: "=") ?? field.endIndex
            let value = field[equals...].dropFirst()
            switch field[..<equals] {
            case "target": container = value
            case "published": host = value
            case "protocol": word = value
            case "host_ip": address = try Self.address(value.contains(":") ? "[\(value)]" : value, in: text)
            case "mode", "name", "app_protocol": break
            default:
                throw Invalid(description: "unknown key in '\(field)', known are target, published, protocol and host_ip")
            }
        }
        try self.init(address: address, host: host, container: container, protocol: word, in: text)
    }
}

extension PortRequest: CustomStringConvertible {
    /// As `init` reads it.
    package var description: String {
        let host = hostPorts.map { "\($0)" } ?? ""
        let address = address.map { $0.family == .v6 ? "[\($0)]:" : "\($0):" } ?? ""
        return "\(address)\(host.isEmpty && address.isEmpty ? "" : "\(host):")\(containerPorts)/\(transport.rawValue)"
    }
}

extension PortRequest: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        do throws(Invalid) { try self.init(text) } catch { throw .mismatch(path: json.path, reason: error.description) }
    }

    package func write(to text: inout JSONText) { text.string(description) }
}
