// SPDX-License-Identifier: Apache-2.0
import JSON
import OCI
import Testing

@testable import Cgroups

@Suite struct CgroupViewTests {
    private func view(_ entries: [(String, String)]) -> CgroupView {
        CgroupPaths(entries.map { CgroupPaths.Entry(label: $0.0, directory: $0.1) }).view
    }

    @Test func `version 2 is one directory`() {
        #expect(view([("", "/sys/fs/cgroup/minictl/a")]) == .unified(directory: "/sys/fs/cgroup/minictl/a"))
        #expect(view([]) == .none)
    }

    @Test func `version 1 is the container's own part of each hierarchy, with links for controllers mounted together`() {
        #expect(
            view([("memory", "/c/memory/a"), ("cpu,cpuacct", "/c/cpu,cpuacct/a"), ("name=systemd", "/c/systemd/a"), ("", "/c/unified/a")])
                == .legacy([
                    .init(source: "/c/unified/a", target: "unified", aliases: []),
                    .init(source: "/c/cpu,cpuacct/a", target: "cpu,cpuacct", aliases: ["cpu", "cpuacct"]),
                    .init(source: "/c/memory/a", target: "memory", aliases: []),
                    .init(source: "/c/systemd/a", target: "systemd", aliases: []),
                ]))
    }
}

@Suite struct StatisticsTests {
    @Test func `block I/O is summed over devices`() {
        let legacy = Statistics.BlockIO(
            legacyBytes: "8:0 Read 4096\n8:0 Write 1\n8:16 Read 4\n8:0 Total 4101\nTotal 4101\n",
            operations: "8:0 Read 2\n8:0 Write 1\nTotal 3\n")
        #expect(legacy == Statistics.BlockIO(readBytes: 4100, writtenBytes: 1, reads: 2, writes: 1))
        let unified = Statistics.BlockIO(unified: "8:0 rbytes=10 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=0 rios=x\n")
        #expect(unified == Statistics.BlockIO(readBytes: 11, writtenBytes: 2, reads: 3, writes: 4))
    }

    @Test func `a key is a whole word`() {
        let text = "low 0\noom 2\noom_kill 3\noom_group_kill 18446744073709551616\n"
        #expect(CgroupFile.value("oom", in: text) == 2)
        #expect(CgroupFile.value("oom_kill", in: text) == 3)
        #expect(CgroupFile.value("oom_group_kill", in: text) == nil)
        #expect(CgroupFile.value("hig", in: text) == nil)
    }
}

@Suite struct DelegationTests {
    private func spec(_ options: [String], _ namespaces: [Spec.Linux.Namespace.Kind]) -> Spec {
        var linux = Spec.Linux()
        linux.namespaces = namespaces.map { Spec.Linux.Namespace(type: $0) }
        linux.uidMappings = [Spec.IDMapping(containerID: 1, hostID: 5, size: 1), Spec.IDMapping(containerID: 0, hostID: 7000, size: 1)]
        linux.gidMappings = [Spec.IDMapping(containerID: 0, hostID: 8000, size: 9)]
        return Spec(
            ociVersion: "1.0.2", mounts: [Spec.Mount(destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: options)],
            linux: linux)
    }

    @Test func `a container that may write to its own cgroup gets it as its own`() {
        let owner = Cgroup.delegate(of: spec(["nosuid"], [.user, .cgroup]))
        #expect(owner?.user == 7000 && owner?.group == 8000)
    }

    @Test func `no other does`() {
        #expect(Cgroup.delegate(of: spec(["ro"], [.user, .cgroup])) == nil)
        #expect(Cgroup.delegate(of: spec([], [.cgroup])) == nil)
        #expect(Cgroup.delegate(of: spec([], [.user])) == nil)
    }
}
