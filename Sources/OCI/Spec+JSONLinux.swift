// SPDX-License-Identifier: Apache-2.0

package import JSON

extension Spec.Linux: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("namespaces", &namespaces)
        try json("uidMappings", &uidMappings)
        try json("gidMappings", &gidMappings)
        try json("timeOffsets", &timeOffsets)
        try json("devices", &devices)
        try json("netDevices", &netDevices)
        try json("cgroupsPath", &cgroupsPath)
        try json("resources", &resources)
        try json("rootfsPropagation", &rootfsPropagation)
        try json("seccomp", &seccomp)
        try json("sysctl", &sysctl)
        try json("maskedPaths", &maskedPaths)
        try json("readonlyPaths", &readonlyPaths)
        try json("mountLabel", &mountLabel)
        try json("personality", &personality)
        try json("intelRdt", &intelRdt)
        try json("memoryPolicy", &memoryPolicy)
    }
}

extension Spec.Linux.MemoryPolicy: JSONRecord {
    package init(_: JSONBlank) { self.init(mode: .default) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("mode", &mode)
        try json("nodes", &nodes)
        try json("flags", &flags)
    }
}

extension Spec.Linux.Namespace: JSONRecord {
    package init(_: JSONBlank) { self.init(type: .pid) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("type", &type)
        try json("path", &path)
    }
}

extension Spec.Linux.TimeOffset: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("secs", &secs)
        try json("nanosecs", &nanosecs)
    }
}

extension Spec.Linux.Device: JSONRecord {
    package init(_: JSONBlank) { self.init(path: "", type: .character) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("path", &path)
        try json("type", &type)
        try json("major", &major)
        try json("minor", &minor)
        try json("fileMode", &fileMode)
        try json("uid", &uid)
        try json("gid", &gid)
    }
}

extension Spec.Linux.NetDevice: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("name", &name)
    }
}

extension Spec.Linux.Personality: JSONRecord {
    package init(_: JSONBlank) { self.init(domain: .linux) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("domain", &domain)
        try json("flags", &flags)
    }
}

extension Spec.Linux.IntelRdt: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("closID", &closID)
        try json("schemata", &schemata)
        try json("l3CacheSchema", &l3CacheSchema)
        try json("memBwSchema", &memBwSchema)
        try json("enableCMT", &enableCMT)
        try json("enableMBM", &enableMBM)
        try json("enableMonitoring", &enableMonitoring)
    }
}

extension Spec.Seccomp: JSONRecord {
    package init(_: JSONBlank) { self.init(defaultAction: .allow) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("defaultAction", &defaultAction)
        try json("defaultErrnoRet", &defaultErrnoRet)
        try json("architectures", &architectures)
        try json("flags", &flags)
        try json("listenerPath", &listenerPath)
        try json("listenerMetadata", &listenerMetadata)
        try json("syscalls", &syscalls)
    }
}

extension Spec.Seccomp.Syscall: JSONRecord {
    package init(_: JSONBlank) { self.init(names: [], action: .allow) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("names", &names)
        try json("action", &action)
        try json("errnoRet", &errnoRet)
        try json("args", &args)
    }
}

extension Spec.Seccomp.Argument: JSONRecord {
    package init(_: JSONBlank) { self.init(index: 0, value: 0, op: .equal) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("index", &index)
        try json("value", &value)
        try json("valueTwo", &valueTwo)
        try json("op", &op)
    }
}
