// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

/// Where a cgroup is going to be, said before it is made.
@Suite struct OutlineTests {
    private func mount(_ version: Hierarchy.Version, _ controllers: ControllerSet, _ label: String, _ point: String) -> Hierarchy.Mount {
        Hierarchy.Mount(version: version, controllers: controllers, label: label, point: "/none/\(point)", root: "/", own: "/")
    }

    private func outline(_ mounts: [Hierarchy.Mount], _ wanted: ControllerSet) throws -> [String]? {
        try Cgroup.outline(CgroupPath("/a"), in: Hierarchy(mounts: mounts), wanting: wanted)?.entries.map(\.directory)
    }

    @Test func `version 1 has a directory for each hierarchy that is wanted, in order of labels`() throws {
        let mounts = [
            mount(.v1, [.pids], "pids", "pids"), mount(.v1, [.cpu, .cpuacct], "cpu,cpuacct", "cpu"),
            mount(.v1, [.memory], "memory", "memory"),
        ]
        #expect(try outline(mounts, [.pids, .cpu]) == ["/none/cpu/a", "/none/pids/a"])
        #expect(try outline(mounts, [.memory, .freezer]) == ["/none/memory/a"])
    }

    @Test func `beside version 1, version 2 has a part only where it has a controller that is left to it`() throws {
        let mounts = [mount(.v1, [.pids], "pids", "pids"), mount(.v2, [], "", "unified")]
        #expect(try outline(mounts, [.pids, .freezer]) == ["/none/pids/a"])
        // That mount has no controllers at all.
        #expect(try outline(mounts, [.pids, .memory]) == ["/none/pids/a"])
    }

    @Test func `version 2 alone is made before, and so is none`() throws {
        #expect(try outline([mount(.v2, [], "", "unified")], [.pids]) == nil)
        #expect(try outline([mount(.v1, [.pids], "pids", "pids")], [.memory]) == nil)
        #expect(try outline([], [.pids]) == nil)
    }
}
