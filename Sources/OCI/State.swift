// SPDX-License-Identifier: Apache-2.0
package import JSON

/// What the `state` command prints and hooks receive on standard input (runtime.md, "State").
package struct State: Equatable, Sendable {
    package var ociVersion: String
    package var id: String
    package var status: Status
    /// The container's process in the caller's pid namespace, while there is one.
    package var pid: Int?
    /// An absolute path.
    package var bundle: String
    package var annotations: [String: String]?

    package init(
        ociVersion: String = Spec.version, id: String, status: Status, pid: Int? = nil, bundle: String,
        annotations: [String: String]? = nil
    ) {
        self.ociVersion = ociVersion
        self.id = id
        self.status = status
        self.pid = pid
        self.bundle = bundle
        self.annotations = annotations
    }

    package enum Status: String, Vocabulary {
        case creating, created, running, stopped
        /// Not in the specification, but what runc and crun say of a frozen container.
        case paused

        package static var noun: String { "status" }
    }
}

extension State: JSONRecord {
    package init(_: JSONBlank) { self.init(ociVersion: "", id: "", status: .creating, bundle: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("ociVersion", &ociVersion)
        try json("id", &id)
        try json("status", &status)
        try json("pid", &pid)
        try json("bundle", &bundle)
        try json("annotations", &annotations)
    }
}
