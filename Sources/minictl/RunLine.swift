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
        if umask != Self.usualUmask { words += ["--umask", String(umask, radix: 8)] }
        return words
    }

    private var storage: [String] {
        var words = mounts.flatMap(\.words)
        for lender in lenders { words += ["--volumes-from", lender.container + (lender.isReadOnly ? ":ro" : "")] }
        if isReadOnly { words.append("--read-only") }
        if shmSize != Self.usualShmSize { words += ["--shm-size", Self.size(Int64(clamping: shmSize))] }
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
        if publishesAll { words.append("-P") }
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
