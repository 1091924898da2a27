// SPDX-License-Identifier: Apache-2.0
package import JSON

/// What a runtime can do, for engines that ask before they use it (features.md). Absent means unknown, not unsupported.
package struct Features: Equatable, Sendable {
    package var ociVersionMin: String
    package var ociVersionMax: String
    package var hooks: [String]?
    package var mountOptions: [String]?
    package var linux: Linux?
    package var annotations: [String: String]?
    package var potentiallyUnsafeConfigAnnotations: [String]?

    package init(
        ociVersionMin: String, ociVersionMax: String = Spec.version, hooks: [String]? = nil, mountOptions: [String]? = nil,
        linux: Linux? = nil, annotations: [String: String]? = nil, potentiallyUnsafeConfigAnnotations: [String]? = nil
    ) {
        self.ociVersionMin = ociVersionMin
        self.ociVersionMax = ociVersionMax
        self.hooks = hooks
        self.mountOptions = mountOptions
        self.linux = linux
        self.annotations = annotations
        self.potentiallyUnsafeConfigAnnotations = potentiallyUnsafeConfigAnnotations
    }
}

extension Features {
    package struct Linux: Equatable, Sendable {
        package var namespaces: [Spec.Linux.Namespace.Kind]?
        package var capabilities: [String]?
        package var cgroup: Cgroup?
        package var seccomp: Seccomp?
        package var apparmor: Support?
        package var selinux: Support?
        package var intelRdt: IntelRdt?
        package var mountExtensions: MountExtensions?
        package var netDevices: Support?
        package var memoryPolicy: MemoryPolicy?

        package init(
            namespaces: [Spec.Linux.Namespace.Kind]? = nil, capabilities: [String]? = nil, cgroup: Cgroup? = nil,
            seccomp: Seccomp? = nil, apparmor: Support? = nil, selinux: Support? = nil, intelRdt: IntelRdt? = nil,
            mountExtensions: MountExtensions? = nil, netDevices: Support? = nil, memoryPolicy: MemoryPolicy? = nil
        ) {
            self.namespaces = namespaces
            self.capabilities = capabilities
            self.cgroup = cgroup
            self.seccomp = seccomp
            self.apparmor = apparmor
            self.selinux = selinux
            self.intelRdt = intelRdt
            self.mountExtensions = mountExtensions
            self.netDevices = netDevices
            self.memoryPolicy = memoryPolicy
        }
    }

    /// Compiled in, whether or not this host has it.
    package struct Support: Equatable, Sendable {
        package var enabled: Bool?

        package init(enabled: Bool? = nil) {
            self.enabled = enabled
        }
    }

    package struct Cgroup: Equatable, Sendable {
        package var v1: Bool?
        package var v2: Bool?
        package var systemd: Bool?
        package var systemdUser: Bool?
        package var rdma: Bool?

        package init(v1: Bool? = nil, v2: Bool? = nil, systemd: Bool? = nil, systemdUser: Bool? = nil, rdma: Bool? = nil) {
            self.v1 = v1
            self.v2 = v2
            self.systemd = systemd
            self.systemdUser = systemdUser
            self.rdma = rdma
        }
    }

    package struct Seccomp: Equatable, Sendable {
        package var enabled: Bool?
        package var actions: [Spec.Seccomp.Action]?
        package var operators: [Spec.Seccomp.Operator]?
        package var archs: [Spec.Seccomp.Architecture]?
        package var knownFlags: [Spec.Seccomp.Flag]?
        package var supportedFlags: [Spec.Seccomp.Flag]?

        package init(
            enabled: Bool? = nil, actions: [Spec.Seccomp.Action]? = nil, operators: [Spec.Seccomp.Operator]? = nil,
            archs: [Spec.Seccomp.Architecture]? = nil, knownFlags: [Spec.Seccomp.Flag]? = nil, supportedFlags: [Spec.Seccomp.Flag]? = nil
        ) {
            self.enabled = enabled
            self.actions = actions
            self.operators = operators
            self.archs = archs
            self.knownFlags = knownFlags
            self.supportedFlags = supportedFlags
        }
    }

    package struct IntelRdt: Equatable, Sendable {
        package var enabled: Bool?
        package var schemata: Bool?
        package var monitoring: Bool?

        package init(enabled: Bool? = nil, schemata: Bool? = nil, monitoring: Bool? = nil) {
            self.enabled = enabled
            self.schemata = schemata
            self.monitoring = monitoring
        }
    }

    package struct MemoryPolicy: Equatable, Sendable {
        package var modes: [Spec.Linux.MemoryPolicy.Mode]?
        package var flags: [Spec.Linux.MemoryPolicy.Flag]?

        package init(modes: [Spec.Linux.MemoryPolicy.Mode]? = nil, flags: [Spec.Linux.MemoryPolicy.Flag]? = nil) {
            self.modes = modes
            self.flags = flags
        }
    }

    package struct MountExtensions: Equatable, Sendable {
        package var idmap: Support?

        package init(idmap: Support? = nil) {
            self.idmap = idmap
        }
    }
}

// MARK: members

extension Features: JSONRecord {
    package init(_: JSONBlank) { self.init(ociVersionMin: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("ociVersionMin", &ociVersionMin)
        try json("ociVersionMax", &ociVersionMax)
        try json("hooks", &hooks)
        try json("mountOptions", &mountOptions)
        try json("linux", &linux)
        try json("annotations", &annotations)
        try json("potentiallyUnsafeConfigAnnotations", &potentiallyUnsafeConfigAnnotations)
    }
}

extension Features.Linux: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("namespaces", &namespaces)
        try json("capabilities", &capabilities)
        try json("cgroup", &cgroup)
        try json("seccomp", &seccomp)
        try json("apparmor", &apparmor)
        try json("selinux", &selinux)
        try json("intelRdt", &intelRdt)
        try json("mountExtensions", &mountExtensions)
        try json("netDevices", &netDevices)
        try json("memoryPolicy", &memoryPolicy)
    }
}

extension Features.Support: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("enabled", &enabled)
    }
}

extension Features.Cgroup: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("v1", &v1)
        try json("v2", &v2)
        try json("systemd", &systemd)
        try json("systemdUser", &systemdUser)
        try json("rdma", &rdma)
    }
}

extension Features.Seccomp: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("enabled", &enabled)
        try json("actions", &actions)
        try json("operators", &operators)
        try json("archs", &archs)
        try json("knownFlags", &knownFlags)
        try json("supportedFlags", &supportedFlags)
    }
}

extension Features.IntelRdt: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("enabled", &enabled)
        try json("schemata", &schemata)
        try json("monitoring", &monitoring)
    }
}

extension Features.MemoryPolicy: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("modes", &modes)
        try json("flags", &flags)
    }
}

extension Features.MountExtensions: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("idmap", &idmap)
    }
}
