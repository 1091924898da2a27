// SPDX-License-Identifier: Apache-2.0
package import Linux

/// Everything decided before the clone. The child only carries it out: no parsing, no JSON, no looking up.
package struct Plan: Sendable {
    /// The `tasks` files of version 1 cgroups that the child moves itself into.
    var seatFiles: [String] = []
    /// The same, opened by whoever plans, for a child that joins a container: those are another's, and none of its business by name.
    var seats: [Int32]?
    /// Namespaces made new for it. The cgroup and time namespaces are not among them, see `Launch`.
    var namespaces: Namespaces = []
    /// A new cgroup namespace, made by the child once it is in its cgroup: its root is where the child stands then.
    var newCgroupNamespace = false
    /// Text for `/proc/self/timens_offsets`; nil for the caller's own time namespace.
    var timeOffsets: String?
    /// Namespaces of others to join before the clone, in `Namespaces.table`'s order.
    var joined: [JoinedNamespace] = []
    /// For a process that joins a container: the container's first process, and which of its namespaces are not ours already.
    var container: (handle: Int32, namespaces: Namespaces)?
    /// The process joins before it can be seen in the container, and holds nothing of the host's when it can.
    var entersUnseen = false
    /// Present with a new user namespace.
    var userMap: UserMap?

    var root: Root
    /// What the parent opens on the host, in the order in which `Setup.bind` counts.
    var binds: [BindSource] = []
    /// What the parent makes of `/dev`, sent before those.
    var devices: DeviceTree?
    /// In order: what `/` gets, before it becomes the root.
    var setups: [Setup] = []
    /// Mounts made above, to be read-only once all that is to be in them is there.
    var readOnlyMounts: [String] = []
    var hostname: String?
    var domainname: String?
    /// The propagation of the container's root in the end.
    var rootPropagation: Propagation = .private
    var sysctls: [Sysctl] = []
    var readOnlyPaths: [String] = []
    var maskedPaths: [String] = []

    var process: ProcessPlan
    /// Name of the session keyring that replaces the caller's; nil keeps the caller's.
    var keyring: String?
    /// Init dies with the process that launched it: for a container nobody else watches.
    var diesWithParent = false
    /// A listening socket on which init waits, set up but not yet executed, until `start` connects.
    var startSocket: CInt?
    /// Init looks for the program before it waits there.
    var seeksProgram = true
    /// Descriptors that only the parent may hold, such as a lock: the child lets go of them first.
    var parentDescriptors: [CInt] = []
    /// The parent connects the container to networks meanwhile, and the program is not to run without.
    var waitsForNetwork = false
    /// Interfaces of these networks that are to have no IPv6 when the program runs.
    var interfacesWithoutIPv6: [String] = []
    /// Init reports `mounted` and waits before it pivots, so that hooks can run.
    var stopsForHooks = false
    /// Where hooks that come before the pivot look for the root: where the bundle has it.
    var rootForHooks: String?
    /// Hooks that run inside, in the container's namespaces, before the pivot and before the program.
    var createContainerHooks: [HookPlan] = []
    var startContainerHooks: [HookPlan] = []
}

/// A namespace of somebody else's.
struct JoinedNamespace: Sendable {
    let type: Namespaces
    /// Open on the namespace: the plan's until `release`, and in the child until it has joined.
    let raw: CInt
}

/// Which host ids the container's ids are.
package struct UserMap: Sendable, Equatable {
    package let users: IDMap
    package let groups: IDMap

    package init(users: IDMap, groups: IDMap) {
        self.users = users
        self.groups = groups
    }
}

/// What becomes the container's `/`.
enum Root: Sendable {
    /// A directory of the host's. `idmapped` shows its files with the container's ids.
    case directory(path: String, readOnly: Bool, idmapped: Bool)
    /// Image layers and the container's own changes.
    case overlay(Overlay, readOnly: Bool)
    /// No new root: the caller's own mounts.
    case inherited
}

/// The program and what it may do.
package struct ProcessPlan: Sendable {
    /// What was asked for, for messages.
    var name: String
    /// Absolute paths to try in order, or one relative to the working directory.
    var candidates: CStrings
    var arguments: CStrings
    var environment: CStrings
    var workingDirectory: String
    var user: UInt32 = 0
    var group: UInt32 = 0
    var groups: [UInt32] = []
    var umask: UInt32 = 0o022
    var limits: [ResourceLimit] = []
    /// A limit above what the machine allows is lowered to that, instead of being an error.
    var clampsLimits = false
    var capabilities: ProcessCapabilities
    var noNewPrivileges = false
    var filter: FilterPlan?
    var terminal = false
    /// Shows the terminal as `/dev/console` too.
    var bindsConsole = false
    var windowSize: WindowSize?
    /// What the terminal is read into is none: carriage returns have no business there.
    var keepsNewlines = false
    /// Descriptors from 3 on that the program gets.
    var preservedDescriptors: CInt = 0
    var stdio = Stdio()
    var appArmorProfile: String?
    var selinuxLabel: String?
    var scheduler: SchedulerPlan?
    var ioPriority: (class: CInt, level: CInt)?
    var personality: UInt?
    /// The mode with its flags, and a bit for each node, of `set_mempolicy(2)`.
    var memoryPolicy: (mode: CInt, nodes: [UInt])?
    /// What it is confined to, once it is in its cgroup.
    var processors: ProcessorSet?
    /// Where nothing confines it, it may run wherever its cgroup allows, whatever held for our caller.
    var freesProcessors = false
    /// Looks the user's home up in the container: the environment lacks it.
    var findsHome = false
    /// Runs the program below a reaper of ours.
    var reaper = false
}

/// The arguments of `sched_setattr(2)`.
struct SchedulerPlan: Sendable {
    let policy: UInt32
    let flags: UInt64
    let nice: Int32
    let priority: UInt32
    let runtime: UInt64
    let deadline: UInt64
    let period: UInt64
}

/// A system call filter, compiled.
struct FilterPlan: Sendable {
    let program: SeccompProgram
    let flags: SeccompFlags
    /// Where the notification descriptor goes; nil without one.
    let listenerPath: String?
    let listenerMetadata: String?
}

/// The program's first three descriptors.
package struct Stdio: Sendable {
    package enum Source: Sendable, Equatable {
        /// `/dev/null` of the container's own: nobody's inode on the host.
        case null
        /// A pipe's end, or in `minirun` whatever the engine gave.
        case descriptor(CInt)
    }

    package var input = Source.null
    package var output = Source.null
    package var error = Source.null

    package init(input: Source = .null, output: Source = .null, error: Source = .null) {
        self.input = input
        self.output = output
        self.error = error
    }
}

struct HookPlan: Sendable {
    /// Which one it is, for messages: `createRuntime hook #0`.
    let name: String
    let path: String
    let arguments: CStrings
    /// Nil for that of the process.
    let environment: CStrings?
    /// Seconds; nil waits for ever.
    let timeout: Int?
    /// The state JSON the hook reads on its standard input, without the pid: that is known only when the hook runs.
    let state: [UInt8]
}
