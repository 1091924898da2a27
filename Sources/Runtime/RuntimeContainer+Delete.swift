// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
package import Linux
import OCI

extension RuntimeContainer {
    /// Sends a signal to the first process, or to every process of the container.
    package func signal(_ signal: Signal, all: Bool) throws(RuntimeError) {
        let cgroup = cgroup
        if signal == .kill, !cgroup.paths.isEmpty, !hasOwnPIDNamespace {
            guard process() != nil || (try? cgroup.processes())?.isEmpty == false else { throw .notRunning }
            do throws(CgroupError) { try cgroup.kill() } catch { throw .cgroup(doing: "kill container \(id.text)", error) }
            return
        }
        if all, !cgroup.paths.isEmpty {
            do throws(CgroupError) {
                try cgroup.signal(signal.rawValue)
            } catch {
                throw .cgroup(doing: "signal all processes of container \(id.text)", error)
            }
            return
        }
        guard let process = process() else { throw .notRunning }
        do throws(SystemError) {
            try ProcessHandle(process).signal(signal)
        } catch {
            throw error.errno == ESRCH ? .notRunning : .system(doing: "signal container \(id.text)", error)
        }
        // A frozen process of cgroup version 1 dies only when it thaws.
        if signal == .kill, (try? cgroup.isFrozen) == true { try? cgroup.thaw() }
    }

    /// Whether the end of its first process is that of all others. In a pid namespace of somebody else's they would go on.
    private var hasOwnPIDNamespace: Bool {
        guard let namespaces = (try? spec())?.linux?.namespaces else { return true }
        return namespaces.contains { $0.type == .pid && $0.path?.isEmpty ?? true }
    }

    /// Takes the container away: its cgroup, what is written of it, and with `force` whatever still runs in it.
    /// One that was created and never started has nothing to lose.
    package func delete(force: Bool) throws(RuntimeError) {
        let status = status()
        guard status == .stopped || status == .created || force else {
            throw .notAllowed(.delete, id, status)
        }
        if status != .stopped { try kill() }
        try removeCgroup()
        let hooks = (try? spec())?.hooks?.poststop
        // Its state is stopped and its resources are gone: hooks cannot change that any more, so their failures are not ours (runtime.md).
        for hook in [HookPlan](hooks, "poststop", ociState(.stopped), .stopped) { try? hook.run(of: nil) }
        do throws(SystemError) { try remove() } catch { throw .system(doing: "remove the state of container \(id.text)", error) }
    }

    private func removeCgroup() throws(RuntimeError) {
        let cgroup = cgroup
        guard state.process != nil else {
            // Its creation was cut short, perhaps before the cgroup was its own: only what is empty goes.
            // A first process that has lost its parent is on its way out.
            for _ in 0..<100 {
                let isBusy = cgroup.paths.entries.reduce(false) { rmdir($1.directory) != 0 && errno == EBUSY || $0 }
                guard isBusy else { return }
                usleep(10_000)
            }
            return
        }
        do throws(CgroupError) {
            if let rest = try? cgroup.processes(), !rest.isEmpty { try cgroup.kill() }
            try cgroup.remove(within: 10_000)
        } catch {
            throw .cgroup(doing: "remove the cgroup of container \(id.text)", error)
        }
    }

    private func kill() throws(RuntimeError) {
        guard let process = process() else { return }
        do throws(SystemError) {
            let handle = try ProcessHandle(process)
            try handle.signal(.kill)
            if (try? cgroup.isFrozen) == true { try? cgroup.thaw() }
            guard try handle.waitForEnd(milliseconds: 10_000) else {
                throw SystemError(call: "kill", subject: "\(process.pid)", errno: ETIMEDOUT)
            }
        } catch  where error.errno == ESRCH {
        } catch {
            throw .system(doing: "kill container \(id.text)", error)
        }
    }
}

extension StateDirectory {
    /// Takes a container away. With `force` it is gone afterwards, whether or not there was one, and whatever its state says.
    package func delete(_ id: RuntimeID, force: Bool) throws(RuntimeError) {
        do throws(RuntimeError) {
            try container(id, locked: true).delete(force: force)
        } catch .missing where force {
            try remove(id)
        } catch .malformed where force {
            try remove(id)
        }
    }

    /// Removes a directory that holds no state that could be understood: nothing can be in it that we would have to end first.
    private func remove(_ id: RuntimeID) throws(RuntimeError) {
        try RuntimeError.attempt("remove the state of container \(id.text)") { () throws(SystemError) in
            try Directory.removeAll(id.text, at: descriptor.place)
        }
    }
}
