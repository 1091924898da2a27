// SPDX-License-Identifier: Apache-2.0
import Linux

extension Firewall {
    /// Whether our rules are there as they should be, and know a bridge. Another program may have flushed all rules, as
    /// `systemctl restart nftables` does.
    package mutating func knows(_ network: NetworkDefinition) throws(NetworkError) -> Bool {
        guard try isInstalled() else { return false }
        do throws(SystemError) { return try has(Self.name(network.device), in: "bridges") } catch {
            throw .system(doing: "look at minictl's firewall rules", error)
        }
    }

    /// Whether our rules are there, and not those of another version.
    package mutating func isInstalled() throws(NetworkError) -> Bool {
        let version = withUnsafeBytes(of: Self.version) { Array($0) }
        do throws(SystemError) { return try has(version, in: "version") } catch {
            throw .system(doing: "look at minictl's firewall rules", error)
        }
    }

    /// Sets the rules anew, in place of what was there of ours; nothing is known of any network then.
    package func install() throws(NetworkError) {
        if let complaint = try Self.complaint(of: ["-f", "-"], "\(Self.rules)") {
            throw .refused("nft cannot set minictl's firewall rules: \(complaint)")
        }
    }

    /// What `nft(8)` says against a script; nil for nothing.
    static func complaint(of arguments: [String], _ script: String) throws(NetworkError) -> String? {
        guard let nft = HostProgram("nft") else {
            throw .refused("there is no nft on this machine, which networks need; install nftables, or use --network none or host")
        }
        let result: (end: Termination, output: [UInt8], error: [UInt8])
        do throws(SystemError) { result = try nft.output(arguments, input: Array(script.utf8)) } catch {
            throw .system(doing: "run nft", error)
        }
        guard result.end != .exited(0) else { return nil }
        let complaint = String(decoding: result.error, as: UTF8.self)
        return complaint.split(separator: "\n").first.map(String.init) ?? "it ended with status \(result.end.exitCode)"
    }

    /// Lets a network's traffic through, as far as the network's kind has it. Known already is fine.
    package mutating func add(_ network: NetworkDefinition) throws(NetworkError) {
        do throws(SystemError) { try add(network.firewallElements) } catch {
            throw .system(doing: "make firewall rules for the network \(network.name)", error)
        }
    }

    /// Takes away what was there for a network.
    package mutating func remove(_ network: NetworkDefinition) throws(NetworkError) {
        do throws(SystemError) {
            if try has(Self.name(network.device), in: "bridges") { try remove(network.firewallElements) }
        } catch {
            throw .system(doing: "remove the firewall rules of the network \(network.name)", error)
        }
    }

    /// Takes everything of ours away if no bridge is left, of whatever state directory: the table, and the forwarding that we turned on.
    package mutating func removeIfUnused() throws(NetworkError) {
        do throws(SystemError) {
            guard try keys(of: "bridges").isEmpty else { return }
            try Forwarding.restore(on: links(in: "uplinks"), links(in: "uplinks6"))
            guard let nft = HostProgram("nft"), try has(withUnsafeBytes(of: Self.version) { Array($0) }, in: "version") else { return }
            _ = try nft.output(["delete table inet minictl"])
        } catch {
            throw .system(doing: "remove minictl's firewall rules", error)
        }
    }

    private mutating func links(in set: StaticString) throws(SystemError) -> [String] {
        try keys(of: set).map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// A link's name as sets have it: 16 bytes, as `IFNAMSIZ`.
    static func name(_ device: String) -> [UInt8] {
        let bytes = Array(device.utf8.prefix(15))
        return bytes + [UInt8](repeating: 0, count: 16 - bytes.count)
    }
}

extension NetworkDefinition {
    fileprivate var firewallElements: [Firewall.Change] {
        let name = Firewall.name(device)
        var changes = [
            Firewall.Change("bridges", [Firewall.Element(key: name)]), Firewall.Change("origins", [Firewall.Element(key: name)]),
            Firewall.Change("within", [Firewall.Element(key: name + name)]),
        ]
        if !isInternal { changes.append(Firewall.Change("outward", [Firewall.Element(key: name)])) }
        if offloadsPorts { changes.append(Firewall.Change("offloaded", [Firewall.Element(key: name)])) }
        if !translates { changes.append(Firewall.Change("routed", [Firewall.Element(key: name)])) }
        if connectsContainers { changes.append(Firewall.Change("together", [Firewall.Element(key: name + name)])) }
        for gateway in ranges.compactMap(\.gateway) {
            changes.append(Firewall.Change(gateway.family == .v4 ? "gateways4" : "gateways6", [Firewall.Element(key: gateway.bytes)]))
        }
        return changes
    }
}
