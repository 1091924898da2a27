// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import OCI

extension Home {
    /// A cgroup made and limited for each controller, and taken away again.
    var cgroupFindings: [Finding] {
        let hierarchy: Hierarchy
        do throws(SystemError) { hierarchy = try Hierarchy.current() } catch {
            return [Finding("cgroups", .fails, "the hierarchies cannot be found: \(error)", remedy: "mount /proc and /sys")]
        }
        guard hierarchy.mode != .none else {
            return [
                Finding(
                    "cgroups", .fails, "no hierarchy is mounted, so nothing can be limited, counted or paused",
                    remedy: "mount -t cgroup2 cgroup2 /sys/fs/cgroup")
            ]
        }
        let places = hierarchy.mounts.filter { !$0.controllers.isEmpty || $0.version == .v2 }.map(\.point)
        let point = hierarchy.unified?.point ?? places.first ?? ""
        let mode = Finding("cgroups", .works, "version \(hierarchy.mode.word), at \(places.count == 1 ? point : "\(places.count) places")")
        return [mode] + Self.controllers.map { Self.examine($0, in: hierarchy) }
    }

    /// What is lost without each, and limits to try it with.
    private static var controllers: [(controller: Controller, use: String, limits: Spec.Resources)] {
        [
            (.memory, "--memory, and which container ran out of it", .init(memory: .init(limit: 64 << 20, swap: 128 << 20))),
            (.pids, "--pids-limit, and with it the bound on fork bombs", .init(pids: .init(limit: 100))),
            (.cpu, "--cpus and --cpu-shares", .init(cpu: .init(shares: 512, quota: 50_000, period: 100_000))),
            (.cpuacct, "the processor time in stats", .init()),
            (.cpuset, "--cpuset-cpus", .init()),
            (.io, "--blkio-weight, --device-read-bps and the like", .init()),
            (.devices, "rules for devices, which --userns host needs", .init()),
            (.freezer, "pause", .init()),
            (.hugetlb, "limits of huge pages", .init()),
        ]
    }

    private static func examine(_ entry: (controller: Controller, use: String, limits: Spec.Resources), in hierarchy: Hierarchy) -> Finding
    {
        let (controller, use, limits) = entry
        let topic = "cgroup \(controller.unifiedName)"
        let path: CgroupPath
        do throws(CgroupPath.Invalid) { path = try CgroupPath("/minictl-doctor-\(getpid())") } catch {
            return Finding(topic, .limited, "\(error)")
        }
        do throws(CgroupError) {
            let cgroup = try Cgroup.create(path, in: hierarchy, wanting: [controller], needing: [controller])
            do throws(CgroupError) {
                try cgroup.apply(limits, as: .needed)
                if controller == .devices { try cgroup.restrict(to: DeviceRules(DefaultDeviceRules.list), as: .needed) }
                if controller == .freezer {
                    try cgroup.freeze()
                    try cgroup.thaw()
                }
            } catch {
                try? cgroup.remove()
                throw error
            }
            try cgroup.remove()
            let version = cgroup.paths.place(of: controller)?.version == .v1 ? "1" : "2"
            return Finding(topic, .works, "\(use) (version \(version))")
        } catch {
            return Finding(topic, .limited, "not to be had are \(use): \(error)", remedy: remedy(error, controller))
        }
    }

    private static func remedy(_ error: CgroupError, _ controller: Controller) -> String? {
        switch error {
        case .controllerMissing:
            controller == .memory
                ? "boot with cgroup_enable=memory swapaccount=1"
                : "a kernel with it, or boot without cgroup_disable=\(controller.unifiedName)"
        case .notDelegated: "systemd-run --user --scope -p Delegate=yes minictl …"
        case .parentOccupied(let directory):
            "mkdir \(directory)/rest && for p in $(cat \(directory)/cgroup.procs); do echo $p > \(directory)/rest/cgroup.procs; done"
        case .noPermission: "sudo minictl …, or mount /sys/fs/cgroup writable"
        default: nil
        }
    }
}
