// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import JSON
import OCI
import Runtime

/// A container as `state` and `list` show it: the runtime spec's state and what runc adds to it.
struct StateReport: JSONRecord {
    var ociVersion = Spec.version
    var id = ""
    var pid = 0
    var status = State.Status.stopped
    var bundle = ""
    var rootfs = ""
    var created = ""
    var annotations: [String: String]?
    var owner = ""

    init(_: JSONBlank) {}

    init(_ container: borrowing RuntimeContainer) {
        let state = container.ociState()
        id = state.id
        pid = state.pid ?? 0
        status = state.status
        bundle = state.bundle
        rootfs = container.state.rootfs
        created = container.state.created
        annotations = state.annotations
        owner = getpwuid(container.state.owner).map { String(cString: $0.pointee.pw_name) } ?? "\(container.state.owner)"
    }

    mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("ociVersion", &ociVersion)
        try json("id", &id)
        try json("pid", &pid)
        try json("status", &status)
        try json("bundle", &bundle)
        try json("rootfs", &rootfs)
        try json("created", &created)
        try json("annotations", &annotations)
        try json("owner", &owner)
    }
}

struct ShowState: Command {
    static let name: StaticString = "state"
    static let summary: StaticString = "show the state of a container"
    static let operands: Operands = "CONTAINER"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let container = try globals.directory().container(RuntimeID(arguments[0]), locked: false)
        try Output.standard.write(json: StateReport(container), isPretty: true)
        return 0
    }
}
