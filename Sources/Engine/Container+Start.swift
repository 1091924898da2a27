// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Network
import OCI
import Runtime

/// How a container's first process is connected to the one who starts it.
struct Connection: Sendable {
    var stdio = Stdio()
    var windowSize: WindowSize?
    /// The container ends with the process that starts it: for one that watches itself.
    var diesWithParent = false
    /// Its files say already what it is: it was created before, or has run before.
    var isWrittenDown = false
    /// Its monitor starts it again. Meanwhile others may stop it, so its record is theirs too.
    var isRestart = false
    /// By inode, for `Record.Start`.
    var pipes: [UInt64]?
}

extension Container {
    /// Starts it. The caller watches over it, and is the parent of its first process from now on.
    ///
    /// A new container is written down while its first process sets itself up: until then everything it has is found by its id.
    mutating func start(_ spec: Spec, _ connection: Connection, in home: borrowing Home) throws(EngineError) -> Launched {
        let isNew = !connection.isWrittenDown
        if isNew, spec.linux?.cgroupsPath != Self.cgroupPath(id) { try write(spec) }
        var connections = try lease(spec, in: home)
        var names = try announce(in: home)
        let cgroup = try makeCgroup(spec, isKept: !connection.diesWithParent)
        let before = record.start
        try note(cgroup, connection)
        let options = try launchOptions(spec, connection, cgroup.view, in: home)
        var failure: EngineError?
        let launched: Launched
        do throws(LaunchError) {
            launched = try Launch.container(
                spec, options, in: cgroup,
                connect: { pid throws(LaunchError) in
                    do throws(EngineError) {
                        try connections?.make(in: NetworkNamespace(ofChild: pid), disablesIPv6: false)
                        try names?.awaitAnswers()
                        names = nil
                    } catch {
                        failure = error
                        throw .refused("")
                    }
                },
                meanwhile: { pid throws(LaunchError) in
                    do throws(EngineError) {
                        try checkJoined(spec, in: home)
                        if isNew { try write(spec) }
                        try writeStart(pid, connection)
                        // Written down before they are made, so that they are found when they have to go.
                        try home.publish(record)
                    } catch {
                        failure = error
                        throw .refused("")
                    }
                })
        } catch {
            // Its program never ran: what it has been before stands.
            record.start = before
            // What the child says is why ours failed: it took with it what we looked for.
            if case .step = error { throw .launch(error, limit: record.memoryLimit) }
            throw failure ?? .launch(error, limit: record.memoryLimit)
        }
        tellStart()
        return launched
    }

    /// Whom to kill and what to put away if this comes to nothing. The run before is over, unless its own monitor starts it again.
    private mutating func note(_ cgroup: Cgroup, _ connection: Connection) throws(EngineError) {
        record.set(cgroup)
        if connection.isRestart {
            let endpoints = record.endpoints
            try change { record in
                record.set(cgroup)
                // Taken just now; what is on disk may be read again here.
                record.endpoints = endpoints
            }
        } else {
            record.start = nil
            record.end = nil
            if connection.isWrittenDown { try save() }
        }
    }

    private func launchOptions(
        _ spec: Spec, _ connection: Connection, _ view: CgroupView, in home: borrowing Home
    ) throws(EngineError) -> LaunchOptions {
        var options = try launchOptions(in: home)
        options.stdio = connection.stdio
        options.windowSize = connection.windowSize
        options.diesWithParent = connection.diesWithParent
        options.clampsLimits = true
        options.reaper = record.hasInit
        options.keyring = "_ses.\(id.short)"
        options.cgroupView = view
        options.filter = try filter(spec, in: home)
        options.waitsForNetwork = record.endpoints?.isEmpty == false
        options.interfacesWithoutIPv6 = Machine.hasIPv6 ? (record.endpoints ?? []).filter { !$0.hasIPv6 }.compactMap(\.device) : []
        return options
    }

    /// Its root: the image's layers and its own, over what every container has mounted; else a directory of this machine.
    func launchOptions(in home: borrowing Home) throws(EngineError) -> LaunchOptions {
        var options = LaunchOptions(bundle: path)
        if record.layers != nil {
            options.overlay = Overlay(layers: try [home.mountPointLayer()] + layerPaths(in: home), changes: path)
        } else {
            options.idmapsRoot = true
        }
        return options
    }

    /// Takes addresses for the networks it is to be on. They are its until it is put away.
    private mutating func lease(_ spec: Spec, in home: borrowing Home) throws(EngineError) -> Connections? {
        guard var endpoints = record.endpoints, !endpoints.isEmpty else { return nil }
        let before = endpoints
        defer { record.endpoints = endpoints }
        let connections = try home.lease(&endpoints, for: id)
        record.endpoints = endpoints
        try home.checkPorts(record)
        try updateHosts(from: before, to: endpoints, EtcFiles.names(spec.hostname ?? Machine.hostname, spec.domainname))
        return connections
    }

    private mutating func writeStart(_ pid: Int32, _ connection: Connection) throws(EngineError) {
        let start: Record.Start
        do throws(SystemError) {
            let identity = try ProcessIdentity(of: pid)
            start = Record.Start(
                pid: pid, startTime: identity.startTime, inode: identity.inode, boot: try Machine.bootID(), at: Timestamp.now.description,
                pipes: connection.pipes)
        } catch {
            throw .system(doing: "look at the container's first process", error)
        }
        guard connection.isRestart else {
            record.start = start
            return try save()
        }
        let endpoints = record.endpoints
        try change { record in
            record.endpoints = endpoints
            record.start = start
            record.end = nil
            record.retry = nil
        }
    }

    static func cgroupPath(_ id: ContainerID) -> String { "/minictl-\(id)" }

    /// Makes the cgroup and sets its limits: those asked for must hold, a default one may be missing.
    /// - Parameter isKept: it outlives the command that starts it, so that somebody may ask later what it reads and writes.
    private func makeCgroup(_ spec: Spec, isKept: Bool) throws(EngineError) -> Cgroup {
        var asked = spec.linux?.resources ?? Spec.Resources()
        let rules = asked.devices ?? []
        asked.devices = nil
        var defaults = Spec.Resources()
        if asked.pids?.limit == DefaultLimits.pids { swap(&asked.pids, &defaults.pids) }
        let path: CgroupPath
        do throws(CgroupPath.Invalid) { path = try CgroupPath(spec.linux?.cgroupsPath ?? Self.cgroupPath(id)) } catch {
            throw .refused("\(error)")
        }
        let hierarchy = try Hierarchy.machine()
        do throws(CgroupError) {
            let devices = try DeviceRules(rules)
            // In a user namespace nobody can make nodes. Without one, these rules alone stand between root and the host's disks.
            let mustRestrict = spec.linux?.namespaces?.contains { $0.type == .user } != true && devices.restrict
            var needed = asked.controllers
            if mustRestrict { needed.insert(.devices) }
            let wanted = isKept ? ControllerSet.standard.union([.io]) : .standard
            let cgroup = try Cgroup.create(path, in: hierarchy, wanting: wanted, needing: needed)
            do throws(CgroupError) {
                try cgroup.apply(defaults, as: .wanted)
                try cgroup.apply(asked, as: .needed)
                try cgroup.restrict(to: devices, as: mustRestrict ? .needed : .wanted)
                try cgroup.delegate(to: spec)
            } catch {
                try? cgroup.remove()
                throw error
            }
            return cgroup
        } catch {
            throw .refused("\(error)")
        }
    }

    func filter(_ spec: Spec, in home: borrowing Home) throws(EngineError) -> SeccompFilter? {
        let profile = spec.linux?.seccomp
        guard profile != nil || record.filterKey != nil else { return nil }
        do throws(SystemError) { try Directory.make("seccomp", at: home.runtime.place) } catch {
            throw .system(doing: "keep system call filters", error)
        }
        do throws(SeccompFilterError) {
            let directory: FileDescriptor
            do throws(SystemError) { directory = try FileDescriptor(opening: "seccomp", at: home.runtime.place, [.directory]) } catch {
                return try SeccompFilter(compiling: profile ?? spec.defaultFilter)
            }
            guard let key = record.filterKey else { return try SeccompFilter(profile ?? spec.defaultFilter, storedIn: directory.place) }
            return try SeccompFilter(key: key, storedIn: directory.place) { profile ?? spec.defaultFilter }
        } catch {
            throw .refused("cannot compile the system call filter: \(error)")
        }
    }
}
