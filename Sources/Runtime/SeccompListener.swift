// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import OCI

/// A filter's notification descriptor on its way to the agent that answers for the kernel (`SCMP_ACT_NOTIFY`).
struct SeccompListener: ~Copyable {
    private let descriptor: FileDescriptor
    private let path: String
    private let metadata: String?

    init(owning descriptor: consuming FileDescriptor, of profile: Spec.Seccomp?) {
        self.descriptor = descriptor
        path = profile?.listenerPath ?? ""
        metadata = profile?.listenerMetadata
    }

    /// Sends it as the runtime spec says ("The Container Process State"): the descriptor beside one JSON object.
    /// - Parameter process: the process under the filter.
    consuming func send(process: Int32, _ state: State) throws(SystemError) {
        let message = ProcessState(pid: Int(process), metadata: metadata, state: state)
        let socket = MessageSocket(owning: try LocalSocket.connect(path))
        try socket.send(JSONEncoder().bytes(of: message, for: path), descriptors: [descriptor.raw])
    }

    private struct ProcessState: JSONRecord {
        var ociVersion = Spec.version
        var fds = ["seccompFd"]
        var pid = 0
        var metadata: String?
        var state: State

        init(pid: Int, metadata: String?, state: State) {
            self.pid = pid
            self.metadata = metadata
            self.state = state
        }

        init(_ blank: JSONBlank) { state = State(blank) }

        mutating func members(_ json: inout JSONMembers) throws(JSONError) {
            try json("ociVersion", &ociVersion)
            try json("fds", &fds)
            try json("pid", &pid)
            try json("metadata", &metadata)
            try json("state", &state)
        }
    }
}
