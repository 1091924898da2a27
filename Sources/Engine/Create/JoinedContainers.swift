// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

/// Namespaces of other running containers, for `--network container:ID` and the like.
struct JoinedContainers {
    private(set) var paths: [Spec.Linux.Namespace.Kind: String] = [:]
    /// Whose they are, by the namespaces' names under `/proc/PID/ns`.
    private(set) var owners: [String: String] = [:]
    /// The ids that come with another's user namespace.
    private(set) var users: [Record.Range]?
    private(set) var groups: [Record.Range]?

    private static let types: [(Spec.Linux.Namespace.Kind, String)] = [(.pid, "pid"), (.ipc, "ipc"), (.uts, "uts"), (.network, "net")]

    init(_ request: Request, in home: borrowing Home) throws(EngineError) {
        let choices = request.namespaces
        var words: [String: String] = [:]
        for (file, choice) in [("pid", choices.pid), ("ipc", choices.ipc), ("uts", choices.uts), ("net", choices.network)] {
            if case .container(let word) = choice { words[file] = word }
        }
        try self.init(words, in: home)
        // Whoever debugs a container sees all of it.
        if !request.debugs, let word = words["ipc"] {
            let other = try home.container(named: word)
            if let mode = other.record.ipc {
                throw .refused(
                    "the IPC namespace of \(other.name) is not for others: it was made with --ipc \(mode); use --ipc shareable there")
            }
        }
        if users != nil, case .maps = request.users {
            throw .refused(
                "a container that joins another's namespace takes that one's user ids; leave --userns, --uidmap and --gidmap out")
        }
    }

    /// - Parameter words: what a person calls the containers, or their ids, by the namespaces' names.
    /// Whoever joins a namespace needs rights in the user namespace that owns it. So the other container's user namespace is joined too,
    /// and two containers with different ones cannot both be joined.
    init(_ words: [String: String], in home: borrowing Home) throws(EngineError) {
        var owner: ContainerID?
        for (type, file) in Self.types {
            guard let word = words[file] else { continue }
            let other = try home.container(named: word)
            let status = try other.status(in: Machine.boot())
            guard status == .running, let start = other.record.start else {
                throw .notAllowed("join the \(file) namespace of", other.name, status)
            }
            paths[type] = "/proc/\(start.pid)/ns/\(file)"
            owners[file] = other.id.text
            guard let theirs = other.record.users else { continue }
            if let owner, owner != other.id {
                throw .refused("namespaces of two containers with different user namespaces cannot be joined by one")
            }
            owner = other.id
            users = theirs
            groups = other.record.groups
            paths[.user] = "/proc/\(start.pid)/ns/user"
        }
    }
}

extension JoinedContainers {
    /// Where the shared memory is that goes with an IPC namespace: what the container whose it is sees there.
    static func sharedMemory(besides path: String) -> String {
        path.hasSuffix("/ns/ipc") ? path.dropLast(7) + sharedMemory : path
    }

    fileprivate static let sharedMemory = "/root/dev/shm"
}

extension Spec {
    /// The place among the mounts of the shared memory of another container, whose IPC namespace is joined.
    fileprivate var joinedMemory: Int? {
        mounts?.firstIndex { mount in
            mount.destination == "/dev/shm"
                && mount.source.map { $0.hasPrefix("/proc/") && $0.hasSuffix(JoinedContainers.sharedMemory) } == true
        }
    }
}

extension Container {
    /// What was joined was named by process numbers. Asked once all of it has been opened: if those containers still run, their first
    /// processes had these numbers all the time, and nobody else's namespaces or files were taken for theirs.
    func checkJoined(_ spec: Spec, in home: borrowing Home) throws(EngineError) {
        guard let owners = record.joins, !owners.isEmpty else { return }
        let boot = try Machine.boot()
        var prefixes: [String] = []
        for owner in Set(owners.values) {
            guard let id = ContainerID(owner), let other = try? home.container(id), let identity = other.record.start?.identity(in: boot),
                (try? identity.living()) != nil
            else { throw .refused("the container \(ContainerID.short(owner)), whose namespaces are to be joined, has just ended") }
            prefixes.append("/proc/\(identity.pid)/")
        }
        let tree = owners["mnt"] == nil ? nil : spec.mounts?.last { $0.destination == Home.debugPlace }?.source
        let memory = spec.joinedMemory.flatMap { spec.mounts?[$0].source }
        for path in (spec.linux?.namespaces ?? []).compactMap(\.path) + [tree, memory].compactMap({ $0 }) where path.hasPrefix("/proc/") {
            guard prefixes.contains(where: path.hasPrefix) else {
                throw .refused("a container whose namespaces are to be joined has just been started again")
            }
        }
    }

    /// Joins the namespaces of other containers anew: the processes they were named by may be gone, and their numbers others' by now.
    mutating func rejoin(_ spec: inout Spec, in home: borrowing Home) throws(EngineError) {
        guard let owners = record.joins, !owners.isEmpty else { return }
        let joined = try JoinedContainers(owners, in: home)
        record.users = joined.users
        record.groups = joined.groups
        var namespaces = spec.linux?.namespaces ?? []
        for index in namespaces.indices {
            if let path = joined.paths[namespaces[index].type] { namespaces[index].path = path }
        }
        spec.linux?.namespaces = namespaces
        if let memory = spec.joinedMemory, let path = joined.paths[.ipc] {
            spec.mounts?[memory].source = JoinedContainers.sharedMemory(besides: path)
        }
        try write(spec)
        try save()
    }
}
