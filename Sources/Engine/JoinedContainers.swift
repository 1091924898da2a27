// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

/// Namespaces of other running containers, for `--network container:ID` and the like.
struct JoinedContainers {
    private(set) var paths: [Spec.Linux.Namespace.Kind: String] = [:]
    /// The ids that come with another's user namespace.
    private(set) var users: [Record.Range]?
    private(set) var groups: [Record.Range]?

    /// Whoever joins a namespace needs rights in the user namespace that owns it. So the other container's user namespace is joined too,
    /// and two containers with different ones cannot both be joined.
    init(_ request: Request, in home: borrowing Home) throws(EngineError) {
        var owner: ContainerID?
        let choices = request.namespaces
        for (type, file, choice) in [
            (Spec.Linux.Namespace.Kind.pid, "pid", choices.pid), (.ipc, "ipc", choices.ipc), (.uts, "uts", choices.uts), (.network, "net", choices.network),
        ] {
            guard case .container(let word) = choice else { continue }
            let other = try home.container(named: word)
            let boot: String
            do throws(SystemError) { boot = try Machine.bootID() } catch { throw .system(doing: "read the boot id", error) }
            guard case .running = other.status(in: boot), let start = other.record.start else {
                throw .notAllowed("join the \(file) namespace of", other.name, other.status(in: boot))
            }
            paths[type] = "/proc/\(start.pid)/ns/\(file)"
            guard let theirs = other.record.users else { continue }
            if let owner, owner != other.id { throw .refused("namespaces of two containers with different user namespaces cannot be joined by one") }
            owner = other.id
            users = theirs
            groups = other.record.groups
            paths[.user] = "/proc/\(start.pid)/ns/user"
        }
        if owner != nil, case .maps = request.users {
            throw .refused("a container that joins another's namespace takes that one's user ids; leave --userns, --uidmap and --gidmap out")
        }
    }
}
