// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Network
import OCI

/// The conditions of `ps --filter`. Those of one kind are alternatives, except labels; those of different kinds must all hold.
package struct ContainerFilter: ~Copyable {
    private var ids: [String] = []
    private var names: [Pattern] = []
    private var labels: [LabelCondition] = []
    private var states: [String] = []
    private var codes: [Int32] = []
    private var ancestors: [String] = []
    private var before: [String] = []
    private var since: [String] = []
    private var volumes: [String] = []
    private var networks: [String] = []
    private var health: [String] = []
    private var policies: [String] = []
    private var boots: [Bool] = []
    private var published: [ExposedPorts] = []
    private var exposed: [ExposedPorts] = []
    /// Without a condition everything is chosen.
    package private(set) var isEmpty = true

    private static let keys = [
        "id", "name", "label", "status", "exited", "ancestor", "before", "since", "volume", "network", "health", "publish", "expose",
        "restart-policy", "should-start-on-boot",
    ]
    private static let conditions = ["starting", "healthy", "unhealthy", "none"]
    private static let states = ["created", "running", "paused", "exited", "restarting", "removing", "dead"]

    package init() {}

    /// Whether containers that do not run are looked at although nobody asked for all.
    package var wantsAll: Bool { !states.isEmpty || !codes.isEmpty || !before.isEmpty || !since.isEmpty }

    /// Takes one more condition, `KEY=VALUE`.
    package mutating func add(_ text: String) throws(EngineError) {
        isEmpty = false
        let word = try FilterWord(text)
        let value = word.value
        switch word.key {
        case "id": ids.append(value)
        case "name": names.append(try Pattern(value))
        case "label": labels.append(LabelCondition(value))
        case "status":
            guard Self.states.contains(value) else {
                throw .refused("the filter status=\(value) is none of \(Self.states.joined(separator: ", "))")
            }
            states.append(value)
        case "exited":
            guard let code = Int32(value) else { throw .refused("the filter exited=\(value) is no exit code") }
            codes.append(code)
        case "ancestor": ancestors.append(value)
        case "before": before.append(value)
        case "since": since.append(value)
        case "volume": volumes.append(value)
        case "network": networks.append(value)
        case "publish": published.append(try Self.ports(value))
        case "expose": exposed.append(try Self.ports(value))
        case "health":
            guard Self.conditions.contains(value) else {
                throw .refused("the filter health=\(value) is none of \(Self.conditions.joined(separator: ", "))")
            }
            health.append(value)
        case "restart-policy":
            guard (try? RestartPolicy(value)) != nil else { throw .refused("the filter restart-policy=\(value) is no restart policy") }
            policies.append(value)
        case "should-start-on-boot":
            guard value == "true" || value == "false" else {
                throw .refused("the filter should-start-on-boot=\(value) is neither true nor false")
            }
            boots.append(value == "true")
        case let key: throw .refused("there is no filter '\(key)'; there are \(Self.keys.joined(separator: ", "))")
        }
    }

    private static func ports(_ text: String) throws(EngineError) -> ExposedPorts {
        guard let ports = ExposedPorts(text) else { throw .refused("'\(text)' in a filter is not PORT[-PORT][/PROTOCOL]") }
        return ports
    }

    /// Those of `listings` for which every condition holds.
    package func chosen(from listings: [Listing], in home: borrowing Home) throws(EngineError) -> [Listing] {
        if isEmpty { return listings }
        var floor = ""
        var ceiling: String?
        for word in since { floor = max(floor, try home.container(named: word).record.created) }
        for word in before {
            let created = try home.container(named: word).record.created
            ceiling = min(ceiling ?? created, created)
        }
        let images = try ancestors.map { (word) throws(EngineError) in try Ancestor(word, in: home) }
        return listings.filter { listing in
            let record = listing.record
            guard record.created > floor, ceiling.map({ record.created < $0 }) ?? true else { return false }
            return holds(for: listing) && (images.isEmpty || images.contains { $0.isBelow(record) })
        }
    }

    private func holds(for listing: Listing) -> Bool {
        let record = listing.record
        func any<Value>(_ values: [Value], _ test: (Value) -> Bool) -> Bool { values.isEmpty || values.contains(where: test) }
        return any(ids) { record.id.hasPrefix($0) }
            && any(names) { $0.matches(record.name) || $0.matches("/" + record.name) }
            && any(states) { listing.status.word == $0 }
            && any(codes) { listing.status == .exited($0) }
            && any(networks) { network in
                record.networks.contains(network)
                    || (record.endpoints ?? []).contains { !network.isEmpty && $0.networkID?.hasPrefix(network) == true }
            }
            && any(health) { (listing.health?.status ?? "none") == $0 }
            && any(published, record.publishes)
            && any(exposed) { record.publishes($0) || record.exposes($0) }
            && any(policies) { (record.restart?.name ?? "no") == $0 }
            && any(boots) { record.startsAtBoot == $0 }
            && any(volumes) { volume in
                (record.mounts ?? []).contains { $0.name == volume || $0.destination == volume || $0.source == volume }
            }
            && labels.allSatisfy { $0.holds(for: record.labels) }
    }
}

extension Record {
    /// Whether one of these ports of the container's is to be reached from outside.
    fileprivate func publishes(_ wanted: ExposedPorts) -> Bool {
        (ports ?? []).contains { $0.transport == wanted.transport && $0.containerPorts.overlaps(wanted.ports) }
            || (published ?? []).contains { $0.transport == wanted.transport && $0.containerPorts.overlaps(wanted.ports) }
    }

    fileprivate func exposes(_ wanted: ExposedPorts) -> Bool {
        (exposed ?? []).compactMap { ExposedPorts($0) }.contains { $0.transport == wanted.transport && $0.ports.overlaps(wanted.ports) }
    }

    /// docker's rule: `always` whatever happened to it, `unless-stopped` unless somebody stopped it.
    var startsAtBoot: Bool { restart?.name == "always" || (restart?.name == "unless-stopped" && stoppedByHand != true) }
}

/// An image as the ancestor of containers: they run on its layers, perhaps with others above them.
private struct Ancestor {
    let name: String
    let layers: [String]?

    init(_ name: String, in home: borrowing Home) throws(EngineError) {
        self.name = name
        let store = try home.images()
        do throws(ImageError) {
            layers = try store.image(named: name).layers.map(\.hex)
        } catch {
            // The image may be gone while its containers are not.
            layers = nil
        }
    }

    func isBelow(_ record: Record) -> Bool {
        if record.image == name { return true }
        guard let layers, !layers.isEmpty, let theirs = record.layers else { return false }
        return theirs.starts(with: layers)
    }
}

/// An extended regular expression (`regex(7)`), as docker's name filter takes one.
private final class Pattern {
    private var compiled = regex_t()

    init(_ text: String) throws(EngineError) {
        guard !text.utf8.contains(0), regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) == 0 else {
            throw .refused("the filter name=\(text) is no regular expression")
        }
    }

    deinit { regfree(&compiled) }

    func matches(_ text: String) -> Bool { regexec(&compiled, text, 0, nil, 0) == 0 }
}
