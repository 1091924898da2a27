// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
package import OCI

extension Home {
    /// Changes the limits of a container, all that are asked for or none. One that runs has them at once, any has them at its next start.
    /// - Parameter restart: another policy for what comes after its end.
    package func update(_ word: String, _ changes: Spec.Resources, restart: RestartPolicy? = nil) throws(EngineError) {
        let id = try find(word)
        let isUp = try container(id).status(in: Machine.boot()).isUp
        // Whoever starts it just now has read the old limits.
        try whileItStays(id, runs: isUp, "update \(word)") { () throws(EngineError) in try change(id, changes, restart) }
    }

    private func change(_ id: ContainerID, _ changes: Spec.Resources, _ restart: RestartPolicy?) throws(EngineError) {
        var container = try container(id)
        try container.lock()
        defer { container.unlock() }
        try container.refresh()
        if restart != nil, container.record.isTemporary {
            throw .refused("cannot update \(container.name): it is removed as it ends, so it is never started again")
        }
        var spec = try container.spec()
        let old = spec.linux?.resources ?? Spec.Resources()
        let new = try old.changed(by: changes, container.name)
        var linux = spec.linux ?? Spec.Linux()
        linux.resources = new
        spec.linux = linux
        if try container.status(in: Machine.boot()).isUp { try container.apply(new.only(changes), spec) }
        container.record.memoryLimit = new.memory?.limit
        if let restart { container.record.restart = restart.name == "no" ? nil : restart }
        do throws(EngineError) {
            try container.write(spec)
            try container.save()
        } catch {
            // As it was, where that can still be had.
            try? container.record.cgroupHandle?.update(old.only(changes))
            throw error
        }
        container.tell("update")
    }
}

extension Container {
    /// Puts limits in force. A controller that nothing was asked of before has no directory for the container yet.
    fileprivate mutating func apply(_ resources: Spec.Resources, _ spec: Spec) throws(EngineError) {
        guard let cgroup = record.cgroupHandle else { throw .refused("cannot update \(name): it has no cgroup") }
        let hierarchy = try Hierarchy.machine()
        let whole: Cgroup
        do throws(CgroupError) {
            let path = try? CgroupPath(spec.linux?.cgroupsPath ?? Self.cgroupPath(id))
            whole =
                try path.map { path throws(CgroupError) in try cgroup.extended(by: resources.controllers, at: path, in: hierarchy) }
                ?? cgroup
        } catch { throw .refused("cannot update \(name): \(error)") }
        if whole.paths != cgroup.paths {
            // Before anything is refused: what there is now has to be put away with the rest.
            record.set(whole)
            try save()
        }
        do throws(CgroupError) {
            try whole.gather(from: cgroup)
            try whole.update(resources)
        } catch { throw .refused("cannot update \(name): \(error)") }
    }
}

extension Spec.Resources {
    /// These limits with others in place of some of them.
    fileprivate func changed(by changes: Spec.Resources, _ name: String) throws(EngineError) -> Spec.Resources {
        var new = self
        if let memory = changes.memory { new.memory = try (self.memory ?? Memory()).changed(by: memory, name) }
        if let cpu = changes.cpu { new.cpu = (self.cpu ?? CPU()).changed(by: cpu) }
        if let blockIO = changes.blockIO { new.blockIO = (self.blockIO ?? BlockIO()).changed(by: blockIO) }
        if let pids = changes.pids { new.pids = pids }
        return new
    }

    /// What has to be written for the changes: with memory its swap, with a quota its period, which belong together.
    fileprivate func only(_ changes: Spec.Resources) -> Spec.Resources {
        Spec.Resources(
            memory: changes.memory == nil ? nil : memory, cpu: changes.cpu == nil ? nil : cpu,
            pids: changes.pids == nil ? nil : pids, blockIO: changes.blockIO == nil ? nil : blockIO)
    }
}

extension Spec.Resources.Memory {
    fileprivate func changed(by changes: Self, _ name: String) throws(EngineError) -> Self {
        var new = self
        if let limit = changes.limit {
            // Swap that nobody asked for is as much as memory, and stays so.
            let follows = self.limit.map { swap == $0 &* 2 } ?? (swap == nil)
            new.limit = limit
            if follows { new.swap = limit.multipliedReportingOverflow(by: 2).overflow ? limit : limit * 2 }
        }
        if let swap = changes.swap { new.swap = swap }
        if let reservation = changes.reservation { new.reservation = reservation }
        if let swap = new.swap, swap > 0 {
            guard let limit = new.limit, limit > 0 else {
                throw .refused("cannot update \(name): a limit of memory and swap together needs one of memory; give --memory too")
            }
            guard swap >= limit else {
                let words = "\(ByteCount(limit)) of memory are more than the \(ByteCount(swap)) of memory and swap together"
                throw .refused("cannot update \(name): \(words); change --memory-swap at the same time")
            }
        }
        if let limit = new.limit, limit > 0, let reservation = new.reservation, reservation > limit {
            throw .refused("cannot update \(name): the memory limit is below the reservation of \(ByteCount(reservation))")
        }
        return new
    }
}

extension Spec.Resources.CPU {
    fileprivate func changed(by changes: Self) -> Self {
        var new = self
        if let shares = changes.shares { new.shares = shares }
        if let period = changes.realtimePeriod { new.realtimePeriod = period }
        if let runtime = changes.realtimeRuntime { new.realtimeRuntime = runtime }
        if let period = changes.period { new.period = period }
        // No quota at all is a negative one: zero means "as it is".
        if let quota = changes.quota { new.quota = quota == 0 ? -1 : quota }
        if let cpus = changes.cpus { new.cpus = cpus }
        if let mems = changes.mems { new.mems = mems }
        return new
    }
}

extension Spec.Resources.BlockIO {
    fileprivate func changed(by changes: Self) -> Self {
        typealias Devices = [Spec.Resources.ThrottleDevice]
        func merged(_ old: Devices?, _ new: Devices?) -> Devices? {
            guard let new else { return old }
            return (old ?? []).filter { entry in !new.contains { $0.major == entry.major && $0.minor == entry.minor } } + new
        }
        var new = self
        if let weight = changes.weight { new.weight = weight }
        new.throttleReadBpsDevice = merged(throttleReadBpsDevice, changes.throttleReadBpsDevice)
        new.throttleWriteBpsDevice = merged(throttleWriteBpsDevice, changes.throttleWriteBpsDevice)
        new.throttleReadIOPSDevice = merged(throttleReadIOPSDevice, changes.throttleReadIOPSDevice)
        new.throttleWriteIOPSDevice = merged(throttleWriteIOPSDevice, changes.throttleWriteIOPSDevice)
        return new
    }
}
