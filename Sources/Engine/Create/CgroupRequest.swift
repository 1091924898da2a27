// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Linux
import OCI
import Runtime

/// The cgroup that a container is to have: its limits where they were asked for, and the default ones.
struct CgroupRequest: Sendable {
    private let spec: Spec
    private let path: CgroupPath
    private let hierarchy: Hierarchy
    private let asked: Spec.Resources
    private let defaults: Spec.Resources
    private let devices: DeviceRules
    /// Beside these rules nothing stands between the container's root and the host's disks.
    private let mustRestrict: Bool
    private let wanted: ControllerSet

    /// - Parameter isKept: it outlives the command that starts it, so that somebody may ask later what it reads and writes.
    init(_ spec: Spec, for id: ContainerID, isKept: Bool) throws(EngineError) {
        var asked = spec.linux?.resources ?? Spec.Resources()
        let rules = asked.devices ?? []
        asked.devices = nil
        var defaults = Spec.Resources()
        if asked.pids?.limit == DefaultLimits.pids { swap(&asked.pids, &defaults.pids) }
        do throws(CgroupPath.Invalid) { path = try CgroupPath(spec.linux?.cgroupsPath ?? Container.cgroupPath(id)) } catch {
            throw .refused("\(error)")
        }
        hierarchy = try Hierarchy.machine()
        do throws(CgroupError) { devices = try DeviceRules(rules) } catch { throw .refused("\(error)") }
        // In a user namespace nobody can make nodes.
        mustRestrict = spec.linux?.namespaces?.contains { $0.type == .user } != true && devices.restrict
        wanted = isKept ? ControllerSet.standard.union([.io]) : .standard
        self.spec = spec
        self.asked = asked
        self.defaults = defaults
    }

    private var needed: ControllerSet { mustRestrict ? asked.controllers.union([.devices]) : asked.controllers }

    /// What it will look like, where it can be made beside the container's first process: version 2 wants it before.
    var outline: CgroupPaths? { Cgroup.outline(path, in: hierarchy, wanting: wanted.union(needed)) }

    /// Makes it and sets its limits: those asked for must hold, a default one may be missing.
    func make() throws(EngineError) -> Cgroup {
        do throws(CgroupError) {
            let cgroup = try Cgroup.create(path, in: hierarchy, wanting: wanted, needing: needed)
            do throws(CgroupError) {
                try cgroup.apply(defaults, as: .wanted)
                try cgroup.apply(asked, as: .needed)
                try cgroup.restrict(to: devices, as: mustRestrict ? .needed : .wanted)
                try cgroup.delegate(to: spec)
            } catch {
                try? cgroup.remove()
                throw error
            }
            return cgroup
        } catch {
            throw .refused("\(error)")
        }
    }
}

extension Container {
    static func cgroupPath(_ id: ContainerID) -> String { "/minictl-\(id)" }
}
