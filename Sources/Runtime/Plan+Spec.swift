// SPDX-License-Identifier: Apache-2.0
package import Cgroups
import Glibc
import JSON
package import Linux
package import OCI

/// What a plan needs beside the spec: the circumstances of this launch.
package struct LaunchOptions: Sendable {
    /// Where a relative `root.path` and relative bind sources start.
    package var bundle: String
    /// A root in place of the spec's `root.path`.
    package var overlay: Overlay?
    /// Shows the files of `root.path` with the container's ids. Engines that prepare their own root do not want that.
    package var idmapsRoot = false
    package var stdio = Stdio()
    package var windowSize: WindowSize?
    /// The terminal's output is read into what is no terminal.
    package var keepsNewlines = false
    package var diesWithParent = false
    /// A resource limit above what the machine allows is lowered to that. An engine that asks for one is told instead.
    package var clampsLimits = false
    /// The program does not run before `connect` has been done.
    package var waitsForNetwork = false
    /// Interfaces that come with it, and that are to have no IPv6.
    package var interfacesWithoutIPv6: [String] = []
    package var startSocket: Int32?
    /// Whether its program has to be there by then. One that nobody ever starts may have none.
    package var seeksProgram = true
    /// Descriptors that only the caller may hold, such as a lock.
    package var parentDescriptors: [Int32] = []
    package var reaper = false
    /// Does for the program what engines leave to the runtime: of several variables of a name it gets the last, `HOME` from the
    /// container's `/etc/passwd` where that is missing or empty, and whatever processors the cgroup allows, not those of the engine.
    package var isForEngine = false
    package var keyring: String?
    package var preservedDescriptors: Int32 = 0
    package var filter: SeccompFilter?
    /// Where its control groups are, or are going to be.
    package var cgroup = CgroupPaths()
    /// The container's state for hooks that run inside.
    package var hookState: State?

    package init(bundle: String) { self.bundle = bundle }
}

extension Plan {
    package init(_ spec: Spec, _ options: LaunchOptions) throws(LaunchError) {
        guard let process = spec.process else { throw .refused("the spec has no process") }
        let sysctls = try Sysctl.all(of: spec)
        let planned = try ProcessPlan(process, spec, options)
        if let overlay = options.overlay {
            self.init(root: .overlay(overlay, readOnly: spec.root?.readonly ?? false), process: planned)
        } else {
            let path = Plan.absolute(spec.root?.path ?? "rootfs", options.bundle)
            self.init(root: .directory(path: path, readOnly: spec.root?.readonly ?? false, idmapped: options.idmapsRoot), process: planned)
        }
        do throws(LaunchError) {
            try setNamespaces(spec)
            guard namespaces.contains(.mount) || joined.contains(where: { $0.type == .mount }) else {
                throw .refused("linux.namespaces has no mount namespace, and without one the container's root would replace this machine's")
            }
            try setMounts(spec, options)
        } catch {
            release()
            throw error
        }
        seatFiles = options.cgroup.seatFiles
        waitsForNetwork = options.waitsForNetwork
        interfacesWithoutIPv6 = options.interfacesWithoutIPv6
        hostname = spec.hostname
        // In a user namespace its file cannot be written, but there is a call for it.
        domainname = sysctls.last { $0.isDomainName }?.value ?? spec.domainname
        rootPropagation = spec.linux?.rootfsPropagation.map(Propagation.init) ?? .private
        self.sysctls = sysctls.filter { !$0.isDomainName }
        readOnlyPaths = spec.linux?.readonlyPaths ?? []
        maskedPaths = spec.linux?.maskedPaths ?? []
        keyring = options.keyring
        diesWithParent = options.diesWithParent
        startSocket = options.startSocket
        seeksProgram = options.seeksProgram
        parentDescriptors = options.parentDescriptors
        if let hooks = spec.hooks {
            stopsForHooks = !(hooks.prestart ?? []).isEmpty || !(hooks.createRuntime ?? []).isEmpty
            createContainerHooks = [HookPlan](hooks.createContainer, "createContainer", options.hookState, .creating, inside: CStrings([]))
            if case .directory(let path, _, _) = root, stopsForHooks || !createContainerHooks.isEmpty { rootForHooks = path }
            startContainerHooks = [HookPlan](hooks.startContainer, "startContainer", options.hookState, .created, inside: nil)
        }
    }

    static func absolute(_ path: String, _ bundle: String) -> String { path.isAbsolutePath ? path : "\(bundle)/\(path)" }
}

// MARK: namespaces

extension Plan {
    /// To be done here once the child has its own: a monitor plans again and again.
    func release() {
        for namespace in joined { close(namespace.raw) }
        for strings in [process.candidates, process.arguments, process.environment] { strings.deallocate() }
    }

    private mutating func setNamespaces(_ spec: Spec) throws(LaunchError) {
        guard let linux = spec.linux else { return }
        for (type, kind) in Self.kinds {
            guard let namespace = linux.namespaces?.first(where: { $0.type == kind }) else { continue }
            if let path = namespace.path, !path.isEmpty {
                if type == .mount, Namespaces.isHostsMountNamespace(path) {
                    throw .refused("the mount namespace at \(path) is this machine's, whose root the container's would replace")
                }
                do throws(SystemError) {
                    joined.append(JoinedNamespace(type: type, raw: try FileDescriptor(namespace: type, at: path).release()))
                } catch {
                    throw .system(doing: "join the \(kind.rawValue) namespace at \(path)", error)
                }
                continue
            }
            switch type {
            case .cgroup: newCgroupNamespace = true
            case .time: timeOffsets = Self.text(linux.timeOffsets ?? [:])
            default: namespaces.insert(type)
            }
        }
        guard namespaces.contains(.user) else { return }
        guard let users = linux.uidMappings, let groups = linux.gidMappings, !users.isEmpty, !groups.isEmpty else {
            throw .refused("a new user namespace needs uidMappings and gidMappings")
        }
        userMap = UserMap(users: IDMap(users), groups: IDMap(groups))
        guard userMap?.users.host(0) != nil, userMap?.groups.host(0) != nil else {
            throw .refused("the id mappings give no host id to the container's root (0)")
        }
    }

    private static let kinds: [(Namespaces, Spec.Linux.Namespace.Kind)] = [
        (.user, .user), (.cgroup, .cgroup), (.ipc, .ipc), (.uts, .uts), (.network, .network), (.pid, .pid), (.time, .time),
        (.mount, .mount),
    ]

    /// `time_namespaces(7)`: one line a clock, seconds and nanoseconds.
    private static func text(_ offsets: [String: Spec.Linux.TimeOffset]) -> String {
        offsets.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.secs ?? 0) \($0.value.nanosecs ?? 0)\n" }.joined()
    }
}

extension IDMap {
    package init(_ mappings: [Spec.IDMapping]) {
        self.init(mappings.map { IDRange(container: $0.containerID, host: $0.hostID, size: $0.size) })
    }
}

extension Propagation {
    init(_ word: Spec.Linux.Propagation) {
        switch word.rawValue.drop(while: { $0 == "r" }) {
        case "slave": self = .slave
        case "shared": self = .shared
        case "unbindable": self = .unbindable
        default: self = .private
        }
    }
}

// MARK: mounts and devices

extension Plan {
    private mutating func setMounts(_ spec: Spec, _ options: LaunchOptions) throws(LaunchError) {
        // `received[0]` is the root, so what is bound counts from 1.
        var bindsDevices = false
        for mount in spec.mounts ?? [] {
            let words = MountOptions(mount.options ?? [])
            let destination = mount.destination.isAbsolutePath ? mount.destination : "/" + mount.destination
            if words.bind != .none || mount.type == "bind" {
                for word in words.data where !MountOptions.isForUserSpace(word.key) {
                    throw .refused("unknown mount option \(word.key) for \(destination)")
                }
                binds.append(try BindSource(mount, words, options))
                setups.append(.bind(index: binds.count, target: destination, propagation: words.propagation, isUsers: true))
                bindsDevices = bindsDevices || destination == "/dev"
            } else if mount.type == "cgroup" || mount.type == "cgroup2" {
                showCgroups(options.cgroup.view, at: destination, words)
            } else {
                setups.append(.fileSystem(try FileSystemSetup(mount, at: destination, words, self)))
                if mount.type == "tmpfs", words.set.contains(.readOnly) { readOnlyMounts.append(destination) }
            }
        }
        guard !bindsDevices else { return }
        let extra = try (spec.linux?.devices ?? []).map { device throws(LaunchError) in try DeviceSetup(device) }
        let standard = DefaultDevices.nodes.filter { device in !extra.contains { $0.path == device.path } }
        process.bindsConsole = process.terminal
        // A user namespace can make no nodes: the parent makes what it can for it.
        let isMapped = userMap != nil || joined.contains { $0.type == .user }
        let links = Setup.links(DefaultDevices.links.map { ("\($0.path)", "\($0.target)") })
        guard isMapped else {
            setups += [.devices(standard + extra, canMake: true), links]
            return
        }
        let tree = Namespaces.isUserInitial ? DeviceTree(setups, standard + extra) : nil
        // What everybody may open can just as well be the host's.
        if tree == nil { setups.append(.devices(standard, canMake: false)) }
        for device in extra where tree?.makes(device) != true {
            binds.append(BindSource(device: device))
            setups.append(.bind(index: binds.count, target: device.path, propagation: nil, isUsers: true))
        }
        guard let tree else { return setups.append(links) }
        devices = tree
        // It comes first, because the child needs it first.
        for (place, setup) in setups.enumerated() {
            switch setup {
            case .fileSystem(var setup) where setup.target == tree.fileSystem.target:
                setup.received = 1
                setups[place] = .fileSystem(setup)
            case .bind(let index, let target, let propagation, let isUsers):
                setups[place] = .bind(index: index + 1, target: target, propagation: propagation, isUsers: isUsers)
            default: continue
            }
        }
    }
}

extension Plan {
    /// The container's own part of each hierarchy and nothing above it: at a version 1 root lies `release_agent` (CVE-2022-0492).
    private mutating func showCgroups(_ view: CgroupView, at destination: String, _ words: MountOptions) {
        let attributes = AttributeChange(set: words.set.union([.noSetID, .noDevices, .noExec]))
        func bind(_ source: String, _ target: String) {
            var bind = BindSource(path: source, recursive: false, idmapped: .none, ownMap: nil, attributes: attributes)
            // A hierarchy may have refused us, after this was planned.
            bind.mayBeMissing = true
            binds.append(bind)
            setups.append(.bind(index: binds.count, target: target, propagation: nil, isUsers: false))
        }
        switch view {
        case .none: return
        case .unified(let directory): bind(directory, destination)
        case .legacy(let branches):
            setups.append(
                .fileSystem(
                    FileSystemSetup(
                        type: "tmpfs", source: "cgroup", target: destination, attributes: attributes.set.subtracting(.readOnly),
                        options: [("mode", "755")], directories: branches.map(\.target))))
            for branch in branches {
                bind(branch.source, "\(destination)/\(branch.target)")
                if !branch.aliases.isEmpty { setups.append(.links(branch.aliases.map { ("\(destination)/\($0)", branch.target) })) }
            }
            if words.set.contains(.readOnly) { setups.append(.readOnly(destination)) }
        }
    }
}

extension BindSource {
    init(_ mount: Spec.Mount, _ words: MountOptions, _ options: LaunchOptions) throws(LaunchError) {
        guard let source = mount.source, !source.isEmpty else { throw .refused("the bind mount at \(mount.destination) has no source") }
        let mapped = mount.uidMappings != nil || mount.gidMappings != nil
        self.init(
            path: Plan.absolute(source, options.bundle), recursive: words.bind == .recursive,
            idmapped: words.idMapping == .none && mapped ? .single : words.idMapping,
            ownMap: mapped ? UserMap(users: IDMap(mount.uidMappings ?? []), groups: IDMap(mount.gidMappings ?? [])) : nil,
            attributes: AttributeChange(
                set: words.set, clear: words.clear, recursiveSet: words.recursiveSet, recursiveClear: words.recursiveClear),
            propagation: words.propagation)
    }
}

extension FileSystemSetup {
    fileprivate init(_ mount: Spec.Mount, at destination: String, _ words: MountOptions, _ plan: Plan) throws(LaunchError) {
        guard let type = mount.type, !type.isEmpty else { throw .refused("the mount at \(mount.destination) has no type") }
        var data = words.data
        // A group that has no id in the container cannot own its terminals.
        if type == "devpts", let map = plan.userMap {
            data.removeAll { $0.key == "gid" && $0.value.flatMap { UInt32($0) }.flatMap { map.groups.host($0) } == nil }
        }
        self.init(
            type: type, source: mount.source ?? type, target: destination,
            attributes: type == "tmpfs" ? words.set.subtracting(.readOnly) : words.set, options: data,
            propagation: words.propagation, copiesUp: words.copiesUp,
            keepsMode: type == "tmpfs" && !data.contains { $0.key == "mode" },
            fallsBackToHost: type == "sysfs" || type == "proc" || type == "mqueue")
    }
}

extension DeviceSetup {
    init(_ device: Spec.Linux.Device) throws(LaunchError) {
        let kind: Kind =
            switch device.type {
            case .block: .block
            case .fifo: .fifo
            default: .character
            }
        guard let major = UInt32(exactly: device.major ?? 0), let minor = UInt32(exactly: device.minor ?? 0) else {
            throw .refused("the device \(device.path) has an impossible number")
        }
        self.init(
            path: "/" + device.path.pathComponents.joined(separator: "/"), kind: kind, major: major, minor: minor,
            mode: (device.fileMode ?? 0o666) & 0o7777, user: device.uid ?? 0,
            group: device.gid ?? 0, hostPath: Machine.devicePath(block: kind == .block, major, minor) ?? device.path)
    }
}

extension [HookPlan] {
    /// The hooks of one moment of a container's life, which `status` names.
    /// - Parameter environment: of those that give none; nil for that of the process. Hooks on the host have ours, as with runc and crun.
    ///   Those inside that have our rights have none: with the process's they would load what the container likes (CVE-2025-23266).
    init(
        _ hooks: [Spec.Hook]?, _ kind: StaticString, _ state: State?, _ status: State.Status,
        inside environment: CStrings? = CStrings(Machine.environment)
    ) {
        guard let hooks, !hooks.isEmpty else {
            self = []
            return
        }
        var state = state ?? State(id: "", status: status, bundle: "")
        state.status = status
        state.pid = nil
        // A state is strings and numbers: there is nothing in it that cannot be written.
        let bytes = (try? JSONEncoder().encode(state)) ?? [UInt8]("{}".utf8)
        self = hooks.enumerated().map { index, hook in
            HookPlan(
                name: "\(kind) hook #\(index)", path: hook.path,
                arguments: CStrings(hook.args?.isEmpty == false ? hook.args ?? [] : [hook.path]),
                environment: hook.env.map { CStrings($0) } ?? environment, timeout: hook.timeout, state: bytes)
        }
    }
}
