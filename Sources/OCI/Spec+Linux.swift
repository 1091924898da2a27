// SPDX-License-Identifier: Apache-2.0

extension Spec {
    /// What only Linux has (config-linux.md).
    package struct Linux: Equatable, Sendable {
        package var namespaces: [Namespace]?
        package var uidMappings: [IDMapping]?
        package var gidMappings: [IDMapping]?
        /// By clock: `monotonic` or `boottime`.
        package var timeOffsets: [String: TimeOffset]?
        package var devices: [Device]?
        /// By the interface's name on the host.
        package var netDevices: [String: NetDevice]?
        package var cgroupsPath: String?
        package var resources: Resources?
        package var rootfsPropagation: Propagation?
        package var seccomp: Seccomp?
        package var sysctl: [String: String]?
        package var maskedPaths: [String]?
        package var readonlyPaths: [String]?
        package var mountLabel: String?
        package var personality: Personality?
        package var intelRdt: IntelRdt?
        package var memoryPolicy: MemoryPolicy?

        package init(
            namespaces: [Namespace]? = nil, uidMappings: [IDMapping]? = nil, gidMappings: [IDMapping]? = nil,
            timeOffsets: [String: TimeOffset]? = nil, devices: [Device]? = nil, netDevices: [String: NetDevice]? = nil,
            cgroupsPath: String? = nil, resources: Resources? = nil, rootfsPropagation: Propagation? = nil, seccomp: Seccomp? = nil,
            sysctl: [String: String]? = nil, maskedPaths: [String]? = nil, readonlyPaths: [String]? = nil, mountLabel: String? = nil,
            personality: Personality? = nil, intelRdt: IntelRdt? = nil, memoryPolicy: MemoryPolicy? = nil
        ) {
            self.namespaces = namespaces
            self.uidMappings = uidMappings
            self.gidMappings = gidMappings
            self.timeOffsets = timeOffsets
            self.devices = devices
            self.netDevices = netDevices
            self.cgroupsPath = cgroupsPath
            self.resources = resources
            self.rootfsPropagation = rootfsPropagation
            self.seccomp = seccomp
            self.sysctl = sysctl
            self.maskedPaths = maskedPaths
            self.readonlyPaths = readonlyPaths
            self.mountLabel = mountLabel
            self.personality = personality
            self.intelRdt = intelRdt
            self.memoryPolicy = memoryPolicy
        }
    }
}

extension Spec.Linux {
    /// A namespace to create, or with a path one to join.
    package struct Namespace: Equatable, Sendable {
        package var type: Kind
        package var path: String?

        package init(type: Kind, path: String? = nil) {
            self.type = type
            self.path = path
        }

        package enum Kind: String, Vocabulary {
            case pid, network, mount, ipc, uts, user, cgroup, time

            package static var noun: String { "namespace type" }
        }
    }

    /// What a clock of a time namespace is ahead of the host's.
    package struct TimeOffset: Equatable, Sendable {
        package var secs: Int64?
        package var nanosecs: UInt32?

        package init(secs: Int64? = nil, nanosecs: UInt32? = nil) {
            self.secs = secs
            self.nanosecs = nanosecs
        }
    }

    /// A device node to make inside the container.
    package struct Device: Equatable, Sendable {
        package var path: String
        package var type: Kind
        package var major: Int64?
        package var minor: Int64?
        package var fileMode: UInt32?
        package var uid: UInt32?
        package var gid: UInt32?

        package init(
            path: String, type: Kind, major: Int64? = nil, minor: Int64? = nil, fileMode: UInt32? = nil, uid: UInt32? = nil,
            gid: UInt32? = nil
        ) {
            self.path = path
            self.type = type
            self.major = major
            self.minor = minor
            self.fileMode = fileMode
            self.uid = uid
            self.gid = gid
        }

        package enum Kind: String, Vocabulary {
            case character = "c"
            case block = "b"
            case unbuffered = "u"
            case fifo = "p"

            package static var noun: String { "device type" }
        }
    }

    /// A network interface to move into the container, under `name` if it has one.
    package struct NetDevice: Equatable, Sendable {
        package var name: String?

        package init(name: String? = nil) {
            self.name = name
        }
    }

    /// The arguments of set_mempolicy(2); the nodes as `0-3,7`. Since version 1.3 of the spec.
    package struct MemoryPolicy: Equatable, Sendable {
        package var mode: Mode
        package var nodes: String?
        package var flags: [Flag]?

        package init(mode: Mode, nodes: String? = nil, flags: [Flag]? = nil) {
            self.mode = mode
            self.nodes = nodes
            self.flags = flags
        }

        package enum Mode: String, Vocabulary {
            case `default` = "MPOL_DEFAULT"
            case preferred = "MPOL_PREFERRED"
            case bind = "MPOL_BIND"
            case interleave = "MPOL_INTERLEAVE"
            case local = "MPOL_LOCAL"
            case preferredMany = "MPOL_PREFERRED_MANY"
            case weightedInterleave = "MPOL_WEIGHTED_INTERLEAVE"

            package static var noun: String { "memory policy" }
        }

        package enum Flag: String, Vocabulary {
            case numaBalancing = "MPOL_F_NUMA_BALANCING"
            case relativeNodes = "MPOL_F_RELATIVE_NODES"
            case staticNodes = "MPOL_F_STATIC_NODES"

            package static var noun: String { "memory policy flag" }
        }
    }

    /// The propagation of the root mount; `r` in front means all mounts below as well.
    package enum Propagation: String, Vocabulary {
        case shared, slave, `private`, unbindable, rshared, rslave, rprivate, runbindable

        package static var noun: String { "mount propagation" }
    }

    /// The argument of personality(2). No flags are defined.
    package struct Personality: Equatable, Sendable {
        package var domain: Domain
        package var flags: [String]?

        package init(domain: Domain, flags: [String]? = nil) {
            self.domain = domain
            self.flags = flags
        }

        package enum Domain: String, Vocabulary {
            case linux = "LINUX"
            case linux32 = "LINUX32"

            package static var noun: String { "personality" }
        }
    }

    /// Intel's cache and memory bandwidth allocation (resctrl).
    package struct IntelRdt: Equatable, Sendable {
        package var closID: String?
        package var schemata: [String]?
        package var l3CacheSchema: String?
        package var memBwSchema: String?
        package var enableCMT: Bool?
        package var enableMBM: Bool?
        package var enableMonitoring: Bool?

        package init(
            closID: String? = nil, schemata: [String]? = nil, l3CacheSchema: String? = nil, memBwSchema: String? = nil,
            enableCMT: Bool? = nil, enableMBM: Bool? = nil, enableMonitoring: Bool? = nil
        ) {
            self.closID = closID
            self.schemata = schemata
            self.l3CacheSchema = l3CacheSchema
            self.memBwSchema = memBwSchema
            self.enableCMT = enableCMT
            self.enableMBM = enableMBM
            self.enableMonitoring = enableMonitoring
        }
    }
}
