// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Where the master of a new terminal goes: to a socket of the engine's, or to our caller.
struct Console: ~Copyable {
    private var socket: MessageSocket?

    /// Connects at once, before anything is made that an unreachable engine would leave behind.
    init(_ path: String?, for process: Spec.Process?, isForeground: Bool) throws(RuntimeError) {
        let hasTerminal = process?.terminal ?? false
        guard let path else {
            guard !hasTerminal || isForeground else {
                throw .refused("process.terminal is true and nobody would hold the terminal: give --console-socket")
            }
            return
        }
        guard hasTerminal else { throw .refused("--console-socket is given, but process.terminal is false: there is no terminal to send") }
        do throws(SystemError) {
            socket = MessageSocket(owning: try LocalSocket.connect(path))
        } catch {
            throw .system(doing: "reach the console socket", error)
        }
    }

    /// Sends the terminal, if there is a socket and a terminal. Engines take the bytes beside it for its name and never read them.
    func take(_ terminal: inout FileDescriptor?) throws(RuntimeError) {
        guard socket != nil, let master = terminal.take() else { return }
        do throws(SystemError) {
            try socket?.send(Array("/dev/ptmx".utf8), descriptors: [master.raw])
        } catch {
            throw .system(doing: "send the terminal to the console socket", error)
        }
    }
}

/// A file that tells an engine which process to watch.
struct PIDFile {
    let path: String

    /// Decimal, without a line's end; there is never half a number.
    func write(_ pid: Int32) throws(RuntimeError) {
        let (folder, name) = path.folderAndName
        do throws(SystemError) {
            let directory = try FileDescriptor(opening: folder, [.path, .directory])
            try File.replace(name, at: directory.place, with: Array("\(pid)".utf8), mode: 0o644)
        } catch {
            throw .system(doing: "write the pid file \(path)", error)
        }
    }
}

extension Stdio {
    /// Our own streams. The host's `/dev/null` becomes the container's: what its root does to that node must not happen to ours.
    /// A pipe is given to the container's user, who could not open it again by `/dev/stdout` otherwise.
    init(inheritedFor user: UInt32, in spec: Spec) {
        let owner = spec.hostUser(user)
        func source(_ raw: CInt) -> Source {
            guard let status = try? FileStatus(ofDescriptor: raw) else { return .null }
            if status.isNullDevice { return .null }
            if status.kind == .fifo, let owner, status.owner != owner { fchown(raw, owner, gid_t.max) }
            return .descriptor(raw)
        }
        self.init(input: source(0), output: source(1), error: source(2))
    }
}
