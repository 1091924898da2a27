// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Network
import OCI
import Runtime

/// How a container's first process is connected to the one who starts it.
struct Connection {
    var stdio = Stdio()
    var windowSize: WindowSize?
    /// The container ends with the process that starts it: for one that watches itself.
    var diesWithParent = false
    /// Its files say already what it is: it was created before, or has run before.
    var isWrittenDown = false
    /// Its monitor starts it again. Meanwhile others may stop it, so its record is theirs too.
    var isRestart = false
    /// Who holds its ports.
    var ports: PortReservation?
    /// By inode, for `Record.Start`.
    var pipes: [UInt64]?
}

extension Container {
    /// Starts it. The caller watches over it, and is the parent of its first process from now on.
    ///
    /// A new container is written down while its first process sets itself up: until then everything it has is found by its id.
    mutating func start(_ spec: Spec, _ connection: Connection, in home: borrowing Home) throws(EngineError) -> Launched {
        do throws(EngineError) { return try launch(spec, connection, in: home) } catch {
            // Only here is it known what was taken: what is written down by now, which its end goes by, may be from before.
            if (try? home.disconnect(record)) != nil { record.endpoints = record.endpoints?.map(\.wish) }
            throw error
        }
    }

    private mutating func launch(_ spec: Spec, _ connection: Connection, in home: borrowing Home) throws(EngineError) -> Launched {
        let isNew = !connection.isWrittenDown
        if isNew, spec.linux?.cgroupsPath != Self.cgroupPath(id) { try write(spec) }
        var connections = try lease(spec, in: home)
        var names = try announce(in: home)
        let request = try CgroupRequest(spec, for: id, isKept: !connection.diesWithParent)
        // That of a new one is found by the id, so it may be made while the child is on its way.
        let outline = isNew ? request.outline : nil
        let cgroup = try outline == nil ? request.make() : nil
        let before = record.start
        var isSeen = false
        try note(cgroup, connection)
        let isVolatile = isNew && record.isTemporary
        var options = try launchOptions(spec, connection, in: home)
        options.cgroup = outline ?? cgroup?.paths ?? CgroupPaths()
        options.overlay?.isVolatile = isVolatile
        var failure: EngineError?
        func attempt<Value>(_ body: () throws(EngineError) -> Value) throws(LaunchError) -> Value {
            do throws(EngineError) { return try body() } catch {
                failure = error
                throw .refused("")
            }
        }
        let launched: Launched
        do throws(LaunchError) {
            launched = try Launch.container(
                spec, options, in: cgroup,
                makeCgroup: { () throws(LaunchError) in
                    guard outline != nil else { return nil }
                    let cgroup = try attempt { () throws(EngineError) in try request.make() }
                    record.set(cgroup)
                    return cgroup
                },
                prepare: { () throws(LaunchError) in try attempt { () throws(EngineError) in try makeFiles() } },
                connect: { pid throws(LaunchError) in
                    try attempt { () throws(EngineError) in
                        try connections?.make(in: NetworkNamespace(ofChild: pid), disablesIPv6: false)
                        try names?.awaitAnswers()
                    }
                    names = nil
                },
                meanwhile: { pid throws(LaunchError) in
                    try attempt { () throws(EngineError) in
                        tellKept()
                        // Where this fails it goes with all the rest.
                        if isVolatile { try? Overlay.clearVolatileMark(in: path) }
                        try checkJoined(spec, in: home)
                        if isNew { try write(spec) }
                        let shortcut = makeShortcut(connection.ports, in: home)
                        isSeen = true
                        guard record.published?.isEmpty == false else { return try writeStart(pid, connection, shortcut: shortcut) }
                        // From here on others may change it: not before its ports lead to it as the record has them. They are written down before
                        // they are made, so that they are found when they have to go.
                        try home.changeLive(id) { () throws(EngineError) in
                            try writeStart(pid, connection, shortcut: shortcut)
                            try home.publish(record)
                        }
                    }
                })
        } catch {
            // Others may have changed it since it could be seen to run; what that made goes with the rest.
            if isSeen { try? refreshIfChanged() }
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
    private mutating func note(_ cgroup: Cgroup?, _ connection: Connection) throws(EngineError) {
        if let cgroup { record.set(cgroup) }
        if connection.isRestart {
            let endpoints = record.endpoints
            try change { record in
                if let cgroup { record.set(cgroup) }
                // Taken just now; what is on disk may be read again here.
                record.endpoints = endpoints
            }
        } else {
            record.start = nil
            record.end = nil
            if connection.isWrittenDown { try save() }
        }
    }

    private func launchOptions(_ spec: Spec, _ connection: Connection, in home: borrowing Home) throws(EngineError) -> LaunchOptions {
        var options = try launchOptions(in: home)
        options.stdio = connection.stdio
        options.windowSize = connection.windowSize
        options.diesWithParent = connection.diesWithParent
        options.clampsLimits = true
        options.reaper = record.hasInit
        options.keyring = "_ses.\(id.short)"
        options.filter = try filter(spec, in: home)
        if let endpoints = record.endpoints, !endpoints.isEmpty {
            options.waitsForNetwork = true
            if Machine.hasIPv6 { options.interfacesWithoutIPv6 = endpoints.filter { !$0.hasIPv6 }.compactMap(\.device) }
        }
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
        // It was created before it was connected, and what it is called there is for its files.
        tellKept()
        try makeFiles()
        let before = endpoints
        defer { record.endpoints = endpoints }
        let connections = try home.lease(&endpoints, for: id)
        record.endpoints = endpoints
        try home.checkPorts(record)
        try updateHosts(from: before, to: endpoints, EtcFiles.names(spec.hostname ?? Machine.hostname, spec.domainname))
        return connections
    }

    /// Makes a shortcut to its ports, whose number is for the record.
    private func makeShortcut(_ ports: PortReservation?, in home: borrowing Home) -> UInt32? {
        guard let ports, let shortcut = home.makeShortcut(for: record) else { return nil }
        let id = shortcut.id
        ports.hold(shortcut)
        return id
    }

    private mutating func writeStart(_ pid: Int32, _ connection: Connection, shortcut: UInt32?) throws(EngineError) {
        // Where this fails it is to be ended with all the rest.
        record.shortcut = shortcut
        let start: Record.Start
        do throws(SystemError) {
            let identity = try ProcessIdentity(of: pid)
            start = Record.Start(
                pid: pid, startTime: identity.startTime, inode: identity.inode, boot: try Machine.bootID(), namespace: Namespaces.pidNumber,
                at: Timestamp.now.description, pipes: connection.pipes)
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
            record.shortcut = shortcut
            record.end = nil
            record.retry = nil
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
