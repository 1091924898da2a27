// SPDX-License-Identifier: Apache-2.0
import Engine
import Linux
import Network
import OCI

extension Request {
    /// The options and operands of `run` that ask for this: what `ContainerOptions` reads.
    var words: [String] {
        var words = general + process + storage + life + resourceWords + security + network + reach + sharing
        if let entrypoint { words += ["--entrypoint", entrypoint.first ?? ""] }
        switch source {
        case .image(let name): words.append(name)
        case .directory(let path): words += ["--rootfs", path]
        }
        // Only the first word of an entrypoint is an option's; what else it had is the command's.
        return words + (entrypoint.map { Array($0.dropFirst()) } ?? []) + command
    }

    private var general: [String] {
        // Whoever has a terminal sits at it.
        var words =
            terminal && interactive ? ["-it"] : (attached.isEmpty ? ["-d"] : []) + (terminal ? ["-t"] : []) + (interactive ? ["-i"] : [])
        for stream in attached { words += ["-a", stream] }
        if isTemporary { words.append("--rm") }
        if let name { words += ["--name", name.text] }
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) { words += ["-l", "\(key)=\(value)"] }
        for (key, value) in annotations.sorted(by: { $0.key < $1.key }) { words += ["--annotation", "\(key)=\(value)"] }
        let usual = Record.Log()
        if log.driver != usual.driver { words += ["--log-driver", log.driver] }
        if log.maxSize != usual.maxSize { words += ["--log-opt", "max-size=\(log.maxSize)"] }
        if log.maxFiles != usual.maxFiles { words += ["--log-opt", "max-file=\(log.maxFiles)"] }
        return words
    }

    private var process: [String] {
        var words: [String] = []
        for entry in environment { words += ["-e", entry] }
        if let workingDirectory { words += ["-w", workingDirectory] }
        if let user { words += ["-u", user] }
        for group in extraGroups { words += ["--group-add", group] }
        if let hostname { words += ["-h", hostname] }
        if let domainname { words += ["--domainname", domainname] }
        if hasInit { words.append("--init") }
        if let stopSignal { words += ["--stop-signal", stopSignal] }
        if let stopTimeout { words += ["--stop-timeout", "\(stopTimeout)"] }
        if umask != 0o022 { words += ["--umask", String(umask, radix: 8)] }
        return words
    }

    private var storage: [String] {
        var words = mounts.flatMap(\.words)
        for lender in lenders { words += ["--volumes-from", lender.container + (lender.isReadOnly ? ":ro" : "")] }
        if isReadOnly { words.append("--read-only") }
        if shmSize != 64 << 20 { words += ["--shm-size", Self.size(Int64(clamping: shmSize))] }
        for device in devices { words += ["--device", device.word] }
        for rule in deviceRules { words += ["--device-cgroup-rule", rule.word] }
        return words
    }

    private var security: [String] {
        var words = isPrivileged ? ["--privileged"] : []
        for name in droppedCapabilities { words += ["--cap-drop", Self.short(name)] }
        for name in addedCapabilities { words += ["--cap-add", Self.short(name)] }
        if noNewPrivileges { words += ["--security-opt", "no-new-privileges"] }
        switch seccomp {
        case .standard: break
        case .unconfined: words += ["--security-opt", "seccomp=unconfined"]
        case .file(let path): words += ["--security-opt", "seccomp=\(path)"]
        }
        if !masked.isEmpty { words += ["--security-opt", "mask=\(masked.joined(separator: ":"))"] }
        if !unmasked.isEmpty { words += ["--security-opt", "unmask=\(unmasked.joined(separator: ":"))"] }
        if let appArmorProfile { words += ["--security-opt", "apparmor=\(appArmorProfile)"] }
        if let selinuxLabel { words += ["--security-opt", "label=\(selinuxLabel)"] }
        for (key, value) in sysctls.sorted(by: { $0.key < $1.key }) { words += ["--sysctl", "\(key)=\(value)"] }
        switch users {
        case .automatic: break
        case .host: words += ["--userns", "host"]
        case .keepID: words += ["--userns", "keep-id"]
        case .maps(let users, let groups):
            for map in users { words += ["--uidmap", map.word] }
            for map in groups { words += ["--gidmap", map.word] }
        }
        return words
    }

    private static func short(_ capability: String) -> String {
        capability.hasPrefix("CAP_") ? String(capability.dropFirst(4)) : capability
    }

    private var sharing: [String] {
        var words: [String] = []
        let usual = NamespaceChoices()
        for (option, choice, standard) in [
            ("--pid", namespaces.pid, usual.pid), ("--ipc", namespaces.ipc, usual.ipc),
            ("--uts", namespaces.uts, usual.uts), ("--cgroupns", namespaces.cgroup, usual.cgroup),
        ] where choice != standard {
            switch choice {
            case .own: words += [option, "private"]
            case .host: words += [option, "host"]
            case .container(let name): words += [option, "container:\(name)"]
            }
        }
        if namespaces.ipc == .own, ipc != .shareable { words += ["--ipc", ipc.rawValue] }
        for (clock, offset) in timeOffsets.sorted(by: { $0.key < $1.key }) { words += ["--time-offset", "\(clock)=\(offset.word)"] }
        return words
    }
}

// MARK: networks and life

extension Request {
    private var network: [String] {
        switch namespaces.network {
        case .host: ["--network", "host"]
        case .container(let name): ["--network", "container:\(name)"]
        case .own where endpoints.isEmpty: ["--network", "none"]
        case .own:
            endpoints == [Endpoint(network: NetworkDefinition.defaultName)] ? [] : endpoints.flatMap { ["--network", $0.word] }
        }
    }

    private var reach: [String] {
        var words: [String] = []
        for port in ports { words += ["-p", port.word] }
        for port in exposed { words += ["--expose", "\(port)"] }
        for server in resolver?.servers ?? [] { words += ["--dns", server] }
        for domain in resolver?.search ?? [] { words += ["--dns-search", domain] }
        for option in resolver?.options ?? [] { words += ["--dns-option", option] }
        for host in hosts { words += ["--add-host", host] }
        for link in links { words += ["--link", link.container == link.alias ? link.alias : "\(link.container):\(link.alias)"] }
        return words
    }

    private var life: [String] {
        var words: [String] = []
        if let restart { words += ["--restart", restart.maximum > 0 ? "\(restart.name):\(restart.maximum)" : restart.name] }
        if health.isDisabled { words.append("--no-healthcheck") }
        if let command = health.command { words += ["--health-cmd", command] }
        for (option, time) in [
            ("--health-interval", health.interval), ("--health-timeout", health.timeout), ("--health-start-period", health.startPeriod),
            ("--health-start-interval", health.startInterval),
        ] {
            if let time { words += [option, time % 1000 == 0 ? "\(time / 1000)s" : "\(time)ms"] }
        }
        if let retries = health.retries { words += ["--health-retries", "\(retries)"] }
        if let action = health.onFailure { words += ["--health-on-failure", action] }
        return words
    }
}

extension PortRequest {
    /// As people write it: tcp need not be said.
    fileprivate var word: String { transport == .tcp ? String("\(self)".dropLast(4)) : "\(self)" }
}

extension Endpoint {
    fileprivate var word: String {
        var parts = ["name=\(network)"]
        if let wantedAddress { parts.append("ip=\(wantedAddress)") }
        if let wantedAddress6 { parts.append("ip6=\(wantedAddress6)") }
        if let wantedMAC { parts.append("mac-address=\(wantedMAC)") }
        for alias in aliases ?? [] { parts.append("alias=\(alias)") }
        for address in linkLocal ?? [] { parts.append("link-local-ip=\(address)") }
        if let priority { parts.append("gw-priority=\(priority)") }
        if let parameters { parts.append(commaField("driver-opt=\(Self.parametersOption)=\(Self.words(parameters))")) }
        return parts.count == 1 ? network : parts.joined(separator: ",")
    }
}

// MARK: resources

extension Request {
    private var resourceWords: [String] {
        var words: [String] = []
        func add(_ option: String, _ value: (some CustomStringConvertible)?) { if let value { words += [option, "\(value)"] } }
        let memory = resources.memory
        add("-m", memory?.limit.map(Self.size))
        // As much swap as memory is what one gets without asking.
        add("--memory-swap", memory?.swap.flatMap { swap in memory?.limit.map { swap == $0 &* 2 } == true ? nil : Self.size(swap) })
        add("--memory-reservation", memory?.reservation.map(Self.size))
        add("--memory-swappiness", memory?.swappiness)
        if memory?.disableOOMKiller == true { words.append("--oom-kill-disable") }
        add("--oom-score-adj", oomScoreAdjustment)
        if let cpu = resources.cpu {
            if let quota = cpu.quota, quota > 0, cpu.period == 100_000 {
                add("--cpus", Self.decimal(quota))
            } else {
                add("--cpu-quota", cpu.quota)
                add("--cpu-period", cpu.period)
            }
            add("--cpu-shares", cpu.shares)
            add("--cpu-rt-period", cpu.realtimePeriod)
            add("--cpu-rt-runtime", cpu.realtimeRuntime)
            add("--cpuset-cpus", cpu.cpus)
            add("--cpuset-mems", cpu.mems)
        }
        add("--pids-limit", resources.pids?.limit)
        if let io = resources.blockIO {
            add("--blkio-weight", io.weight)
            for device in io.weightDevice ?? [] { add("--blkio-weight-device", device.word) }
            for (option, devices) in [
                ("--device-read-bps", io.throttleReadBpsDevice), ("--device-write-bps", io.throttleWriteBpsDevice),
                ("--device-read-iops", io.throttleReadIOPSDevice), ("--device-write-iops", io.throttleWriteIOPSDevice),
            ] {
                for device in devices ?? [] { add(option, device.word) }
            }
        }
        for limit in limits { add("--ulimit", limit.word) }
        add("--cgroup-parent", cgroupParent)
        return words
    }

    /// Bytes in the largest unit of which they are a whole number.
    fileprivate static func size(_ bytes: Int64) -> String {
        for (shift, unit) in [(30, "g"), (20, "m"), (10, "k")] where bytes > 0 && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    /// Hundred-thousandths as a decimal number.
    private static func decimal(_ quota: Int64) -> String {
        var fraction = "\(quota % 100_000 + 100_000)".dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return "\(quota / 100_000)" + (fraction.isEmpty ? "" : ".\(fraction)")
    }
}

extension Spec.Resources.ThrottleDevice {
    fileprivate var word: String { "\(blockDevice(major, minor)):\(rate)" }
}

extension Spec.Resources.WeightDevice {
    fileprivate var word: String { "\(blockDevice(major, minor)):\(weight ?? 0)" }
}

/// The device's node on this machine, if it has one.
private func blockDevice(_ major: Int64, _ minor: Int64) -> String {
    Machine.devicePath(block: true, UInt32(clamping: major), UInt32(clamping: minor)) ?? "\(major):\(minor)"
}

extension Spec.Process.Rlimit {
    fileprivate var word: String {
        let name = type.hasPrefix("RLIMIT_") ? String(type.dropFirst(7)).lowercased() : type
        func number(_ value: UInt64) -> String { value == .max ? "-1" : "\(value)" }
        return "\(name)=\(number(soft)):\(number(hard))"
    }
}

// MARK: one word each

extension MountRequest {
    fileprivate var words: [String] {
        let options = (isReadOnly ? ["ro"] : []) + self.options
        func joined(_ parts: [String]) -> String {
            (options.isEmpty ? parts : parts + [options.joined(separator: ",")]).joined(separator: ":")
        }
        switch kind {
        case .tmpfs: return ["--tmpfs", joined([destination])]
        case .volume(let name?): return ["-v", joined([name, destination])]
        case .volume(nil):
            // With one word behind it a folder would be a volume's name.
            return options.isEmpty ? ["-v", destination] : ["--mount", "type=volume,\(commaField("target=\(destination)")),readonly"]
        case .tree(_, let pid): return ["-v", "/proc/\(pid)/root:\(destination)"]
        case .bind(let source, _):
            guard source.contains(":") || destination.contains(":") else { return ["-v", joined([source, destination])] }
            let fields = [commaField("source=\(source)"), commaField("target=\(destination)")] + (isReadOnly ? ["readonly"] : [])
            return ["--mount", "type=bind," + fields.joined(separator: ",")]
        }
    }
}

/// As `CommaFields` reads it.
private func commaField(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") }) else { return text }
    return "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
}

extension DeviceRequest {
    fileprivate var word: String {
        if access == "rwm" { return host == container ? host : "\(host):\(container)" }
        return "\(host):\(container):\(access)"
    }
}

extension Spec.Resources.DeviceRule {
    fileprivate var word: String {
        func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "*" }
        return "\(type?.rawValue ?? "a") \(number(major)):\(number(minor)) \(access ?? "rwm")"
    }
}

extension Spec.IDMapping {
    fileprivate var word: String { "\(containerID):\(hostID):\(size)" }
}

extension Spec.Linux.TimeOffset {
    fileprivate var word: String {
        let seconds = secs ?? 0
        let (total, over) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds = over ? seconds.signum() * (Int64.max - 1) : total &+ Int64(nanosecs ?? 0)
        let size = nanoseconds.magnitude
        return (nanoseconds < 0 ? "-" : "+") + (size % 1_000_000_000 == 0 ? "\(size / 1_000_000_000)s" : "\(size)ns")
    }
}
