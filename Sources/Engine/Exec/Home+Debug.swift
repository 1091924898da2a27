// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

extension Home {
    /// What to ask for to look into a container with the tools of an image: a temporary container of its own root, cgroup and mounts, in the
    /// other one's user, pid, network, IPC and UTS namespaces, with the other one's files, mounts and all, at `place`.
    ///
    /// The tools are the root, not the container's files, because programs find their libraries by absolute paths: over a container with
    /// another libc, or with none, they would not run. The container itself sees the processes and nothing else; its own cgroup
    /// is not charged, so tools cannot make it run out of memory; and what is left by a kill is swept as with every container.
    package func debugRequest(of word: String, image: String, command: [String]) throws(EngineError) -> Request {
        let target = try container(named: word)
        let status = try target.status(in: Machine.boot())
        guard status.allows(.exec), let start = target.record.start else { throw .notAllowed("debug", target.name, status) }
        let spec = try target.spec()
        var request = Request(.image(image))
        request.command = command
        request.isTemporary = true
        request.labels = ["minictl.debug": target.id.text]
        request.workingDirectory = Self.debugPlace
        request.namespaces = Self.namespaces(of: target, spec)
        request.addedCapabilities = spec.process?.capabilities?.bounding ?? []
        // Among the host's processes that would be a right over the host.
        if request.namespaces.pid != .host { request.addedCapabilities.append("SYS_PTRACE") }
        request.mounts = [MountRequest(kind: .tree(of: target.id, start.pid), destination: Self.debugPlace)]
        if let users = target.record.users, let groups = target.record.groups {
            // With no namespace to join there is none of its ids either: the same map does for its files.
            if request.namespaces.sharesNothing {
                request.users = .maps(users: users.map(Spec.IDMapping.init), groups: groups.map(Spec.IDMapping.init))
            }
        } else {
            request.users = .host
        }
        return request
    }

    /// Where the container's files are for who debugs it.
    static var debugPlace: String { "/container" }

    private static func namespaces(of target: borrowing Container, _ spec: Spec) -> Request.NamespaceChoices {
        let id = target.id.text
        func choice(_ kind: Spec.Linux.Namespace.Kind) -> Request.NamespaceChoice {
            spec.linux?.namespaces?.contains { $0.type == kind } == true ? .container(id) : .host
        }
        var choices = Request.NamespaceChoices()
        choices.pid = choice(.pid)
        choices.ipc = choice(.ipc)
        choices.uts = choice(.uts)
        choices.network = choice(.network)
        return choices
    }
}

extension Request {
    /// Whether it is for looking into another container.
    var debugs: Bool { mounts.contains { if case .tree = $0.kind { true } else { false } } }
}

extension Request.NamespaceChoices {
    /// Whether no other container's namespace is among them.
    fileprivate var sharesNothing: Bool {
        ![pid, ipc, uts, network].contains { if case .container = $0 { true } else { false } }
    }
}
