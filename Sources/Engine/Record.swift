// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
package import Network

/// `state.json`: the facts of one container. What follows from them, above all whether it runs, is worked out each time anew.
package struct Record: Equatable, Sendable {
    package var id = ""
    package var name = ""
    /// The image as it was asked for; the directory with `--rootfs`.
    package var image = ""
    package var imageID: String?
    /// Diff ids of the image's layers, bottom first.
    package var layers: [String]?
    /// RFC 3339, as all times here.
    package var created = ""
    package var command: [String] = []
    /// How many of the command's words are the entrypoint.
    package var entrypoint: Int?
    package var labels: [String: String]?
    package var terminal = false
    package var interactive = false
    /// Its input ends with the first one who gave any, as docker has it for a container that was not detached from the beginning.
    package var stdinOnce: Bool?
    /// Taken away as soon as it ends (`--rm`).
    package var isTemporary = false
    package var hasInit = false
    package var stopSignal: String?
    /// Seconds before a stop becomes a kill.
    package var stopTimeout: Int?
    package var network = "none"
    /// Its places on networks, in the order of its interfaces; nil where it has the host's, another container's or none.
    package var endpoints: [Endpoint]?
    /// Ports that are to be published at each start.
    package var ports: [PortRequest]?
    /// Those that are published, or were when it ran last.
    package var published: [PublishedPorts]?
    /// The kernel's number of what leads this machine's own clients there, if there is such (`Shortcut`).
    package var shortcut: UInt32?
    /// Ports that its image or its user names, published or not.
    package var exposed: [String]?
    /// Whether it was asked for that all of those be published.
    package var publishesAll: Bool?
    /// Groups beside those that the image gives its user, as they were asked for.
    package var extraGroups: [String]?
    /// What its `/etc/resolv.conf` is to say in place of what the host's does.
    package var resolver: ResolverFile?
    /// Further lines of its `/etc/hosts`: `NAME:ADDRESS`, the address perhaps `host-gateway`.
    package var hosts: [String]?
    /// Containers it knows by other names: `ID:NAME`.
    package var links: [String]?
    /// Whether others may join its IPC namespace, and it has shared memory, as `Request.IPCMode` has it; nil for both.
    package var ipc: String?
    /// Those of its streams that were asked for in the foreground; nil for all, none for one that began in the background.
    package var attached: [String]?
    /// Containers whose mounts it has too, by id: `ID` or `ID:ro`.
    package var lenders: [String]?
    /// How many of the host's ids it was given, and from which on; nil with `--userns host`.
    package var users: [Range]?
    package var groups: [Range]?
    /// Which slot of `UserRanges` that is, if it is one.
    package var slot: UInt32?
    /// The containers whose namespaces it joins, by the namespaces' names under `/proc/PID/ns`.
    package var joins: [String: String]?
    /// Hierarchy label → directory on the host.
    package var cgroup: [String: String]?
    /// Bytes.
    package var memoryLimit: Int64?
    package var log: Log?
    package var mounts: [MountPoint]?
    /// Under which name its system call filter is kept compiled.
    package var filterKey: String?
    /// The file its system call filter was read from, if it is not the usual one.
    package var seccomp: String?
    package var restart: RestartPolicy?
    package var health: HealthPlan?
    /// How often its monitor has started it again since somebody did.
    package var restarts: Int?
    /// Somebody has stopped it, so nobody starts it by himself.
    package var stoppedByHand: Bool?
    /// Its monitor is about to start it again.
    package var retry: Retry?
    package var start: Start?
    /// With the end of a container goes what was mounted in it while it ran.
    package var end: End? { didSet { if end != nil { dropLiveMounts() } } }

    package init() {}

    /// The names of its networks; with none of its own, docker's word for what it has.
    package var networks: [String] { endpoints.map { $0.map(\.network) } ?? [network] }

    /// The names of the volumes it has.
    package var volumeNames: [String] { (mounts ?? []).compactMap(\.name) }

    /// Those of them that came with it and have no name of their own.
    var anonymousVolumes: [String] { (mounts ?? []).filter(\.anonymous).compactMap(\.name) }

    /// Whether that stream is one of those that were asked for.
    func attaches(_ stream: String) -> Bool { attached?.contains(stream) ?? true }

    /// Whether the host's root is somebody in the container.
    var sharesRoot: Bool { users?.contains { $0.host == 0 } ?? true }

    /// Host ids from `host` on are the container's from `container` on.
    package struct Range: Equatable, Sendable {
        package var container: UInt32 = 0
        package var host: UInt32 = 0
        package var size: UInt32 = 0
    }

    package struct Log: Equatable, Sendable {
        package var driver = "json-file"
        /// Bytes of one file.
        package var maxSize: Int64 = 10 << 20
        package var maxFiles = 3
        package init() {}
    }

    /// A mount as people know it: a bind, a volume or a tmpfs.
    package struct MountPoint: Equatable, Sendable {
        package var type = ""
        /// The volume's.
        package var name: String?
        package var source = ""
        package var destination = ""
        package var writable = true
        /// A volume without a name of its own: it goes with the container.
        package var anonymous = false
        /// The container by whose id it came, with `--volumes-from`.
        package var lender: String?
        /// Present if it was mounted while the container ran.
        package var live: Live?
        package init() {}

        package struct Live: Equatable, Sendable {
            /// The kernel's number of the mount, and the start time of the container's first process at that time: it counts for no other.
            package var mount: UInt64 = 0
            package var startTime: UInt64 = 0
            /// Whether it stands in `config.json` too, and so is there after the next start.
            package var isKept = false
        }
    }

    private mutating func dropLiveMounts() {
        guard mounts?.contains(where: { $0.live != nil }) == true else { return }
        mounts?.removeAll { $0.live?.isKept == false }
        if mounts?.isEmpty == true { mounts = nil }
    }

    /// The first process. Its number counts only with its start time, and only in this boot.
    package struct Start: Equatable, Sendable {
        package var pid: Int32 = 0
        package var startTime: UInt64 = 0
        /// Of its pidfds, by which it is known faster; nil where the kernel does not number them, before Linux 6.9.
        package var inode: UInt64?
        package var boot = ""
        /// The pid namespace of which that is its number; nil for the first one.
        package var namespace: UInt64?
        package var at = ""
        /// When somebody made it stand still, nil once it was let go on: it may stand still where this is set, which its freezer knows.
        package var pausedAt: String?
        /// The pipes of output and errors by inode, where a monitor reads them.
        package var pipes: [UInt64]?
        /// What went with a monitor that was killed, in one sentence.
        package var lost: String?
    }

    /// A start that is to come.
    package struct Retry: Equatable, Sendable {
        /// When; it is on the way from then on.
        package var at = ""
        package var boot = ""
        /// Of the run before.
        package var exitCode: Int32?
    }

    package struct End: Equatable, Sendable {
        /// 128 plus the signal's number for a killed process; nil when nobody was left to see it.
        package var exitCode: Int32?
        package var at = ""
        package var outOfMemory: Bool?
        /// Why it could not start, or why its status is unknown, in one sentence.
        package var reason: String?
    }
}

extension Record.Start {
    /// The process itself, if it is of this boot.
    func identity(in boot: String) -> ProcessIdentity? {
        self.boot == boot ? ProcessIdentity(pid: pid, startTime: startTime, inode: inode) : nil
    }
}

extension Record {
    var cgroupHandle: Cgroup? {
        // What does not bear the container's id is not its own, whatever the record says: everything in a cgroup is killed with it.
        cgroup.map { directories in
            let own = directories.filter { !id.isEmpty && $0.value.hasSuffix(id) && !$0.value.pathComponents.contains("..") }
            return Cgroup(CgroupPaths(own.sorted { $0.key < $1.key }.map { .init(label: $0.key, directory: $0.value) }))
        }
    }

    mutating func set(_ cgroup: Cgroup) {
        self.cgroup = Dictionary(cgroup.paths.entries.map { ($0.label, $0.directory) }) { first, _ in first }
    }
}
