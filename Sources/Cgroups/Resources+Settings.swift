// SPDX-License-Identifier: Apache-2.0
package import OCI

extension Spec.Resources {
    /// The limits as texts for files, in the order in which the kernel takes them. Device rules are apart, in `DeviceRules`.
    ///
    /// - Parameters:
    ///   - version: which cgroup version carries a controller; on a hybrid machine they differ.
    ///   - memoryLimit: the version 1 memory limit in force, for an update; nil if there is none.
    package func settings(
        memoryLimit: UInt64? = nil, _ version: (Controller) -> Hierarchy.Version
    ) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        // The widest first: a cpuset must be right before CPU limits can be read as shares of it, memory before anything is charged.
        try settings += cpu?.cpuset(version(.cpuset)) ?? []
        try settings += memory?.settings(version(.memory), limitInForce: memoryLimit) ?? []
        try settings += cpu?.settings(version(.cpu)) ?? []
        if let pids {
            settings.append(Setting(.pids, version(.pids), "pids.max", pids.limit > 0 ? "\(pids.limit)" : "max"))
        }
        try settings += blockIO?.settings(version(.io)) ?? []
        for limit in hugepageLimits ?? [] { try settings += limit.settings(version(.hugetlb)) }
        try settings += network?.settings(version(.netClass), version(.netPriority)) ?? []
        try settings += rdmaSettings(version(.rdma))
        try settings += unifiedSettings(version)
        return settings
    }

    /// The controllers these limits need. Version 1 knows a superset, apart from `unified`; what is invalid counts as asked for,
    /// so that applying it gets to say why.
    package var controllers: ControllerSet {
        var set = ControllerSet()
        func add(_ controller: Controller, _ settings: () throws(CgroupError) -> [Setting]?) {
            if let settings = try? settings(), settings.isEmpty { return }
            set.insert(controller)
        }
        if let memory { add(.memory) { () throws(CgroupError) in try memory.settings(.v1) } }
        if let cpu {
            add(.cpu) { () throws(CgroupError) in try cpu.settings(.v1) }
            add(.cpuset) { () throws(CgroupError) in try cpu.cpuset(.v1) }
        }
        if let blockIO { add(.io) { () throws(CgroupError) in try blockIO.settings(.v1) } }
        if pids != nil { set.insert(.pids) }
        if hugepageLimits?.isEmpty == false { set.insert(.hugetlb) }
        if network?.classID != nil { set.insert(.netClass) }
        if network?.priorities?.isEmpty == false { set.insert(.netPriority) }
        if rdma?.isEmpty == false { set.insert(.rdma) }
        for file in (unified ?? [:]).keys {
            if let controller = Controller(unified: file.prefix { $0 != "." }) { set.insert(controller) }
        }
        if devices?.isEmpty == false { set.insert(.devices) }
        return set
    }
}

extension Spec.Resources.HugepageLimit {
    /// The reservation is limited with the use, where the kernel can (5.7): without it, `mmap` succeeds and the touch is a SIGBUS.
    fileprivate func settings(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        let digits = pageSize.prefix { $0 >= "0" && $0 <= "9" }
        let unit: UInt64
        switch pageSize.dropFirst(digits.count) {
        case "KB": unit = 1 << 10
        case "MB": unit = 1 << 20
        case "GB": unit = 1 << 30
        default: throw .invalid("huge page limit", "\(pageSize.debugDescription) is not a page size like 2MB")
        }
        guard let count = UInt64(digits), count > 0, count < 1 << 20 else {
            throw .invalid("huge page limit", "\(pageSize.debugDescription) is not a page size like 2MB")
        }
        let word = version == .v1 ? "limit_in_bytes" : "max"
        return [
            Setting(.hugetlb, version, "hugetlb.\(pageSize).\(word)", "\(limit)", proof: .bytes(unit: count * unit)),
            Setting(.hugetlb, version, "hugetlb.\(pageSize).rsvd.\(word)", "\(limit)", proof: .none, isOptional: true),
        ]
    }
}

extension Spec.Resources.Network {
    fileprivate func settings(_ classes: Hierarchy.Version, _ priorities: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        if let classID {
            guard classes == .v1 else { throw .onlyIn(.v1, "the network class id") }
            settings.append(Setting(.netClass, .v1, "net_cls.classid", "\(classID)"))
        }
        for interface in self.priorities ?? [] {
            guard priorities == .v1 else { throw .onlyIn(.v1, "the network priority") }
            let name = interface.name.utf8
            guard !name.isEmpty, name.count < 16, name.allSatisfy({ $0 > 0x20 && $0 != 0x7f && $0 != UInt8(ascii: "/") }) else {
                throw .invalid("network priority", "\(interface.name.debugDescription) is not an interface name")
            }
            let text = "\(interface.name) \(interface.priority)"
            settings.append(Setting(.netPriority, .v1, "net_prio.ifpriomap", text, proof: .line))
        }
        return settings
    }
}

extension Spec.Resources {
    fileprivate func rdmaSettings(_ version: Hierarchy.Version) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        for (device, limit) in (rdma ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard Self.isWord(device) else { throw .invalid("rdma limit", "\(device.debugDescription) is not a device name") }
            var text = device
            if let handles = limit.hcaHandles { text += " hca_handle=\(handles)" }
            if let objects = limit.hcaObjects { text += " hca_object=\(objects)" }
            settings.append(Setting(.rdma, version, "rdma.max", text, proof: .line))
        }
        return settings
    }

    /// Version 2 files by name. `cgroup.*` is not a limit but the cgroup's own machinery, and stays ours.
    fileprivate func unifiedSettings(_ version: (Controller) -> Hierarchy.Version) throws(CgroupError) -> [Setting] {
        var settings: [Setting] = []
        for (file, text) in (unified ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let dot = file.firstIndex(of: "."), Self.isWord(file), let controller = Controller(unified: file[..<dot]) else {
                throw .invalid("unified", "\(file.debugDescription) is not a file of a cgroup v2 controller")
            }
            guard version(controller) == .v2 else { throw .onlyIn(.v2, file) }
            guard !text.utf8.contains(0), !text.isEmpty else { throw .invalid(file, "\(text.debugDescription) is not a text to write") }
            // The kernel takes one line at a time, of one device.
            settings += text.split(separator: "\n").map { Setting(controller, .v2, file, String($0), proof: .none) }
        }
        return settings
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count < 256 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") }
    }
}
