// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network
import OCI
import Runtime

/// A container in the making.
struct Making: ~Copyable {
    let id: ContainerID
    private(set) var request: Request
    let source: RootSource
    let directory: FileDescriptor
    /// The ids it was given, if it needs any.
    let range: UserRanges.Slot?

    struct Made: ~Copyable {
        var container: Container
        let spec: Spec
    }

    consuming func make(in home: borrowing Home, _ progress: (String) -> Void) throws(EngineError) -> Made {
        var record = Record()
        record.id = id.text
        record.created = Timestamp.now.description
        record.name = try claimName(in: home).text
        record.endpoints = try endpoints(in: home, progress)
        try fillNetwork(&record, in: home, progress)
        let joins = try JoinedContainers(request, in: home)
        if request.hostname == nil, request.namespaces.uts == .own {
            request.hostname = try home.usualHostname(of: id, network: request.namespaces.network)
        }
        var owners = joins.owners
        for case .tree(let id, _) in request.mounts.map(\.kind) { owners["mnt"] = id.text }
        record.joins = owners.isEmpty ? nil : owners
        let maps = try idMaps(joins, &record)
        let view = try source.view()
        let identity = try UserLookup(root: view.place).identity(request.user ?? source.config?.user ?? "", extra: request.extraGroups)
        let path = "\(home.path)/containers/\(id)"
        var files = NewFiles(folders: folders)
        let mounts = try self.mounts(in: home, path, view, idmaps: maps != nil || joins.paths[.user] != nil, &record, &files)
        let spec = try SpecBuilder(
            request: request, image: source.config, id: id, maps: maps, identity: identity, mounts: mounts, joined: joins.paths
        ).completed(filterKey: &record.filterKey, root: source.isDirectory ? source.layers.first : nil)
        fill(&record, spec)
        var container = Container(id: id, path: path, directory: directory, record: record)
        container.unmade = files
        return Made(container: container, spec: spec)
    }

    private func claimName(in home: borrowing Home) throws(EngineError) -> ContainerName {
        for _ in 0..<16 {
            let name: ContainerName
            if let asked = request.name {
                name = asked
            } else {
                do throws(SystemError) { name = try ContainerName.random() } catch { throw .system(doing: "make a name", error) }
            }
            if symlinkat(request.name == nil ? id.folded : id.text, home.containers.raw, name.text) == 0 { return name }
            if errno == EEXIST, try home.freeStale(name) { continue }
            guard errno == EEXIST else { throw .system(doing: "take the name \(name)", SystemError(call: "symlink", errno: errno)) }
            if request.name != nil { throw .nameTaken(name, home.owner(of: name)) }
        }
        throw .refused("every name that was tried is in use; choose one with --name")
    }

    private var folders: [NewFiles.Folder] {
        var folders: [NewFiles.Folder] = []
        // Where another runtime that takes this bundle mounts the overlay; nobody will take one that is gone with its first end.
        if !request.isTemporary { folders.append(NewFiles.Folder(name: "rootfs", mode: 0o755)) }
        if source.isDirectory { return folders }
        // `upper` is the container's own `/`, so it has the mode of a root.
        folders.append(NewFiles.Folder(name: "upper", mode: 0o755))
        folders.append(NewFiles.Folder(name: "work", mode: 0o700))
        return folders
    }

    private func idMaps(
        _ joins: JoinedContainers, _ record: inout Record
    ) throws(EngineError) -> (users: [Spec.IDMapping], groups: [Spec.IDMapping])? {
        if joins.paths[.user] != nil {
            record.users = joins.users
            record.groups = joins.groups
            return nil
        }
        var maps: (users: [Spec.IDMapping], groups: [Spec.IDMapping])
        switch request.users {
        case .host: return nil
        case .maps(let users, let groups): maps = (users, groups)
        case .automatic, .keepID:
            guard let range else { return nil }
            record.slot = range.number
            maps = range.maps
            if case .keepID = request.users { maps = UserRanges.keeping(getuid(), getgid(), in: maps) }
        }
        record.users = maps.users.map(Record.Range.init)
        record.groups = maps.groups.map(Record.Range.init)
        return maps
    }

    private func fill(_ record: inout Record, _ spec: Spec) {
        record.image =
            switch request.source {
            case .image(let name): name
            case .directory(let path): path
            }
        record.imageID = source.imageID
        record.layers = source.diffIDs
        record.command = spec.process?.args ?? []
        let entrypoint = (request.entrypoint ?? source.config?.entrypoint ?? []).count
        record.entrypoint = entrypoint == 0 ? nil : entrypoint
        let labels = (source.config?.labels ?? [:]).merging(request.labels) { $1 }
        record.labels = labels.isEmpty ? nil : labels
        record.terminal = request.terminal
        record.interactive = request.interactive
        record.attached = request.detached ? [] : request.attached.isEmpty ? nil : request.attached
        record.stdinOnce = request.interactive && !request.detached && record.attaches("stdin") ? true : nil
        record.ipc = request.namespaces.ipc == .own && request.ipc != .shareable ? request.ipc.rawValue : nil
        record.restart = request.restart
        record.health = request.health.plan(source.config?.healthcheck)
        record.isTemporary = request.isTemporary
        record.hasInit = request.hasInit
        record.publishesAll = request.publishesAll ? true : nil
        record.extraGroups = request.extraGroups.isEmpty ? nil : request.extraGroups
        record.stopSignal = request.stopSignal ?? source.config?.stopSignal
        record.stopTimeout = request.stopTimeout
        record.network = record.endpoints?.first?.network ?? request.namespaces.network.word
        record.memoryLimit = spec.linux?.resources?.memory?.limit
        record.log = request.log
        if case .file(let path) = request.seccomp, !request.isPrivileged { record.seccomp = path }
    }
}

// MARK: networks

extension Making {
    /// Every network has to be there by now.
    private func endpoints(in home: borrowing Home, _ progress: (String) -> Void) throws(EngineError) -> [Endpoint]? {
        guard request.namespaces.network == .own, !request.endpoints.isEmpty else { return nil }
        var endpoints: [Endpoint] = []
        for var endpoint in request.endpoints {
            let network = try home.network(named: endpoint.network, progress: progress)
            endpoint.network = network.name
            guard network.driver != .host, network.driver != .none, !endpoints.contains(where: { $0.network == network.name }) else {
                throw .refused("the network \(network.name) cannot be had besides others, nor twice")
            }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    /// What is to be reached of it, and whom it knows.
    private func fillNetwork(_ record: inout Record, in home: borrowing Home, _ progress: (String) -> Void) throws(EngineError) {
        // What an image says wrong is nobody's fault here.
        let exposed = (source.config?.exposedPorts ?? [:]).keys.sorted().compactMap { ExposedPorts($0) } + request.exposed
        var ports = request.ports
        if request.publishesAll {
            ports += Set(exposed).sorted { "\($0)" < "\($1)" }.filter { all in
                !ports.contains { $0.transport == all.transport && $0.containerPorts.overlaps(all.ports) }
            }.map { PortRequest($0) }
        }
        if record.endpoints == nil, !ports.isEmpty {
            progress("with the network \(request.namespaces.network.word) there are no ports to publish; -p is left out")
            ports = []
        }
        record.ports = ports.isEmpty ? nil : ports
        let names = Set(exposed.map(\.description) + ports.map { "\($0.containerPorts)/\($0.transport.rawValue)" })
        record.exposed = names.isEmpty ? nil : names.sorted()
        record.resolver = request.resolver
        record.hosts = request.hosts.isEmpty ? nil : request.hosts
        record.add(links: try home.links(request.links))
    }
}

// MARK: mounts

extension Making {
    private func mounts(
        in home: borrowing Home, _ path: String, _ view: borrowing FileDescriptor, idmaps: Bool, _ record: inout Record,
        _ files: inout NewFiles
    ) throws(EngineError) -> [Spec.Mount] {
        let volumes = Volumes(home: home.path, idmaps: idmaps, container: directory.place)
        var requests = request.mounts
        if let zone = try request.zoneMount(), !requests.contains(where: { $0.destination == zone.destination }) { requests.append(zone) }
        for lent in try lentMounts(in: home, &record) where !requests.contains(where: { $0.destination == lent.destination }) {
            requests.append(lent)
        }
        for destination in (source.config?.volumes ?? [:]).keys.sorted() {
            let volume = MountRequest(kind: .volume(name: nil), destination: destination)
            if !requests.contains(where: { $0.destination == volume.destination }) { requests.append(volume) }
        }
        // Shallow ones first, so that nothing covers what was mounted below it.
        let depth = { (request: MountRequest) in request.destination.utf8.filter { $0 == UInt8(ascii: "/") }.count }
        var mounts: [Spec.Mount] = []
        var points: [Record.MountPoint] = []
        for request in requests.sorted(by: { depth($0) < depth($1) }) {
            let resolved = try volumes.resolve(request, root: view)
            guard !points.contains(where: { $0.destination == resolved.point.destination }) else {
                throw .refused("there are two mounts at \(resolved.point.destination)")
            }
            mounts.append(resolved.mount)
            points.append(resolved.point)
        }
        let etc = EtcFiles(
            hostname: request.namespaces.uts == .host ? Machine.hostname : request.hostname ?? id.short, domainname: request.domainname,
            network: request.namespaces.network, neighbour: record.joins?["net"].map { "\(home.path)/containers/\($0)" },
            isConnected: record.endpoints != nil, resolver: record.resolver, extra: request.hosts, idmaps: idmaps,
            isReadOnly: request.isReadOnly)
        record.mounts = points.isEmpty ? nil : points
        var own = try etc.mounts(path: path, besides: Set(points.map(\.destination)), &files)
        // What covers /etc must not cover these, as with docker. Where they are missing in it and cannot be made, it has none.
        let place = points.firstIndex { $0.destination == "/etc" }
        if let place, !points[place].writable {
            own.removeAll { access(points[place].source + $0.destination.dropFirst("/etc".utf8.count), F_OK) != 0 }
        }
        mounts.insert(contentsOf: own, at: place.map { $0 + 1 } ?? 0)
        return mounts
    }

    /// What other containers have and this one is to have too; of two at one place the later one's.
    private func lentMounts(in home: borrowing Home, _ record: inout Record) throws(EngineError) -> [MountRequest] {
        var mounts: [MountRequest] = []
        for lender in request.lenders {
            let container = try home.container(named: lender.container)
            record.lenders = (record.lenders ?? []) + [container.id.text + (lender.isReadOnly ? ":ro" : "")]
            for mount in try container.lentMounts(isReadOnly: lender.isReadOnly) {
                mounts.removeAll { $0.destination == mount.destination }
                mounts.append(mount)
            }
        }
        return mounts
    }
}

extension Home {
    /// What a container is called that asks for no host name: its id, or with another's network what that one is called, as with docker.
    func usualHostname(of id: ContainerID, network: Request.NamespaceChoice) throws(EngineError) -> String {
        switch network {
        case .own: id.short
        case .host: Machine.hostname
        case .container(let word): try container(named: word).spec().hostname ?? Machine.hostname
        }
    }
}
