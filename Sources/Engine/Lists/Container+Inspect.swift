// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON
import Linux
import Network
import OCI

extension Container {
    /// All that is known of it, in the shape of docker's API, and below `Namespaces` what the kernel tells of each of its namespaces.
    package func description(in home: borrowing Home, withSize: Bool = false) throws(EngineError) -> JSONValue {
        let boot = try Machine.boot()
        let spec = try spec()
        var object: JSONObject = [
            "Id": .string(record.id),
            "Created": .string(record.created),
            "Path": .string(record.command.first ?? ""),
            "Args": .texts(Array(record.command.dropFirst())),
            "State": state(in: boot),
            "Image": .string(record.imageID ?? ""),
            "ResolvConfPath": file("resolv.conf"),
            "HostnamePath": file("hostname"),
            "HostsPath": file("hosts"),
            "LogPath": file("log"),
            "Name": .string("/" + record.name),
            "RestartCount": .int(Int64(record.restarts ?? 0)),
            "Driver": "overlay",
            "Platform": "linux",
            "AppArmorProfile": .string(spec.process?.apparmorProfile ?? ""),
            "ProcessLabel": .string(spec.process?.selinuxLabel ?? ""),
            "HostConfig": .object(hostConfig(spec, in: home)),
            "GraphDriver": graphDriver(in: home, boot),
        ]
        if withSize {
            let size = home.size(of: record)
            object["SizeRw"] = .int(size.own)
            object["SizeRootFs"] = .int(size.all)
        }
        object["Mounts"] = .array((record.mounts ?? []).map { $0.description(spec) })
        object["Config"] = .object(config(spec))
        object["NetworkSettings"] = networkSettings(isUp: status(in: boot).isUp)
        object["Namespaces"] = try namespaces(in: boot)
        object["Bundle"] = .string(path)
        return .object(object)
    }

    /// A file of the container's directory, if it is there.
    private func file(_ name: String) -> JSONValue {
        .string((try? directory.place.status(of: name)) == nil ? "" : "\(path)/\(name)")
    }

    private func state(in boot: String) -> JSONValue {
        let status = status(in: boot)
        var code: Int64 = 0
        var isUnknown = false
        if case .exited(let known) = status {
            // 255 where nobody saw the end: never to be taken for success.
            code = Int64(known ?? 255)
            isUnknown = known == nil
        }
        if case .created = status { code = Int64(record.end?.exitCode ?? 0) }
        if case .restarting(let known) = status { code = Int64(known ?? 255) }
        let reason = record.end?.reason ?? (isUnknown ? "nobody saw how it ended" : record.start?.lost ?? "")
        var object: JSONObject = [
            "Status": .string(status.word),
            "Running": .bool(status.isGoingOn),
            "Paused": .bool(status == .paused),
            "Restarting": .bool(status.isGoingOn && !status.isUp),
            "OOMKilled": .bool(record.end?.outOfMemory == true),
            "Dead": false,
            "Pid": .int(status.isUp ? Int64(record.start?.pid ?? 0) : 0),
            "ExitCode": .int(code),
            "Error": .string(reason),
            "StartedAt": .string(record.start?.at ?? Self.never),
            "FinishedAt": .string(record.end?.at ?? Self.never),
        ]
        if let health = record.health == nil ? nil : HealthState.read(in: directory.place) ?? HealthState() {
            object["Health"] = .object([
                "Status": .string(health.status), "FailingStreak": .int(Int64(health.failingStreak)),
                "Log": .array(health.log.map(\.description)),
            ])
        }
        return .object(object)
    }

    /// Go's zero time, which docker shows for what has not happened.
    private static var never: String { "0001-01-01T00:00:00Z" }

    private func graphDriver(in home: borrowing Home, _ boot: String) -> JSONValue {
        guard let layers = record.layers else { return ["Name": "directory", "Data": ["Directory": .string(record.image)]] }
        // As `lowerdir=` has it, the topmost first.
        let lower = layers.reversed().map { "\(home.path)/images/unpacked/sha256/\($0)" }.joined(separator: ":")
        var data: JSONObject = [
            "LowerDir": .string(lower), "UpperDir": .string("\(path)/upper"), "WorkDir": .string("\(path)/work"),
        ]
        // It is mounted in the container's own mount namespace alone.
        if status(in: boot).isUp, let pid = record.start?.pid { data["MergedDir"] = .string("/proc/\(pid)/root") }
        return ["Name": "overlay", "Data": .object(data)]
    }

    private func namespaces(in boot: String) throws(EngineError) -> JSONValue {
        guard status(in: boot).isUp, let identity = record.start?.identity(in: boot) else { return [:] }
        var object = JSONObject()
        for (type, file) in Namespaces.table {
            guard let facts = try? NamespaceFacts(type, of: identity.pid) else { continue }
            var entry: JSONObject = ["Inode": .int(Int64(clamping: facts.inode))]
            if let owner = facts.owner { entry["OwnerUid"] = .int(Int64(owner)) }
            if let parent = facts.parent { entry["Parent"] = .int(Int64(clamping: parent)) }
            if let user = facts.owningUser { entry["OwningUserNamespace"] = .int(Int64(clamping: user)) }
            object["\(file)"] = .object(entry)
        }
        // Asked last: had it ended meanwhile, the answers might be another process's.
        return identity.isAlive ? .object(object) : [:]
    }
}

// MARK: what it was made with

extension Container {
    private func hostConfig(_ spec: Spec, in home: borrowing Home) -> JSONObject {
        let resources = spec.linux?.resources
        let bounding = Set(spec.process?.capabilities?.bounding ?? [])
        let standard = Set(DefaultCapabilities.names.map { $0.hasPrefix("CAP_") ? $0 : "CAP_" + $0 })
        var log: JSONObject = ["Type": .string(record.log?.driver ?? "json-file")]
        log["Config"] = [
            "max-size": .string("\(record.log?.maxSize ?? -1)"), "max-file": .string("\(record.log?.maxFiles ?? 1)"),
        ]
        var object: JSONObject = [
            "Binds": .texts(
                (record.mounts ?? []).filter { $0.type != "tmpfs" }.map {
                    "\($0.name ?? $0.source):\($0.destination):\($0.writable ? "rw" : "ro")"
                }),
            "LogConfig": .object(log),
            "VolumesFrom": record.lenders.map(JSONValue.texts) ?? .null,
            "NetworkMode": .string(record.network),
            "IpcMode": .string(ipcMode(spec)),
            "PortBindings": record.portBindings,
            "PublishAllPorts": .bool(record.publishesAll == true),
            "Dns": .texts(record.resolver?.servers ?? []),
            "DnsOptions": .texts(record.resolver?.options ?? []),
            "DnsSearch": .texts(record.resolver?.search ?? []),
            "ExtraHosts": record.hosts.map(JSONValue.texts) ?? .null,
            "RestartPolicy": [
                "Name": .string(record.restart?.name ?? "no"), "MaximumRetryCount": .int(Int64(record.restart?.maximum ?? 0)),
            ],
            "AutoRemove": .bool(record.isTemporary),
            "GroupAdd": record.extraGroups.map(JSONValue.texts) ?? .null,
            "CapAdd": .texts(bounding.subtracting(standard).sorted()),
            "CapDrop": .texts(standard.subtracting(bounding).sorted()),
            "ReadonlyRootfs": .bool(spec.root?.readonly == true),
            "Init": .bool(record.hasInit),
            "CgroupParent": .string(Self.parent(of: spec.linux?.cgroupsPath ?? "")),
            "UsernsMode": .string(record.users == nil ? "host" : ""),
            "Memory": .int(resources?.memory?.limit ?? 0),
            "MemoryReservation": .int(resources?.memory?.reservation ?? 0),
            "MemorySwap": .int(resources?.memory?.swap ?? 0),
            "OomScoreAdj": .int(Int64(spec.process?.oomScoreAdj ?? 0)),
            "PidsLimit": resources?.pids.map { .int($0.limit) } ?? .null,
            "CpuShares": .int(Int64(clamping: resources?.cpu?.shares ?? 0)),
            "NanoCpus": .int(Self.nanoProcessors(resources?.cpu)),
            "CpuQuota": .int(resources?.cpu?.quota ?? 0),
            "CpuPeriod": .int(Int64(clamping: resources?.cpu?.period ?? 0)),
            "CpusetCpus": .string(resources?.cpu?.cpus ?? ""),
            "CpusetMems": .string(resources?.cpu?.mems ?? ""),
            "MaskedPaths": .texts(spec.linux?.maskedPaths ?? []),
            "ReadonlyPaths": .texts(spec.linux?.readonlyPaths ?? []),
            "Sysctls": .texts(spec.linux?.sysctl ?? [:]),
        ]
        addRights(spec, to: &object)
        addSharing(spec, in: home, to: &object)
        addDeviceLimits(spec, to: &object)
        return object
    }

    private func ipcMode(_ spec: Spec) -> String {
        if let owner = record.joins?["ipc"] { return "container:\(owner)" }
        return spec.linux?.namespaces?.contains { $0.type == .ipc } == true ? record.ipc ?? Request.IPCMode.shareable.rawValue : "host"
    }

    /// docker's `--cpus`, in billionths of a processor; 0 for no limit.
    private static func nanoProcessors(_ cpu: Spec.Resources.CPU?) -> Int64 {
        guard let quota = cpu?.quota, quota > 0 else { return 0 }
        let share = quota.multipliedReportingOverflow(by: 1_000_000_000)
        return share.overflow ? 0 : share.partialValue / max(1, Int64(clamping: cpu?.period ?? 100_000))
    }

    /// `a/b` of `a/b/c`; empty at the top.
    private static func parent(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }

    private func config(_ spec: Spec) -> JSONObject {
        let user = spec.process?.user
        let words = record.entrypoint ?? 0
        var object: JSONObject = [
            "Hostname": .string(spec.hostname ?? ""),
            "Domainname": .string(spec.domainname ?? ""),
            "User": .string(user.map { $0.uid == 0 && $0.gid == 0 ? "" : "\($0.uid):\($0.gid)" } ?? ""),
            "AttachStdin": .bool(record.interactive && record.attaches("stdin")),
            "AttachStdout": .bool(record.attaches("stdout")),
            "AttachStderr": .bool(record.attaches("stderr")),
            "ExposedPorts": record.exposedPorts,
            "Tty": .bool(record.terminal),
            "OpenStdin": .bool(record.interactive),
            "StdinOnce": .bool(record.stdinOnce == true),
            "Env": .texts(spec.process?.env ?? []),
            "Cmd": .texts(Array(record.command.dropFirst(words))),
            "Image": .string(record.image),
            "Volumes": volumes,
            "WorkingDir": .string(spec.process?.cwd ?? "/"),
            "Entrypoint": words == 0 ? .null : .texts(Array(record.command.prefix(words))),
            "Labels": .texts(record.labels ?? [:]),
            "StopSignal": .string(record.stopSignal ?? "SIGTERM"),
            "StopTimeout": record.stopTimeout.map { .int(Int64($0)) } ?? .null,
        ]
        object["OnBuild"] = .null
        if let health = record.health {
            object["Healthcheck"] = health.description
            object["HealthcheckOnFailureAction"] = .string(health.onFailure)
        }
        return object
    }
}

extension Container {
    /// Where it has nameless volumes.
    private var volumes: JSONValue {
        let places = (record.mounts ?? []).filter { $0.anonymous && $0.lender == nil }.map(\.destination).sorted()
        return places.isEmpty ? .null : .object(JSONObject(distinct: places.map { ($0, [:]) }))
    }
}

extension HealthState.Result {
    fileprivate var description: JSONValue {
        ["Start": .string(start), "End": .string(end), "ExitCode": .int(Int64(exitCode)), "Output": .string(output)]
    }
}

extension Record.MountPoint {
    fileprivate func description(_ spec: Spec) -> JSONValue {
        var object: JSONObject = ["Type": .string(type)]
        if let name { object["Name"] = .string(name) }
        object["Source"] = .string(source)
        object["Destination"] = .string(destination)
        if type == "volume" { object["Driver"] = "local" }
        object["Mode"] = .string(writable ? "rw" : "ro")
        object["RW"] = .bool(writable)
        object["Propagation"] = .string(type == "bind" ? propagation(spec) : "")
        // Not docker's, who cannot do it.
        if let live { object["Live"] = live.isKept ? "kept" : "until it ends" }
        return .object(object)
    }
}

extension Record.MountPoint {
    private static let propagations: [StaticString] = ["private", "rprivate", "slave", "rslave", "shared", "rshared"]

    private func propagation(_ spec: Spec) -> String {
        let options = spec.mounts?.last { $0.destination == destination }?.options ?? []
        return options.last { option in Self.propagations.contains { option == $0.description } } ?? "rprivate"
    }
}

extension JSONValue {
    static func texts(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    /// In the order of the names, as Go writes a map.
    static func texts(_ texts: [String: String]) -> JSONValue {
        .object(JSONObject(distinct: texts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    }
}
