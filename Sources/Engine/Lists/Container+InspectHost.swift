// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
package import OCI

/// The members of docker's HostConfig by which people, and programs that audit containers, see how far one is from its host.
extension Container {
    func addRights(_ spec: Spec, to object: inout JSONObject) {
        let isPrivileged = Self.isPrivileged(spec)
        object["Privileged"] = .bool(isPrivileged)
        var options: [String] = spec.process?.noNewPrivileges == true ? ["no-new-privileges"] : []
        if !isPrivileged {
            if let file = record.seccomp {
                options.append("seccomp=\(file)")
            } else if spec.linux?.seccomp == nil, record.filterKey == nil {
                options.append("seccomp=unconfined")
            }
            if spec.linux?.maskedPaths?.isEmpty != false, spec.linux?.readonlyPaths?.isEmpty != false {
                options.append("systempaths=unconfined")
            }
        }
        if let profile = spec.process?.apparmorProfile { options.append("apparmor=\(profile)") }
        if let label = spec.process?.selinuxLabel { options.append("label=\(label)") }
        object["SecurityOpt"] = .texts(options)
        object["Ulimits"] = .array(
            (spec.process?.rlimits ?? []).map { limit in
                [
                    "Name": .string(limit.type.hasPrefix("RLIMIT_") ? limit.type.dropFirst(7).lowercased() : limit.type),
                    // As docker has it, -1 is no limit.
                    "Hard": .int(Int64(bitPattern: limit.hard)), "Soft": .int(Int64(bitPattern: limit.soft)),
                ]
            })
    }

    func addSharing(_ spec: Spec, in home: borrowing Home, to object: inout JSONObject) {
        func mode(_ kind: Spec.Linux.Namespace.Kind, _ file: String, own: String = "") -> JSONValue {
            if let owner = record.joins?[file] { return .string("container:\(owner)") }
            return .string(spec.linux?.namespaces?.contains { $0.type == kind } == true ? own : "host")
        }
        object["PidMode"] = mode(.pid, "pid")
        object["UTSMode"] = mode(.uts, "uts")
        object["CgroupnsMode"] = mode(.cgroup, "cgroup", own: "private")
        object["ShmSize"] = .int(Int64(clamping: Self.shmSize(spec) ?? Request.usualShmSize))
        let links = (record.links ?? []).map { link in
            let parts = link.split(separator: ":", maxSplits: 1).map(String.init)
            let name = parts.first.flatMap { ContainerID($0) }.flatMap { try? home.container($0).name } ?? parts.first ?? ""
            return "/\(name):/\(record.name)/\(parts.last ?? name)"
        }
        object["Links"] = links.isEmpty ? .null : .texts(links)
        var memory = JSONObject()
        for mount in mountRequests(spec, nil, besides: []) {
            guard case .tmpfs = mount.kind else { continue }
            memory[mount.destination] = .string((mount.options + (mount.isReadOnly ? ["ro"] : [])).joined(separator: ","))
        }
        object["Tmpfs"] = .object(memory)
        object["Annotations"] = .texts(spec.annotations ?? [:])
        object["Runtime"] = "minictl"
        object["Isolation"] = ""
        object["VolumeDriver"] = ""
    }

    func addDeviceLimits(_ spec: Spec, to object: inout JSONObject) {
        let (devices, rules) = Self.isPrivileged(spec) ? ([], []) : Self.devices(spec)
        object["Devices"] = .array(
            devices.map {
                [
                    "PathOnHost": .string($0.host), "PathInContainer": .string($0.container), "CgroupPermissions": .string($0.access),
                ]
            })
        object["DeviceRequests"] = .null
        object["DeviceCgroupRules"] = rules.isEmpty ? .null : .texts(rules.map(\.word))
        let memory = spec.linux?.resources?.memory
        object["MemorySwappiness"] = memory?.swappiness.map { .int(Int64(clamping: $0)) } ?? .null
        object["OomKillDisable"] = .bool(memory?.disableOOMKiller == true)
        let cpu = spec.linux?.resources?.cpu
        object["CpuRealtimePeriod"] = .int(Int64(clamping: cpu?.realtimePeriod ?? 0))
        object["CpuRealtimeRuntime"] = .int(cpu?.realtimeRuntime ?? 0)
        let io = spec.linux?.resources?.blockIO
        object["BlkioWeight"] = .int(Int64(io?.weight ?? 0))
        object["BlkioWeightDevice"] = .array(
            (io?.weightDevice ?? []).map { ["Path": .string(Self.path($0.major, $0.minor)), "Weight": .int(Int64($0.weight ?? 0))] })
        for (name, devices) in [
            ("BlkioDeviceReadBps", io?.throttleReadBpsDevice), ("BlkioDeviceWriteBps", io?.throttleWriteBpsDevice),
            ("BlkioDeviceReadIOps", io?.throttleReadIOPSDevice), ("BlkioDeviceWriteIOps", io?.throttleWriteIOPSDevice),
        ] {
            object[name] = .array(
                (devices ?? []).map { ["Path": .string(Self.path($0.major, $0.minor)), "Rate": .int(Int64(clamping: $0.rate))] })
        }
    }

    private static func path(_ major: Int64, _ minor: Int64) -> String {
        Machine.devicePath(block: true, UInt32(clamping: major), UInt32(clamping: minor)) ?? "\(major):\(minor)"
    }
}

extension Spec.Resources.DeviceRule {
    /// As `--device-cgroup-rule` takes it.
    package var word: String {
        func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "*" }
        return "\(type?.rawValue ?? "a") \(number(major)):\(number(minor)) \(access ?? "rwm")"
    }
}
