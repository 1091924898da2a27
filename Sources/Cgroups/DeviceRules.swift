// SPDX-License-Identifier: Apache-2.0
package import OCI

/// Which device nodes a container may use: what holds for all, and the rules after it, of which the last that speaks of an access wins.
package struct DeviceRules: Equatable, Sendable {
    package var allowsByDefault: Bool
    package var rules: [Rule]

    package struct Rule: Equatable, Sendable {
        package var allow: Bool
        package var kind: Kind
        /// Nil is every number.
        package var major: UInt32?
        package var minor: UInt32?
        package var access: Access
    }

    package enum Kind: Sendable { case block, character }

    /// With the kernel's bits, `BPF_DEVCG_ACC_*`.
    package struct Access: OptionSet, Sendable {
        package let rawValue: Int32
        package init(rawValue: Int32) { self.rawValue = rawValue }
        package static let makeNode = Access(rawValue: 1)
        package static let read = Access(rawValue: 2)
        package static let write = Access(rawValue: 4)
        package static let all: Access = [.makeNode, .read, .write]
    }

    /// False if they allow all.
    package var restrict: Bool { !allowsByDefault || !rules.isEmpty }

    /// A rule for all devices and every access makes those before it void. Without one, nothing is allowed but what the rules say,
    /// as in runc and crun.
    package init(_ list: [Spec.Resources.DeviceRule]) throws(CgroupError) {
        allowsByDefault = false
        rules = []
        for rule in list {
            let access = try Access(rule.access ?? "rwm")
            let major = try Self.number(rule.major, rule)
            let minor = try Self.number(rule.minor, rule)
            switch rule.type ?? .all {
            case .all where major == nil && minor == nil && access == .all:
                allowsByDefault = rule.allow
                rules = []
            case .all:
                rules.append(Rule(allow: rule.allow, kind: .block, major: major, minor: minor, access: access))
                rules.append(Rule(allow: rule.allow, kind: .character, major: major, minor: minor, access: access))
            case .block: rules.append(Rule(allow: rule.allow, kind: .block, major: major, minor: minor, access: access))
            case .character: rules.append(Rule(allow: rule.allow, kind: .character, major: major, minor: minor, access: access))
            }
        }
    }

    /// −1 is another spelling of "all"; the kernel has 12 bits for a major number and 20 for a minor.
    private static func number(_ value: Int64?, _ rule: Spec.Resources.DeviceRule) throws(CgroupError) -> UInt32? {
        guard let value, value != -1 else { return nil }
        guard (0..<1 << 20).contains(value) else { throw .invalid("device rule", "\(value) is not the number of a device") }
        return UInt32(value)
    }
}

extension DeviceRules.Access {
    fileprivate init(_ letters: String) throws(CgroupError) {
        var access: Self = []
        for letter in letters.utf8 {
            switch letter {
            case UInt8(ascii: "m"): access.insert(.makeNode)
            case UInt8(ascii: "r"): access.insert(.read)
            case UInt8(ascii: "w"): access.insert(.write)
            default: throw .invalid("device rule", "\(letters.debugDescription) is not made of r, w and m")
            }
        }
        self = access.isEmpty ? .all : access
    }

    fileprivate var letters: String {
        (contains(.read) ? "r" : "") + (contains(.write) ? "w" : "") + (contains(.makeNode) ? "m" : "")
    }
}

extension DeviceRules {
    /// What version 1 takes: the default, then exceptions from it. It keeps exceptions as a list from which only equal ones can be
    /// taken back; a rule that cuts into a wider one cannot be said there, and silence would leave the wider one in force.
    package func legacySettings() throws(CgroupError) -> [Setting] {
        var exceptions: [Rule] = []
        for rule in rules {
            if rule.allow == allowsByDefault {
                try withdraw(rule, from: &exceptions)
            } else if let twin = exceptions.firstIndex(where: { $0.names(sameAs: rule) }) {
                exceptions[twin].access.formUnion(rule.access)
            } else {
                exceptions.append(rule)
            }
        }
        let (all, others) = allowsByDefault ? ("devices.allow", "devices.deny") : ("devices.deny", "devices.allow")
        return [Setting(.devices, .v1, all, "a", proof: .none)]
            + exceptions.map { Setting(.devices, .v1, others, $0.text, proof: .none) }
    }

    private func withdraw(_ rule: Rule, from exceptions: inout [Rule]) throws(CgroupError) {
        for index in exceptions.indices where exceptions[index].overlaps(rule) {
            guard rule.covers(exceptions[index]) else {
                throw .invalid("device rule \(rule.text)", "cgroup v1 cannot take it out of \(exceptions[index].text)")
            }
            exceptions[index].access.subtract(rule.access)
        }
        exceptions.removeAll { $0.access.isEmpty }
    }
}

extension DeviceRules.Rule {
    fileprivate func names(sameAs other: Self) -> Bool { kind == other.kind && major == other.major && minor == other.minor }

    fileprivate func covers(_ other: Self) -> Bool {
        kind == other.kind && (major == nil || major == other.major) && (minor == nil || minor == other.minor)
    }

    fileprivate func overlaps(_ other: Self) -> Bool {
        func meet(_ one: UInt32?, _ two: UInt32?) -> Bool { one == nil || two == nil || one == two }
        return kind == other.kind && meet(major, other.major) && meet(minor, other.minor) && !access.isDisjoint(with: other.access)
    }

    /// As the kernel spells it: `c 1:3 rwm`.
    fileprivate var text: String {
        let (major, minor) = (major.map(String.init) ?? "*", minor.map(String.init) ?? "*")
        return "\(kind == .block ? "b" : "c") \(major):\(minor) \(access.letters)"
    }
}
