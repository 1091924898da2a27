// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// From what is asked for and what the image says to one OCI spec.
struct SpecBuilder {
    let request: Request
    let image: ImageConfig.Config?
    let id: ContainerID
    /// Present with a user namespace of the container's own.
    let maps: (users: [Spec.IDMapping], groups: [Spec.IDMapping])?
    let identity: UserLookup.Identity
    /// Bind mounts decided before: volumes resolved to directories, the container's own files in /etc.
    let mounts: [Spec.Mount]
    /// Namespaces of other containers, resolved to paths.
    let joined: [Spec.Linux.Namespace.Kind: String]

    func spec() throws(EngineError) -> Spec {
        let capabilities = try self.capabilities()
        var linux = Spec.Linux()
        linux.namespaces = namespaces
        linux.uidMappings = maps?.users
        linux.gidMappings = maps?.groups
        if !request.timeOffsets.isEmpty { linux.timeOffsets = request.timeOffsets }
        linux.resources = try resources()
        linux.cgroupsPath = request.cgroupParent.map { "\($0)/\(id)" } ?? Container.cgroupPath(id)
        linux.sysctl = sysctls
        try setPaths(&linux)
        linux.devices = try devices
        linux.rootfsPropagation = .rprivate
        return Spec(
            ociVersion: version, process: try process(capabilities),
            root: Spec.Root(path: "rootfs", readonly: request.isReadOnly ? true : nil),
            hostname: request.namespaces.uts == .own ? hostname : nil,
            domainname: request.namespaces.uts == .own ? request.domainname : nil,
            mounts: defaultMounts + mounts,
            annotations: request.annotations.isEmpty ? nil : request.annotations, linux: linux)
    }

    /// The oldest version that has all that is used: crun before 1.9 takes no bundle that names a later one.
    private var version: String { request.timeOffsets.isEmpty ? "1.0.2" : Spec.version }

    /// The spec with its system call filter. `filterKey` is set where the compiled filter goes by a short name: then the profile itself
    /// is added when the spec is written, while the container sets itself up.
    func completed(filterKey: inout String?, root: String?) throws(EngineError) -> Spec {
        var spec = try spec()
        if let root { spec.root?.path = root }
        let capabilities = spec.process?.capabilities?.bounding ?? []
        switch request.isPrivileged ? .unconfined : request.seccomp {
        case .unconfined: break
        case .standard:
            filterKey = DefaultSeccomp(capabilities: capabilities).cacheKey
        case .file(let path):
            do throws(SeccompProfileError) {
                spec.linux?.seccomp = try SeccompProfileFile(path: path).profile(
                    capabilities: capabilities, architecture: .native, kernel: KernelVersion.running)
            } catch { throw .refused("cannot use the system call filter \(path): \(error)") }
        }
        return spec
    }

    var hostname: String { request.hostname ?? id.short }
}

// MARK: the program

extension SpecBuilder {
    /// docker's rule: an entrypoint on the command line also takes the image's command away.
    static func command(_ request: Request, _ image: ImageConfig.Config?) -> [String] {
        let entrypoint = request.entrypoint ?? image?.entrypoint ?? []
        if !request.command.isEmpty { return entrypoint + request.command }
        return entrypoint + (request.entrypoint == nil ? image?.cmd ?? [] : [])
    }

    private func process(_ capabilities: [String]) throws(EngineError) -> Spec.Process {
        let arguments = Self.command(request, image)
        guard let first = arguments.first else {
            throw .refused("there is no command: the image names none, so give one after the image")
        }
        guard !first.isEmpty else { throw .refused("the command is empty") }
        guard !(arguments + [workingDirectory]).contains(where: { $0.utf8.contains(0) }) else {
            throw .refused("the image's command or working directory has a NUL in it")
        }
        var process = Spec.Process(user: Spec.Process.User(), cwd: workingDirectory)
        process.terminal = request.terminal ? true : nil
        process.args = arguments
        process.env = environment
        process.user = Spec.Process.User(
            uid: identity.user, gid: identity.group, umask: request.umask, additionalGids: identity.groups.isEmpty ? nil : identity.groups)
        process.capabilities = Spec.Process.Capabilities(
            bounding: capabilities, effective: capabilities, inheritable: [], permitted: capabilities, ambient: [])
        process.noNewPrivileges = request.noNewPrivileges ? true : nil
        process.rlimits = request.limits.isEmpty ? nil : request.limits
        process.oomScoreAdj = request.oomScoreAdjustment
        process.apparmorProfile = try appArmorProfile
        process.selinuxLabel = try selinuxLabel
        return process
    }

    /// Being confined by nothing needs no AppArmor.
    private var appArmorProfile: String? {
        get throws(EngineError) {
            guard let name = request.appArmorProfile, !Machine.hasAppArmor else { return request.appArmorProfile }
            guard name == "unconfined" else { throw .refused("there is no AppArmor profile \(name): this machine has no AppArmor") }
            return nil
        }
    }

    private var selinuxLabel: String? {
        get throws(EngineError) {
            guard let label = request.selinuxLabel, access("/sys/fs/selinux/enforce", F_OK) != 0 else { return request.selinuxLabel }
            throw .refused("there is no SELinux label \(label): this machine has no SELinux")
        }
    }

    private var workingDirectory: String {
        let path = request.workingDirectory ?? image?.workingDir ?? "/"
        return path.isAbsolutePath ? path : "/" + path
    }

    /// docker's order: what every program needs, then the image's, then the command line's; the last one of a name counts.
    var environment: [String] {
        var list = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=\(hostname)"]
        if request.terminal { list.append("TERM=\(Self.terminalType)") }
        list += (image?.env ?? []) + request.environment
        var result: [String] = []
        // Names as bytes: to Swift two spellings of a letter are one. An image may have any number of them.
        var seen: Set<[UInt8]> = []
        for entry in list.reversed() where !entry.utf8.contains(0) {
            let name = Array(entry.utf8.prefix { $0 != UInt8(ascii: "=") })
            // A name alone takes the variable away.
            if seen.insert(name).inserted, name.count < entry.utf8.count { result.append(entry) }
        }
        result.reverse()
        if !result.contains(where: { $0.hasPrefix("HOME=") }) { result.append("HOME=\(identity.home)") }
        return result
    }

    static let terminalType = Machine.environment("TERM").flatMap { $0.isEmpty || $0 == "dumb" ? nil : $0 } ?? "xterm"

    private func capabilities() throws(EngineError) -> [String] {
        func set(_ names: [String]) throws(EngineError) -> (all: Bool, CapabilitySet) {
            var set: CapabilitySet = []
            var all = false
            for name in names {
                if name.uppercased() == "ALL" {
                    all = true
                    continue
                }
                guard let capability = CapabilitySet(name) else {
                    throw .refused("unknown capability '\(name)'; see capabilities(7) for their names")
                }
                set.formUnion(capability)
            }
            return (all, set)
        }
        let added = try set(request.addedCapabilities)
        let dropped = try set(request.droppedCapabilities)
        var result = try set(DefaultCapabilities.names).1
        if request.isPrivileged || added.all { result = .all }
        if dropped.all { result = added.all ? .all : [] }
        result = result.subtracting(dropped.1).union(added.1)
        // What this machine cannot give at all is no part of "all".
        return result.intersection(ProcessCapabilities.available).names
    }
}

// MARK: surroundings

extension SpecBuilder {
    private var namespaces: [Spec.Linux.Namespace] {
        var list = [Spec.Linux.Namespace(type: .mount)]
        if let path = joined[.user] {
            list.append(Spec.Linux.Namespace(type: .user, path: path))
        } else if maps != nil {
            list.append(Spec.Linux.Namespace(type: .user))
        }
        let choices = request.namespaces
        for (type, choice) in [
            (Spec.Linux.Namespace.Kind.pid, choices.pid), (.ipc, choices.ipc), (.uts, choices.uts), (.cgroup, choices.cgroup),
            (.network, choices.network),
        ] {
            switch choice {
            case .own: list.append(Spec.Linux.Namespace(type: type))
            case .host: break
            case .container: if let path = joined[type] { list.append(Spec.Linux.Namespace(type: type, path: path)) }
            }
        }
        if !request.timeOffsets.isEmpty { list.append(Spec.Linux.Namespace(type: .time)) }
        return list
    }

    private var sysctls: [String: String]? {
        var values = request.sysctls
        // In a network namespace of its own nobody is harmed by a low port (docker's default since 20.10).
        if request.namespaces.network == .own {
            // Which groups there are in another container's user namespace is not known.
            let usual = Self.networkSysctls(groups: maps?.groups).prefix(joined[.user] == nil ? 2 : 1)
            for (name, value) in usual where values[name] == nil { values[name] = value }
        }
        return values.isEmpty ? nil : values
    }

    /// docker's defaults for a network namespace of the container's own: every user may have low ports, and may ping.
    /// - Parameter groups: the container's, where they are not the host's; groups that it has not cannot be named.
    static func networkSysctls(groups: [Spec.IDMapping]?) -> [(name: String, value: String)] {
        let last = groups.map { $0.count == 1 && $0[0].containerID == 0 ? min($0[0].size - 1, 0x7fff_ffff) : 0 } ?? 0x7fff_ffff
        return [("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0 \(last)")]
    }

    private func resources() throws(EngineError) -> Spec.Resources {
        var resources = request.resources
        if resources.pids == nil { resources.pids = Spec.Resources.Pids(limit: DefaultLimits.pids) }
        if request.isPrivileged {
            resources.devices = [Spec.Resources.DeviceRule(allow: true, access: "rwm")]
            return resources
        }
        var given: [Spec.Resources.DeviceRule] = []
        for device in request.devices {
            for node in try device.nodes() {
                given.append(
                    .init(
                        allow: true, type: node.type == .block ? .block : .character, major: node.major, minor: node.minor,
                        access: device.access))
            }
        }
        resources.devices = DefaultDeviceRules.list + given + request.deviceRules
        return resources
    }

    private func setPaths(_ linux: inout Spec.Linux) throws(EngineError) {
        if request.isPrivileged { return }
        let keepsAll = request.unmasked.contains { $0.uppercased() == "ALL" }
        // By patterns too, as podman has it: `/proc/*`.
        func isKept(_ path: String) -> Bool { keepsAll || request.unmasked.contains { fnmatch($0, path, FNM_PATHNAME) == 0 } }
        do throws(SystemError) {
            linux.maskedPaths = try DefaultPaths.masked().filter { !isKept($0) } + request.masked
            linux.readonlyPaths = DefaultPaths.readOnly.filter { !isKept($0) }
        } catch {
            throw .system(doing: "list the paths to mask", error)
        }
    }

    private var devices: [Spec.Linux.Device]? {
        get throws(EngineError) {
            var devices: [Spec.Linux.Device] = []
            for device in request.devices {
                for node in try device.nodes() {
                    // One that is given twice is there once; what may be done with it the rules of its cgroup add up.
                    guard let same = devices.first(where: { $0.path == node.path }) else {
                        devices.append(node)
                        continue
                    }
                    guard same.type == node.type, same.major == node.major, same.minor == node.minor else {
                        throw .refused("there are two devices at \(node.path)")
                    }
                }
            }
            return devices.isEmpty ? nil : devices
        }
    }

    private var defaultMounts: [Spec.Mount] {
        var mounts = DefaultMounts.mounts(shmSize: request.shmSize)
        for index in mounts.indices where request.isPrivileged && mounts[index].destination.hasPrefix("/sys") {
            mounts[index].options?.removeAll { $0 == "ro" }
        }
        switch request.namespaces.ipc {
        case .host: mounts = mounts.compactMap(Self.ofHost)
        case .container:
            guard let path = joined[.ipc], let index = mounts.firstIndex(where: { $0.destination == "/dev/shm" }) else { break }
            let memory = JoinedContainers.sharedMemory(besides: path)
            // Shown with that one's ids already, whose user namespace is joined too. It may have none.
            mounts[index] = Spec.Mount(
                destination: "/dev/shm", type: "bind", source: memory, options: ["bind", "nosuid", "noexec", "nodev", "rprivate"])
            if access(memory, F_OK) != 0 { mounts.remove(at: index) }
        case .own: if request.ipc == .none { mounts.removeAll { $0.destination == "/dev/shm" } }
        }
        return mounts
    }
}

extension SpecBuilder {
    /// The host's shared memory and message queues, where that has any. They are shown with the host's ids, as the kernel shows those of System V.
    private static func ofHost(_ mount: Spec.Mount) -> Spec.Mount? {
        guard mount.destination == "/dev/mqueue" || mount.destination == "/dev/shm" else { return mount }
        guard access(mount.destination, F_OK) == 0 else { return nil }
        return Spec.Mount(
            destination: mount.destination, type: "bind", source: mount.destination,
            options: ["rbind", "nosuid", "noexec", "nodev", "rprivate"])
    }
}

extension DeviceRequest {
    /// What every container has below `/dev` that is no device of the host's.
    private static let own: [StaticString] = ["ptmx", "pts", "shm", "mqueue", "fd", "stdin", "stdout", "stderr"]

    private static func isOwn(_ path: String) -> Bool {
        let parts = path.pathComponents
        return parts.first == "dev" && parts.count > 1 && own.contains { $0.description == parts[1] }
    }

    /// The node of the host, or every node below a directory of it.
    func nodes() throws(EngineError) -> [Spec.Linux.Device] {
        guard !Self.isOwn(container) else {
            throw .refused("\(container) is the container's own, and no device of the host's can be there")
        }
        let nodes: [Spec.Linux.Device]
        do throws(SystemError) { nodes = try found() } catch {
            throw .system(doing: "give the device \(host) to the container", error)
        }
        guard !nodes.isEmpty else { throw .refused("\(host) is no device, nor a directory with any in it") }
        return nodes
    }

    private func found() throws(SystemError) -> [Spec.Linux.Device] {
        let path = "/" + container.pathComponents.joined(separator: "/")
        let status = try FileStatus(of: host, followLinks: true)
        guard status.kind == .directory else { return Self.node(path, status).map { [$0] } ?? [] }
        let folder = try FileDescriptor(opening: host, [.directory])
        var nodes: [Spec.Linux.Device] = []
        for entry in try folder.entries() {
            let path = "\(path)/\(entry.name)"
            if Self.isOwn(path) { continue }
            if let node = Self.node(path, try FileStatus(of: entry.name, at: folder.place)) { nodes.append(node) }
        }
        return nodes
    }

    private static func node(_ path: String, _ status: FileStatus) -> Spec.Linux.Device? {
        guard status.kind == .character || status.kind == .block else { return nil }
        let number = Machine.numbers(of: status.rawDevice)
        return Spec.Linux.Device(
            path: path, type: status.kind == .block ? .block : .character, major: Int64(number.major), minor: Int64(number.minor),
            fileMode: status.permissions, uid: 0, gid: 0)
    }
}
