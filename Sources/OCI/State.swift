// SPDX-License-Identifier: Apache-2.0

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
