// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct UpdateTests {
    /// What a file of the container's cgroup reads, by its name in version 1 or 2.
    private func limit(_ minictl: Root, _ id: String, _ legacy: String, _ unified: String) throws -> String {
        try minictl.sh("cat $(find /sys/fs/cgroup -path '*minictl-\(id)/\(legacy)' -o -path '*minictl-\(id)/\(unified)')").text
    }

    @Test("Limits change while it runs, are shown, and hold after the next start")
    func running() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "-m 64m")
        let outcome = try minictl("update -m 128m --cpus 0.5 --pids-limit 77 --cpuset-cpus 0 web")
        #expect(outcome.code == 0 && outcome.text == "web", "\(outcome.error)")
        for _ in 0..<2 {
            #expect(try limit(minictl, id, "memory.limit_in_bytes", "memory.max") == "\(128 << 20)")
            #expect(try limit(minictl, id, "cpu.cfs_quota_us", "cpu.max").hasPrefix("50000"))
            #expect(try limit(minictl, id, "pids.max", "pids.max") == "77")
            #expect(try minictl("exec web grep Cpus_allowed_list /proc/self/status").text.hasSuffix("\t0"))
            // Swap that nobody asked for stays as much as memory.
            let shown = try minictl(
                "inspect -f '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.CpusetCpus}} {{.HostConfig.NanoCpus}}' web"
            ).text
            #expect(shown == "\(128 << 20) \(256 << 20) 0 500000000")
            try minictl("restart -t 0 web")
        }
        try minictl("rm -f web")
        #expect(try minictl.sh("find /sys/fs/cgroup -name '*\(id)*'").text == "")
    }

    @Test("Of changes that are refused in part none is made")
    func whole() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "-m 64m --cpus 0.25")
        let outcome = try minictl("update -m 128m --cpus 1 --cpuset-cpus 900 web")
        #expect(outcome.code == 1 && outcome.error.contains("cannot update web: not all of 900 can be had"), "\(outcome.error)")
        #expect(try limit(minictl, id, "memory.limit_in_bytes", "memory.max") == "\(64 << 20)")
        #expect(try limit(minictl, id, "cpu.cfs_quota_us", "cpu.max").hasPrefix("25000"))
        #expect(try minictl("inspect -f '{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}' web").text == "\(64 << 20) 25000")
        #expect(try minictl("update -m 128m --memory-swap 100m web").error.contains("change --memory-swap at the same time"))
    }

    @Test("One that does not run is changed too, of several each that fails is reported, and no limit at all is an error")
    func others() throws {
        let minictl = try Root()
        try minictl.sh("$M create --name a base true; $M create --name b base true")
        let outcome = try minictl("update --cpu-shares 512 a nope b")
        #expect(outcome.code == 1 && outcome.lines == ["a", "b"] && outcome.error == "minictl: no such container: nope\n")
        #expect(try minictl("inspect -f '{{.HostConfig.CpuShares}}' a b").lines == ["512", "512"])
        #expect(try minictl("start -a a").code == 0)
        #expect(try minictl("update a").code == 125)
    }

    @Test("Processes that fork all the time are moved to a controller that was asked for late")
    func forking() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "", "sh -c 'while :; do true & true & wait; done'")
        #expect(try minictl("update --cpuset-cpus 0 web").code == 0)
        usleep(100_000)
        let outside = try minictl.sh(
            "for p in $(cat $(find /sys/fs/cgroup -path '*minictl-\(id)/cgroup.procs')); do grep -L 'Cpus_allowed_list:.0$' /proc/$p/status; done"
        )
        #expect(outside.text == "")
    }
}
