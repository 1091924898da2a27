// SPDX-License-Identifier: Apache-2.0
import Images
import Linux
import Network
import OCI
import Runtime

extension Container {
    /// What to ask for to have this container made again: all in which it differs from its image and from what every container is.
    /// Read from what it is now, so what was changed since it was made is in it.
    package func request(in home: borrowing Home) throws(EngineError) -> Request {
        let spec = try spec()
        var request = Request(record.layers == nil ? .directory(record.image) : .image(record.image))
        let image = try imageConfig(in: home)
        request.name = ContainerName(record.name)
        request.terminal = record.terminal
        request.interactive = record.interactive
        request.isTemporary = record.isTemporary
        request.attached = record.attached ?? []
        request.hasInit = record.hasInit
        request.log = record.log ?? Record.Log()
        request.labels = (record.labels ?? [:]).filter { image?.labels?[$0.key] != $0.value }
        request.annotations = spec.annotations ?? [:]
        request.stopSignal = record.stopSignal == image?.stopSignal ? nil : record.stopSignal
        request.stopTimeout = record.stopTimeout
        request.isReadOnly = spec.root?.readonly == true
        request.namespaces = namespaces(spec, in: home)
        request.ipc = record.ipc.flatMap { Request.IPCMode(rawValue: $0) } ?? request.ipc
        request.timeOffsets = spec.linux?.timeOffsets ?? [:]
        request.users = users(spec)
        request.hostname = spec.hostname
        request.domainname = spec.domainname
        setLimits(&request, spec)
        try setRights(&request, spec)
        try setProcess(&request, spec, image, in: home)
        let lenders = lenders(in: home)
        request.lenders = lenders.map(\.request)
        request.mounts = mountRequests(spec, image, besides: lenders.map(\.id))
        request.shmSize = Self.shmSize(spec) ?? request.shmSize
        request.endpoints = (record.endpoints ?? []).map(\.wish)
        setReach(&request, image, in: home)
        request.restart = record.restart
        request.health = health(image)
        if request.hostname == (try? home.usualHostname(of: id, network: request.namespaces.network)) { request.hostname = nil }
        return request
    }

    /// Nil where the image is gone, so that everything has to be said.
    private func imageConfig(in home: borrowing Home) throws(EngineError) -> ImageConfig.Config? {
        guard let imageID = record.imageID else { return nil }
        do throws(EngineError) {
            return try home.withImages { (store) throws(ImageError) in try store.image(named: imageID).config.config }
        } catch {
            guard error.isAbsence else { throw error }
            return nil
        }
    }
}

// MARK: health

extension Container {
    /// What has to be said besides what the image says.
    private func health(_ image: ImageConfig.Config?) -> HealthRequest {
        var request = HealthRequest()
        let usual = request.plan(image?.healthcheck)
        guard let plan = record.health else {
            request.isDisabled = usual != nil
            return request
        }
        let base = usual ?? HealthPlan()
        if plan.test != base.test { request.command = plan.test.last }
        if plan.interval != base.interval { request.interval = plan.interval }
        if plan.timeout != base.timeout { request.timeout = plan.timeout }
        if plan.startPeriod != base.startPeriod { request.startPeriod = plan.startPeriod }
        if plan.startInterval != base.startInterval { request.startInterval = plan.startInterval }
        if plan.retries != base.retries { request.retries = plan.retries }
        if plan.onFailure != base.onFailure { request.onFailure = plan.onFailure }
        return request
    }
}

// MARK: ports and names

extension Container {
    private func setReach(_ request: inout Request, _ image: ImageConfig.Config?, in home: borrowing Home) {
        request.ports = record.ports ?? []
        request.publishesAll = record.publishesAll == true
        let known = Set((image?.exposedPorts ?? [:]).keys.compactMap { ExposedPorts($0) })
        request.exposed = (record.exposed ?? []).compactMap { ExposedPorts($0) }.filter { exposed in
            !known.contains(exposed)
                && !request.ports.contains { $0.transport == exposed.transport && $0.containerPorts == exposed.ports }
        }
        request.resolver = record.resolver
        request.hosts = record.hosts ?? []
        request.links = (record.links ?? []).map { link in
            let parts = link.split(separator: ":", maxSplits: 1).map(String.init)
            let name = parts.first.flatMap { ContainerID($0) }.flatMap { try? home.container($0).name }
            return LinkRequest(container: name ?? parts.first ?? "", alias: parts.last ?? "")
        }
    }
}

// MARK: namespaces and ids

extension Container {
    private func namespaces(_ spec: Spec, in home: borrowing Home) -> Request.NamespaceChoices {
        func choice(_ kind: Spec.Linux.Namespace.Kind, _ file: String) -> Request.NamespaceChoice {
            if let owner = record.joins?[file] {
                let name = ContainerID(owner).flatMap { try? home.container($0).name }
                return .container(name ?? owner)
            }
            return spec.linux?.namespaces?.contains { $0.type == kind } == true ? .own : .host
        }
        var choices = Request.NamespaceChoices()
        choices.pid = choice(.pid, "pid")
        choices.ipc = choice(.ipc, "ipc")
        choices.uts = choice(.uts, "uts")
        choices.cgroup = choice(.cgroup, "cgroup")
        choices.network = choice(.network, "net")
        return choices
    }

    private func users(_ spec: Spec) -> Request.UserNamespaceChoice {
        guard let users = spec.linux?.uidMappings, let groups = spec.linux?.gidMappings else {
            // With another's namespace come that one's ids.
            return record.joins == nil && record.users == nil ? .host : .automatic
        }
        guard record.slot != nil else { return .maps(users: users, groups: groups) }
        return users.count == 1 ? .automatic : .keepID
    }
}

// MARK: limits and rights

extension Container {
    private func setLimits(_ request: inout Request, _ spec: Spec) {
        request.limits = spec.process?.rlimits ?? []
        request.oomScoreAdjustment = spec.process?.oomScoreAdj
        request.umask = spec.process?.user.umask ?? request.umask
        var resources = spec.linux?.resources ?? Spec.Resources()
        resources.devices = nil
        if resources.pids?.limit == DefaultLimits.pids { resources.pids = nil }
        request.resources = resources
        let path = spec.linux?.cgroupsPath ?? Self.cgroupPath(id)
        if path != Self.cgroupPath(id), path.hasSuffix("/\(id)") { request.cgroupParent = String(path.dropLast(id.text.utf8.count + 1)) }
        request.isPrivileged = Self.isPrivileged(spec)
        if request.isPrivileged { return }
        (request.devices, request.deviceRules) = Self.devices(spec)
    }

    /// The devices that were given, and the rules besides.
    static func devices(_ spec: Spec) -> (devices: [DeviceRequest], rules: [Spec.Resources.DeviceRule]) {
        // The rules are docker's defaults, one for each device, and those that were given.
        var given = (spec.linux?.resources?.devices ?? []).dropFirst(DefaultDeviceRules.list.count)
        let devices = (spec.linux?.devices ?? []).map { device in
            let number = (UInt32(clamping: device.major ?? 0), UInt32(clamping: device.minor ?? 0))
            let host = Machine.devicePath(block: device.type == .block, number.0, number.1) ?? device.path
            return DeviceRequest(host: host, container: device.path, access: given.popFirst()?.access ?? "rwm")
        }
        return (devices, Array(given))
    }

    /// Everything is allowed to it: nothing is masked, no device forbidden.
    static func isPrivileged(_ spec: Spec) -> Bool {
        spec.linux?.resources?.devices == [Spec.Resources.DeviceRule(allow: true, access: "rwm")] && spec.linux?.maskedPaths == nil
    }

    private func setRights(_ request: inout Request, _ spec: Spec) throws(EngineError) {
        request.noNewPrivileges = spec.process?.noNewPrivileges == true
        request.appArmorProfile = spec.process?.apparmorProfile
        request.selinuxLabel = spec.process?.selinuxLabel
        request.sysctls = spec.linux?.sysctl ?? [:]
        if request.namespaces.network == .own {
            for (name, value) in SpecBuilder.networkSysctls(groups: spec.linux?.gidMappings) where request.sysctls[name] == value {
                request.sysctls[name] = nil
            }
        }
        let available = ProcessCapabilities.available.names
        let has = spec.process?.capabilities?.bounding ?? []
        let usual = request.isPrivileged ? available : DefaultCapabilities.names.filter(available.contains)
        request.addedCapabilities = has.filter { !usual.contains($0) }
        request.droppedCapabilities = usual.filter { !has.contains($0) }
        if has.isEmpty { request.droppedCapabilities = ["ALL"] }
        if !request.isPrivileged, available.allSatisfy(has.contains) { request.addedCapabilities = ["ALL"] }
        if request.isPrivileged { return }
        if let file = record.seccomp { request.seccomp = .file(file) } else if spec.linux?.seccomp == nil { request.seccomp = .unconfined }
        try setPaths(&request, spec)
    }

    private func setPaths(_ request: inout Request, _ spec: Spec) throws(EngineError) {
        let masked = spec.linux?.maskedPaths ?? []
        let readOnly = spec.linux?.readonlyPaths ?? []
        let usual: [String]
        do throws(SystemError) { usual = try DefaultPaths.masked() } catch { throw .system(doing: "list the paths to mask", error) }
        request.masked = masked.filter { !usual.contains($0) }
        request.unmasked = (usual.filter { !masked.contains($0) }) + DefaultPaths.readOnly.filter { !readOnly.contains($0) }
        if readOnly.isEmpty, usual.allSatisfy({ !masked.contains($0) }) { request.unmasked = ["ALL"] }
    }
}

// MARK: the program

extension Container {
    private func setProcess(
        _ request: inout Request, _ spec: Spec, _ image: ImageConfig.Config?, in home: borrowing Home
    ) throws(EngineError) {
        guard let process = spec.process else { return }
        setCommand(&request, image)
        let usual = image?.workingDir ?? "/"
        request.workingDirectory = process.cwd == (usual.isAbsolutePath ? usual : "/" + usual) ? nil : process.cwd
        let root: FileDescriptor
        do throws(SystemError) {
            root =
                try record.layers == nil
                ? FileDescriptor(opening: record.image, [.path, .directory]) : Overlay.view(of: layerPaths(in: home))
        } catch { throw .system(doing: "look into the image", error) }
        let lookup = UserLookup(root: root.place)
        let groups = process.user.additionalGids ?? []
        for word in [nil, "\(process.user.uid)", "\(process.user.uid):\(process.user.gid)"] {
            guard let identity = try? lookup.identity(word ?? image?.user ?? ""), identity.user == process.user.uid,
                identity.group == process.user.gid, groups.starts(with: identity.groups)
            else { continue }
            request.user = word
            request.extraGroups = record.extraGroups ?? groups.dropFirst(identity.groups.count).map { "\($0)" }
            return setEnvironment(&request, process.env ?? [], image, identity)
        }
    }

    private func setCommand(_ request: inout Request, _ image: ImageConfig.Config?) {
        let entrypoint = Array(record.command.prefix(record.entrypoint ?? 0))
        let rest = Array(record.command.dropFirst(entrypoint.count))
        let isImages = entrypoint == image?.entrypoint ?? []
        if !isImages { request.entrypoint = entrypoint }
        request.command = isImages && rest == image?.cmd ?? [] ? [] : rest
    }

    /// The fewest variables at the end of the list that, given, make the whole of it again.
    private func setEnvironment(
        _ request: inout Request, _ actual: [String], _ image: ImageConfig.Config?, _ identity: UserLookup.Identity
    ) {
        // The search below takes a square of these; whoever has so many gets all of them said.
        guard actual.count <= 200 else {
            request.environment = actual
            return
        }
        let terminal = actual.last { $0.hasPrefix("TERM=") }
        for count in 0...actual.count {
            for kept in [actual[...], actual.last?.hasPrefix("HOME=") == true ? actual.dropLast() : nil].compactMap({ $0 }).reversed() {
                guard count <= kept.count else { continue }
                request.environment = Array(kept.suffix(count))
                let builder = SpecBuilder(
                    request: request, image: image, id: id, maps: nil, identity: identity, mounts: [], joined: [:])
                // The type of the terminal is that of whoever made it.
                let made = builder.environment.map { $0 == "TERM=\(SpecBuilder.terminalType)" ? terminal ?? $0 : $0 }
                if made == actual { return }
            }
        }
        request.environment = actual
    }
}
