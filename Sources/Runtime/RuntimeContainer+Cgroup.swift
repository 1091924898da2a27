// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
package import OCI

extension RuntimeContainer {
    /// Makes the container's cgroup with its limits. Where it is going to be is written down first, for whoever comes after us if
    /// we are killed here.
    mutating func makeCgroup(_ spec: Spec, _ style: CgroupStyle) throws(RuntimeError) -> Cgroup {
        guard let path = try cgroupPath(spec, style) else { return Cgroup(CgroupPaths()) }
        let resources = spec.linux?.resources
        let doing = "set up the cgroup \(path.text)"
        let hierarchy: Hierarchy
        do throws(SystemError) {
            hierarchy = try Hierarchy.current()
            set(hierarchy.mounts.compactMap { mount in mount.directory(path).map { .init(label: mount.label, directory: $0) } })
            try save()
        } catch { throw .system(doing: doing, error) }
        do throws(CgroupError) {
            // All of them: engines read their figures in every hierarchy, and `update` may ask for any later.
            let cgroup = try Cgroup.create(path, in: hierarchy, wanting: .all, needing: resources?.controllers ?? [])
            // Whoever enters stands still, and we would wait for it for ever.
            guard try !cgroup.isFrozen else { throw .invalid(path.text, "container's cgroup unexpectedly frozen") }
            do throws(CgroupError) {
                if let resources { try cgroup.apply(resources, as: .needed) }
                let rules = resources?.devices ?? []
                // What every container may use, whatever the rules before say.
                try cgroup.restrict(to: DeviceRules(rules + DefaultDevices.rules), as: rules.isEmpty ? .wanted : .needed)
                try cgroup.delegate(to: spec)
            } catch {
                try? cgroup.remove()
                throw error
            }
            set(cgroup.paths.entries)
            return cgroup
        } catch {
            // What is there, if anything, is not ours to take away.
            state.cgroup = nil
            throw .cgroup(doing: doing, error)
        }
    }

    private mutating func set(_ entries: [CgroupPaths.Entry]) {
        state.cgroup = Dictionary(entries.map { ($0.label, $0.directory) }) { first, _ in first }
    }

    /// Without `linux.cgroupsPath` it is `/minirun-ID`, a directory that nothing is left of. The spec leaves that to us; runc takes ID
    /// below its own cgroup, where version 2 allows no limits because the caller is in there.
    private func cgroupPath(_ spec: Spec, _ style: CgroupStyle) throws(RuntimeError) -> CgroupPath? {
        let text = spec.linux?.cgroupsPath.flatMap { $0.isEmpty ? nil : $0 }
        do throws(CgroupPath.Invalid) {
            switch style {
            case .disabled: return nil
            case .filesystem: return try CgroupPath(text ?? "/minirun-\(id.text)")
            case .systemd: return try CgroupPath(systemd: text ?? ":minirun:\(id.text)")
            }
        } catch {
            throw .refused("linux.cgroupsPath: \(error)")
        }
    }
}

extension RuntimeContainer {
    /// Changes the limits of a container that has not ended. Device rules stay as they are.
    package func update(_ resources: Spec.Resources) throws(RuntimeError) {
        guard status() != .stopped else { throw .notRunning }
        do throws(SpecError) { try resources.validate("resources") } catch { throw .invalid("the new limits", error) }
        do throws(CgroupError) {
            try apply(resources.completed(for: cgroup))
        } catch {
            throw .cgroup(doing: "change the limits of container \(id.text)", error)
        }
    }

    private func apply(_ resources: Spec.Resources) throws(CgroupError) {
        do throws(CgroupError) {
            try cgroup.apply(resources, as: .needed)
        } catch .refused where resources.cpu?.hasShareOfPeriod == true {
            // The old share may be too much of the new period. Where the period cannot go first, it goes last.
            let cpu = resources.cpu
            try cgroup.apply(Spec.Resources(cpu: Spec.Resources.CPU(quota: cpu?.quota, realtimeRuntime: cpu?.realtimeRuntime)), as: .needed)
            try cgroup.apply(resources, as: .needed)
        }
    }

    /// Holds all its processes still.
    package func pause() throws(RuntimeError) {
        let status = status()
        guard status == .running || status == .created else { throw .notAllowed(.pause, id, status) }
        do throws(CgroupError) { try cgroup.freeze() } catch { throw .cgroup(doing: "pause container \(id.text)", error) }
    }

    package func resume() throws(RuntimeError) {
        let status = status()
        guard status == .paused else { throw .notAllowed(.resume, id, status) }
        do throws(CgroupError) { try cgroup.thaw() } catch { throw .cgroup(doing: "resume container \(id.text)", error) }
    }

    /// Its processes, as our pid namespace numbers them.
    package func processes() throws(RuntimeError) -> [Int32] {
        do throws(CgroupError) { return try cgroup.processes() } catch {
            throw .cgroup(doing: "list the processes of container \(id.text)", error)
        }
    }
}

extension Spec.Resources.CPU {
    fileprivate var hasShareOfPeriod: Bool {
        (quota ?? 0) > 0 && (period ?? 0) > 0 || (realtimeRuntime ?? 0) > 0 && (realtimePeriod ?? 0) > 0
    }
}

extension Spec.Resources {
    /// No limit on memory is none on memory and swap together: version 1 does not let the one exceed the other. As in runc.
    fileprivate func completed(for cgroup: Cgroup) -> Spec.Resources {
        guard memory?.limit == -1, memory?.swap == nil, let directory = cgroup.paths.legacy(.memory),
            (try? FileStatus(of: directory + "/memory.memsw.limit_in_bytes")) != nil
        else { return self }
        var completed = self
        completed.memory?.swap = -1
        return completed
    }
}
