// SPDX-License-Identifier: Apache-2.0
import Linux
package import Network
package import OCI

/// A container as it is asked for: docker's words, already parsed into values that cannot be wrong by themselves.
package struct Request: Sendable {
    package var source: Source
    /// What its programs are to run on; nil for whatever runs here.
    package var platform: Platform?
    package var command: [String] = []
    /// In place of the image's; empty takes the image's away.
    package var entrypoint: [String]?
    package var name: ContainerName?
    /// `KEY=VALUE`, later ones win.
    package var environment: [String] = []
    package var workingDirectory: String?
    /// `USER[:GROUP]`, each a name or a number; nil is the image's.
    package var user: String?
    /// Names or numbers.
    package var extraGroups: [String] = []
    package var hostname: String?
    package var domainname: String?
    package var terminal = false
    package var interactive = false
    package var detached = false
    package var isTemporary = false
    /// The streams that were asked for in the foreground, `stdin`, `stdout`, `stderr`; empty for all that there are.
    package var attached: [String] = []
    package var labels: [String: String] = [:]
    package var annotations: [String: String] = [:]

    package var mounts: [MountRequest] = []
    package var lenders: [Lender] = []
    package var isReadOnly = false
    /// Bytes.
    package var shmSize = usualShmSize
    package static let usualShmSize: UInt64 = 64 << 20
    package var devices: [DeviceRequest] = []
    package var deviceRules: [Spec.Resources.DeviceRule] = []

    package var addedCapabilities: [String] = []
    package var droppedCapabilities: [String] = []
    package var isPrivileged = false
    package var noNewPrivileges = false
    package var seccomp = SeccompChoice.standard
    package var masked: [String] = []
    /// Paths not to mask nor to make read-only; `ALL` for every one.
    package var unmasked: [String] = []
    package var appArmorProfile: String?
    package var selinuxLabel: String?

    package var limits: [Spec.Process.Rlimit] = []
    package var sysctls: [String: String] = [:]
    package var hasInit = false
    package var resources = Spec.Resources()
    package var oomScoreAdjustment: Int?
    package var cgroupParent: String?

    package var users = UserNamespaceChoice.automatic
    package var namespaces = NamespaceChoices()
    package var ipc = IPCMode.shareable
    /// The networks to be on, in order; only with a network namespace of its own.
    package var endpoints: [Endpoint] = []
    package var ports: [PortRequest] = []
    package var exposed: [ExposedPorts] = []
    /// Publishes everything that is exposed.
    package var publishesAll = false
    package var resolver: ResolverFile?
    /// `NAME:ADDRESS`, the address perhaps `host-gateway`.
    package var hosts: [String] = []
    package var links: [LinkRequest] = []
    package var timeOffsets: [String: Spec.Linux.TimeOffset] = [:]

    package var stopSignal: String?
    package var stopTimeout: Int?
    package var umask = usualUmask
    package static let usualUmask: UInt32 = 0o022
    /// A name such as `Europe/Berlin`, or `local`.
    package var timeZone: String?
    package var log = Record.Log()
    /// Nil for `no`.
    package var restart: RestartPolicy?
    package var health = HealthRequest()

    package init(_ source: Source) { self.source = source }

    package enum Source: Sendable {
        case image(String)
        /// A directory of the host's, used as it is.
        case directory(String)
    }

    package enum SeccompChoice: Sendable {
        case standard
        case unconfined
        /// A profile in docker's JSON format.
        case file(String)
    }

    package enum UserNamespaceChoice: Sendable {
        /// A range of its own.
        case automatic
        /// None: container root is host root.
        case host
        /// The caller keeps its own ids; the rest comes from the range.
        case keepID
        case maps(users: [Spec.IDMapping], groups: [Spec.IDMapping])
    }

    /// Whose namespace, for each type that can be shared.
    package struct NamespaceChoices: Sendable {
        package var pid = NamespaceChoice.own
        package var ipc = NamespaceChoice.own
        package var uts = NamespaceChoice.own
        package var cgroup = NamespaceChoice.own
        package var network = NamespaceChoice.own
        package init() {}
    }

    /// An IPC namespace of its own, and the shared memory that goes with it.
    package enum IPCMode: String, Sendable {
        /// Others may join it.
        case shareable
        /// Nobody may.
        case `private`
        /// The same, and there is no `/dev/shm`.
        case none
    }

    package enum NamespaceChoice: Sendable, Equatable {
        case own
        case host
        /// Another container's, by what a person calls it.
        case container(String)
    }
}

/// One `-v`, `--mount` or `--tmpfs`.
package struct MountRequest: Sendable {
    package enum Kind: Sendable {
        case bind(source: String, createsSource: Bool)
        /// A volume of that name, or without one a new one that goes with the container.
        case volume(name: String?)
        case tmpfs
        /// All that another container sees, from its root on; by its first process.
        case tree(of: ContainerID, Int32)
    }

    package var kind: Kind
    package var destination: String
    package var isReadOnly = false
    package var options: [String] = []
    /// Copies into an empty volume what the image has there.
    package var copiesUp = true
    /// What its volume is to be, if it has to be made.
    package var definition = VolumeDefinition()
    /// The container that has the same already, and whether its volume goes with the last of them.
    var lender: ContainerID?
    var isAnonymous = false

    package init(kind: Kind, destination: String) {
        self.kind = kind
        self.destination = Self.normal(destination)
    }

    /// One spelling for each place: `/a/`, `//a` and `/./a` are `/a`. What is not absolute, or climbs, stays as it is and is refused.
    package static func normal(_ path: String) -> String {
        guard path.isAbsolutePath else { return path }
        return "/" + path.pathComponents.filter { $0 != "." }.joined(separator: "/")
    }
}

/// One `--volumes-from`: a container whose folders and volumes another one gets too.
package struct Lender: Sendable {
    /// What a person calls it.
    package var container: String
    package var isReadOnly: Bool

    package init(container: String, isReadOnly: Bool) {
        self.container = container
        self.isReadOnly = isReadOnly
    }
}

/// One `--link`: another container, and under which name this one knows it.
package struct LinkRequest: Sendable {
    package var container: String
    package var alias: String

    package init(container: String, alias: String) {
        self.container = container
        self.alias = alias
    }
}

/// One `--device`.
package struct DeviceRequest: Sendable {
    package var host: String
    package var container: String
    /// Some of `rwm`.
    package var access: String

    package init(host: String, container: String, access: String) {
        self.host = host
        self.container = container
        self.access = access
    }
}
