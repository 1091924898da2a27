// SPDX-License-Identifier: Apache-2.0
package import JSON
import Linux

/// `state.json`: what is known of a container. Never a status word: that is worked out each time anew.
package struct RuntimeState: Equatable, Sendable {
    package var id = ""
    /// Absolute.
    package var bundle = ""
    /// The root file system on the host, absolute.
    package var rootfs = ""
    /// RFC 3339.
    package var created = ""
    /// The host's user who created it.
    package var owner: UInt32 = 0
    package var annotations: [String: String]?
    /// Hierarchy label → directory on the host.
    package var cgroup: [String: String]?
    /// A session keyring of its own, which `exec` joins.
    package var hasKeyring: Bool = true
    /// The first process. Its number counts only with its start time, and only in this boot.
    package var process: Process?

    package struct Process: Equatable, Sendable {
        package var pid: Int32 = 0
        package var startTime: UInt64 = 0
        package var boot = ""
    }
}

extension RuntimeState: JSONRecord {
    /// In bytes. All annotations of a `config.json` that is read have room.
    static let limit = JSONLimits().bytes

    package init(_: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("id", &id)
        try json("bundle", &bundle)
        try json("rootfs", &rootfs)
        try json("created", &created)
        try json("owner", &owner)
        try json("annotations", &annotations)
        try json("cgroup", &cgroup)
        try json("hasKeyring", &hasKeyring)
        try json("process", &process)
    }

    init(reading bytes: [UInt8], of id: RuntimeID) throws(RuntimeError) {
        do throws(JSONError) {
            self = try JSONDecoder().decode(RuntimeState.self, from: bytes)
        } catch {
            throw .malformed("the state of container \(id.text)", error)
        }
        guard self.id == id.text else { throw .refused("the state of container \(id.text) is that of another") }
    }
}

extension RuntimeState.Process: JSONRecord {
    package init(_: JSONBlank) {}

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("pid", &pid)
        try json("startTime", &startTime)
        try json("boot", &boot)
    }

    init(_ identity: ProcessIdentity, boot: String) {
        pid = identity.pid
        startTime = identity.startTime
        self.boot = boot
    }
}
