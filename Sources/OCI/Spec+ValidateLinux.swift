// SPDX-License-Identifier: Apache-2.0

import JSON

extension Spec.Linux {
    func validate() throws(SpecError) {
        try validateNamespaces()
        try validateMappings()
        try validateTimeOffsets()
        try validateDevices()
        for (name, value) in sysctl ?? [:] {
            guard isSysctl(name) else { throw .invalid(field: "linux.sysctl", reason: "\(quoted(name)) is not a sysctl's name") }
            try check(value, "linux.sysctl[\(quoted(name))]")
        }
        for (index, path) in (maskedPaths ?? []).enumerated() { try check(absolute: path, "linux.maskedPaths[\(index)]") }
        for (index, path) in (readonlyPaths ?? []).enumerated() { try check(absolute: path, "linux.readonlyPaths[\(index)]") }
        try check(mountLabel, "linux.mountLabel")
        try check(cgroupsPath, "linux.cgroupsPath")
        guard !hasParent(cgroupsPath ?? "") else { throw .invalid(field: "linux.cgroupsPath", reason: "contains '..'") }
        // The class of service is a directory's name in resctrl.
        if let closID = intelRdt?.closID, !isFileName(closID) {
            throw .invalid(field: "linux.intelRdt.closID", reason: "\(quoted(closID)) is not a directory's name")
        }
        try resources?.validate()
        try seccomp?.validate()
    }

    private func has(_ kind: Namespace.Kind) -> Bool { namespaces?.contains { $0.type == kind } ?? false }

    private func validateNamespaces() throws(SpecError) {
        try checkUnique((namespaces ?? []).map(\.type.rawValue), "linux.namespaces")
        for (index, namespace) in (namespaces ?? []).enumerated() {
            if let path = namespace.path, !path.isEmpty { try check(absolute: path, "linux.namespaces[\(index)].path") }
        }
    }

    private func validateMappings() throws(SpecError) {
        for (field, mappings) in [("linux.uidMappings", uidMappings), ("linux.gidMappings", gidMappings)] {
            guard let mappings, !mappings.isEmpty else { continue }
            guard has(.user) else { throw .invalid(field: field, reason: "needs a user namespace in linux.namespaces") }
            try Spec.IDMapping.validate(mappings, field)
        }
    }

    private func validateTimeOffsets() throws(SpecError) {
        guard let timeOffsets, !timeOffsets.isEmpty else { return }
        guard has(.time) else { throw .invalid(field: "linux.timeOffsets", reason: "needs a time namespace in linux.namespaces") }
        for (clock, offset) in timeOffsets {
            guard clock == "monotonic" || clock == "boottime" else {
                throw .invalid(field: "linux.timeOffsets", reason: "unknown clock \(quoted(clock)), known are monotonic, boottime")
            }
            try check(offset.nanosecs, in: 0...999_999_999, "linux.timeOffsets.\(clock).nanosecs")
        }
    }

    private func validateDevices() throws(SpecError) {
        for (index, device) in (devices ?? []).enumerated() {
            let field = "linux.devices[\(index)]"
            try check(absolute: device.path, "\(field).path")
            try check(device.major, in: 0...0xfff, "\(field).major")
            try check(device.minor, in: 0...0xf_ffff, "\(field).minor")
            if device.type != .fifo, device.major == nil || device.minor == nil { throw .missing(field: "\(field).major or minor") }
            try check(device.uid, in: 0...UInt32.max - 1, "\(field).uid")
            try check(device.gid, in: 0...UInt32.max - 1, "\(field).gid")
        }
        for (name, device) in netDevices ?? [:] {
            guard has(.network) else { throw .invalid(field: "linux.netDevices", reason: "needs a network namespace in linux.namespaces") }
            guard isInterface(name), device.name.map(isInterface) ?? true else {
                throw .invalid(field: "linux.netDevices[\(quoted(name))]", reason: "is not an interface's name")
            }
        }
    }
}

extension Spec.Resources {
    /// Values that are written into files of the cgroup, and names that become files there.
    package func validate(_ field: String = "linux.resources") throws(SpecError) {
        for (index, rule) in (devices ?? []).enumerated() { try rule.validate("\(field).devices[\(index)]") }
        try memory?.validate("\(field).memory")
        try cpu?.validate("\(field).cpu")
        try check(pids?.limit, "\(field).pids.limit")
        for (index, page) in (hugepageLimits ?? []).enumerated() where !isFileName(page.pageSize) {
            throw .invalid(field: "\(field).hugepageLimits[\(index)].pageSize", reason: "\(quoted(page.pageSize)) is not a page size")
        }
        for name in (unified ?? [:]).keys where !isFileName(name) {
            throw .invalid(field: "\(field).unified", reason: "\(quoted(name)) is not a file of a cgroup")
        }
        for (name, value) in unified ?? [:] { try check(value, "\(field).unified[\(quoted(name))]") }
        for name in (rdma ?? [:]).keys where !isFileName(name) {
            throw .invalid(field: "\(field).rdma", reason: "\(quoted(name)) is not a device's name")
        }
        for (index, entry) in (network?.priorities ?? []).enumerated() where !isInterface(entry.name) {
            throw .invalid(field: "\(field).network.priorities[\(index)].name", reason: "\(quoted(entry.name)) is not an interface's name")
        }
    }
}

extension Spec.Resources.DeviceRule {
    fileprivate func validate(_ field: @autoclosure () -> String) throws(SpecError) {
        // Some engines write -1 for "all".
        try check(major, in: -1...Int64(UInt32.max), "\(field()).major")
        try check(minor, in: -1...Int64(UInt32.max), "\(field()).minor")
        guard (access ?? "").utf8.allSatisfy({ "rwm".utf8.contains($0) }) else {
            throw .invalid(field: "\(field()).access", reason: "\(quoted(access ?? "")) is not made of r, w and m")
        }
    }
}

extension Spec.Resources.Memory {
    fileprivate func validate(_ field: String) throws(SpecError) {
        try check(limit, "\(field).limit")
        try check(reservation, "\(field).reservation")
        try check(swap, "\(field).swap")
        try check(kernel, "\(field).kernel")
        try check(kernelTCP, "\(field).kernelTCP")
        try check(swappiness, in: 0...200, "\(field).swappiness")
    }
}

extension Spec.Resources.CPU {
    fileprivate func validate(_ field: String) throws(SpecError) {
        try check(quota, "\(field).quota")
        try check(realtimeRuntime, "\(field).realtimeRuntime")
        try check(idle, in: 0...1, "\(field).idle")
        for (name, list) in [("cpus", cpus), ("mems", mems)] {
            guard (list ?? "").utf8.allSatisfy({ "0123456789,-".utf8.contains($0) }) else {
                throw .invalid(field: "\(field).\(name)", reason: "\(quoted(list ?? "")) is not a list such as 0-3,7")
            }
        }
    }
}

extension Spec.Seccomp {
    package func validate(_ field: String = "linux.seccomp") throws(SpecError) {
        guard defaultAction != .notify else {
            throw .invalid(
                field: "\(field).defaultAction", reason: "SCMP_ACT_NOTIFY cannot be the default: its listener could never be told")
        }
        // SECCOMP_RET_DATA is 16 bits wide.
        try check(defaultErrnoRet, in: 0...0xffff, "\(field).defaultErrnoRet")
        if let listenerPath, !listenerPath.isEmpty { try check(absolute: listenerPath, "\(field).listenerPath") }
        for (index, call) in (syscalls ?? []).enumerated() {
            guard !call.names.isEmpty else { throw .missing(field: "\(field).syscalls[\(index)].names") }
            for name in call.names { try check(name, "\(field).syscalls[\(index)].names") }
            try check(call.errnoRet, in: 0...0xffff, "\(field).syscalls[\(index)].errnoRet")
            for argument in call.args ?? [] { try check(argument.index, in: 0...5, "\(field).syscalls[\(index)].args.index") }
            if call.action == .notify, (listenerPath ?? "").isEmpty { throw .missing(field: "\(field).listenerPath") }
        }
    }
}

// MARK: - names that become paths

/// `net.ipv4.ip_forward`, or with slashes where a part contains a dot; it becomes a path below /proc/sys.
private func isSysctl(_ name: String) -> Bool {
    name.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }
        && name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { part in
            part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { !$0.isEmpty }
        }
}

private func isFileName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
        && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }
}

/// dev_valid_name: at most 15 bytes, no slash, colon or space.
private func isInterface(_ name: String) -> Bool {
    isFileName(name) && name.utf8.count <= 15 && !name.utf8.contains(UInt8(ascii: ":"))
}

private func hasParent(_ path: String) -> Bool {
    path.utf8.split(whereSeparator: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":") }).contains { $0.elementsEqual("..".utf8) }
}

private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
    default: false
    }
}
