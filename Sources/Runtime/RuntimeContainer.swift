// SPDX-License-Identifier: Apache-2.0
package import Cgroups
import Glibc
import JSON
import Linux
package import OCI

/// One container of a state directory: its own directory, opened, and what its state said when it was read.
/// Its verbs, in the runtime spec's words, are a file each.
package struct RuntimeContainer: ~Copyable {
    package let id: RuntimeID
    let path: String
    let directory: FileDescriptor
    package internal(set) var state: RuntimeState
    let isLocked: Bool

    /// The cgroup, empty where there is none.
    package var cgroup: Cgroup {
        Cgroup(CgroupPaths((state.cgroup ?? [:]).map { CgroupPaths.Entry(label: $0.key, directory: $0.value) }))
    }

    /// The spec as it was when the container was created.
    package func spec() throws(RuntimeError) -> Spec {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read("config.json", at: directory.place)
        } catch {
            throw .system(doing: "read the config.json of container \(id.text)", error)
        }
        return try Spec(reading: bytes, of: "the config.json of container \(id.text)")
    }

    /// Lets other commands change it from now on.
    package func unlock() { directory.unlock() }

    /// What is too large to be read again is the error `EFBIG`: nobody could delete the container.
    func save() throws(SystemError) {
        let bytes = try JSONEncoder().bytes(of: state, for: "state.json")
        guard bytes.count <= RuntimeState.limit else { throw SystemError(call: "write", subject: "state.json", errno: EFBIG) }
        try File.replace("state.json", at: directory.place, with: bytes)
    }
}

// MARK: status

extension RuntimeContainer {
    /// The first process, if it is of this boot and lives.
    func process() -> ProcessIdentity? {
        // Where this boot cannot be told from others it is taken for that one: nothing may take a living process for dead.
        guard let process = state.process, (try? Machine.bootID()) ?? process.boot == process.boot else { return nil }
        let identity = ProcessIdentity(pid: process.pid, startTime: process.startTime)
        return identity.isAlive ? identity : nil
    }

    package func status() -> State.Status {
        guard state.process != nil else { return isBeingChanged ? .creating : .stopped }
        guard process() != nil else { return .stopped }
        // A freezer that cannot be read says nothing against running.
        if (try? cgroup.isFrozen) == true { return .paused }
        return isWaiting ? .created : .running
    }

    /// Whether another command holds the lock.
    private var isBeingChanged: Bool {
        guard !isLocked, let probe = try? FileDescriptor(opening: ".", at: directory.place, [.directory]) else { return false }
        return (try? probe.lock(exclusive: false, wait: false)) == false
    }

    /// Whether the first process waits for `start`: it alone has that socket, which ends with exec, at once and in whatever way it comes
    /// to that. A stream cannot connect to it, but is told whether it is there: `EPROTOTYPE`, or `ECONNREFUSED`.
    private var isWaiting: Bool {
        do throws(SystemError) { _ = try LocalSocket.connect("\(path)/start") } catch { return error.errno == EPROTOTYPE }
        return false
    }

    /// What the runtime spec calls the state of the container.
    package func ociState(_ status: State.Status? = nil) -> State {
        let status = status ?? self.status()
        return State(
            id: id.text, status: status, pid: status == .stopped ? 0 : Int(state.process?.pid ?? 0), bundle: state.bundle,
            annotations: state.annotations)
    }
}

extension Spec {
    init(reading bytes: [UInt8], of file: String) throws(RuntimeError) {
        do throws(JSONError) {
            self = try JSONDecoder().decode(Spec.self, from: bytes)
        } catch {
            throw .malformed(file, error)
        }
    }
}
