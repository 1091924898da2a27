// SPDX-License-Identifier: Apache-2.0

package import JSON

extension Spec.Resources: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("devices", &devices)
        try json("memory", &memory)
        try json("cpu", &cpu)
        try json("pids", &pids)
        try json("blockIO", &blockIO)
        try json("hugepageLimits", &hugepageLimits)
        try json("network", &network)
        try json("rdma", &rdma)
        try json("unified", &unified)
    }
}

extension Spec.Resources.DeviceRule: JSONRecord {
    package init(_: JSONBlank) { self.init(allow: false) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("allow", &allow)
        try json("type", &type)
        try json("major", &major)
        try json("minor", &minor)
        try json("access", &access)
    }
}

extension Spec.Resources.Memory: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("limit", &limit)
        try json("reservation", &reservation)
        try json("swap", &swap)
        try json("kernel", &kernel)
        try json("kernelTCP", &kernelTCP)
        try json("swappiness", &swappiness)
        try json("disableOOMKiller", &disableOOMKiller)
        try json("useHierarchy", &useHierarchy)
        try json("checkBeforeUpdate", &checkBeforeUpdate)
    }
}

extension Spec.Resources.CPU: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("shares", &shares)
        try json("quota", &quota)
        try json("burst", &burst)
        try json("period", &period)
        try json("realtimeRuntime", &realtimeRuntime)
        try json("realtimePeriod", &realtimePeriod)
        try json("cpus", &cpus)
        try json("mems", &mems)
        try json("idle", &idle)
    }
}

extension Spec.Resources.Pids: JSONRecord {
    package init(_: JSONBlank) { self.init(limit: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("limit", &limit)
    }
}

extension Spec.Resources.BlockIO: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("weight", &weight)
        try json("leafWeight", &leafWeight)
        try json("weightDevice", &weightDevice)
        try json("throttleReadBpsDevice", &throttleReadBpsDevice)
        try json("throttleWriteBpsDevice", &throttleWriteBpsDevice)
        try json("throttleReadIOPSDevice", &throttleReadIOPSDevice)
        try json("throttleWriteIOPSDevice", &throttleWriteIOPSDevice)
    }
}

extension Spec.Resources.WeightDevice: JSONRecord {
    package init(_: JSONBlank) { self.init(major: 0, minor: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("major", &major)
        try json("minor", &minor)
        try json("weight", &weight)
        try json("leafWeight", &leafWeight)
    }
}

extension Spec.Resources.ThrottleDevice: JSONRecord {
    package init(_: JSONBlank) { self.init(major: 0, minor: 0, rate: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("major", &major)
        try json("minor", &minor)
        try json("rate", &rate)
    }
}

extension Spec.Resources.HugepageLimit: JSONRecord {
    package init(_: JSONBlank) { self.init(pageSize: "", limit: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("pageSize", &pageSize)
        try json("limit", &limit)
    }
}

extension Spec.Resources.Network: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("classID", &classID)
        try json("priorities", &priorities)
    }
}

extension Spec.Resources.InterfacePriority: JSONRecord {
    package init(_: JSONBlank) { self.init(name: "", priority: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("name", &name)
        try json("priority", &priority)
    }
}

extension Spec.Resources.Rdma: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("hcaHandles", &hcaHandles)
        try json("hcaObjects", &hcaObjects)
    }
}
