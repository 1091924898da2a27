// SPDX-License-Identifier: Apache-2.0
import Linux

/// Where an engine gets a pidfd of a new process, runc's `--pidfd-socket`. A number could be another's by the time it is read.
struct PIDFDSocket: ~Copyable {
    private var socket: MessageSocket?

    /// What runc says beside it, of a container's first process and of one that joins.
    enum Role: String { case first = "standard", joined = "setns" }

    /// Connects at once, before anything is made that an unreachable engine would leave behind.
    init(_ path: String?) throws(RuntimeError) {
        guard let path else { return }
        do throws(SystemError) { socket = MessageSocket(owning: try LocalSocket.connect(path)) } catch {
            throw .system(doing: "reach the pidfd socket", error)
        }
    }

    /// Sends it, if there is a socket.
    func send(_ process: borrowing ProcessHandle, _ role: Role) throws(RuntimeError) {
        do throws(SystemError) {
            try socket?.send(Array(role.rawValue.utf8), descriptors: [process.descriptor.raw])
        } catch {
            throw .system(doing: "send the pidfd to the pidfd socket", error)
        }
    }
}
