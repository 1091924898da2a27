// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

private let nonsense = [
    "-m 100000000000000000000g", "-m 99999999999999999999", "-m 9223372036854775807g", "-m -1", "-m nan", "-m 1e9", "-m 0x10",
    "-m ''", "-m 1.5.2m", "-m 5q",
    "-m 1k", "-m 5m", "--cpus nan", "--cpus inf", "--cpus -1", "--cpus 1e3", "--cpus 0.001", "--cpu-quota 999",
    "--cpus 8193", "-m 10m --memory-reservation 11m", "--cpus 99999999999999999999", "--cpus 0.0000000001",
    "--cpus 1,5",
    "--cpuset-cpus 0-4294967295", "--cpuset-cpus 99999", "--cpuset-cpus -1", "--cpuset-cpus 1-0", "--cpuset-cpus x", "--cpuset-mems 77",
    "--pids-limit 99999999999", "--pids-limit x", "--pids-limit -2", "--cpu-shares -1", "--cpu-shares 99999999999", "--cpu-quota 1",
    "--cpu-quota -2",
    "--cpu-period 1", "--cpu-period 99999999", "--cpus 1 --cpu-quota 1000", "--memory-swap 1g", "-m 1g --memory-swap 1m",
    "--memory-swappiness 101",
    "--oom-score-adj 1001", "--oom-score-adj -1001", "--blkio-weight 5", "--blkio-weight 1001",
    "--device-read-bps /dev/null:1m",
    "--device-read-bps /nonexistent:1m", "--ulimit nofile", "--ulimit nofile=", "--ulimit nofile=x", "--ulimit nofile=2:1",
    "--ulimit nosuch=1",
    "--ulimit nofile=1:2:3", "--ulimit nofile=99999999999999999999", "--ulimit nofile=-2", "--cgroup-parent ../../x",
    "--cgroup-parent /a/../../x",
    "--shm-size 99999999999999999999g", "--time-offset monotonic=99999999999999d", "--time-offset nosuch=1d", "--stop-timeout 99999999999",
    "--log-opt max-size=x", "--log-opt max-file=0", "--log-opt nosuch=1", "--log-driver nosuch", "--userns 4294967295:2",
    "--userns 0:4294967296",
    "--userns nosuch", "--uidmap 0:0:0", "--uidmap 0:4294967290:100", "--uidmap 1:1000:10", "--uidmap x", "--sysctl x", "--sysctl =1",
]

@Suite(.onRealMachine) struct RunResourceTests {
    private static let isUnified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test("Of the terminals that all containers have together, one takes no more than its part (F)")
    func terminals() throws {
        let script = "bash -c 'n=0; while exec {fd}<>/dev/ptmx; do n=$((n+1)); done 2>/dev/null; echo $n'"
        #expect(try rig.sh(["--ulimit", "nofile=1024"], script).text == "512")
    }

    @Test("Limits stand in the container's cgroup on the host, version 1 or 2")
    func limits() throws {
        let id = try rig.background([
            "-m", "64m", "--memory-reservation", "32m", "--cpus", "0.5", "-c", "512", "--pids-limit", "50", "--cpuset-cpus", "0",
            "--oom-score-adj", "500",
        ])
        let pid = try rig.pid(id)
        #expect(try rig.limit(pid, "memory", "memory.max", "memory.limit_in_bytes") == "67108864")
        #expect(try rig.limit(pid, "memory", "memory.low", "memory.soft_limit_in_bytes") == "33554432")
        #expect(try rig.limit(pid, "pids", "pids.max") == "50")
        #expect(try ["50000 100000", "50000"].contains(rig.limit(pid, "cpu", "cpu.max", "cpu.cfs_quota_us")))
        #expect(try ["59", "20", "512"].contains(rig.limit(pid, "cpu", "cpu.weight", "cpu.shares")))
        #expect(try rig.limit(pid, "cpuset", "cpuset.cpus") == "0")
        #expect(try File.readKernel("/proc/\(pid)/oom_score_adj") == "500\n")
    }

    @Test("Without a flag a container has 2048 processes and no other limit")
    func defaults() throws {
        let pid = try rig.pid(try rig.background())
        #expect(try rig.limit(pid, "pids", "pids.max") == "2048")
        #expect(try ["max", "9223372036854771712"].contains(rig.limit(pid, "memory", "memory.max", "memory.limit_in_bytes")))
    }

    @Test(
        "Flags that limit mean what docker means by them",
        arguments: [
            Case("--cpuset-cpus 0", "nproc", "1"),
            Case(
                "-m 0 --memory-swap 0 --memory-reservation 0 --memory-swappiness -1 --cpus 0 --cpu-shares 0 --cpu-period 0 --blkio-weight 0 --shm-size 0",
                "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | tr -d '[a-z]'; df -k /dev/shm | tail -n 1 | tr -s ' ' | cut -d' ' -f2",
                RunResourceTests.isUnified ? "\n65536" : "9223372036854771712\n65536"),
            Case("--pids-limit -1", "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null", "max"),
            Case("--pids-limit 0", "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null", "max"),
            Case(
                "--cpu-quota 20000 --cpu-period 50000",
                "cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us | tr '\\n' ' ' | sed 's/ $//'",
                "20000 50000"),
            Case(
                "--ulimit nofile=100:200 --ulimit core=0 --ulimit nproc=77",
                "ulimit -Sn; ulimit -Hn; ulimit -c; grep -c 'processes  *77 ' /proc/self/limits", "100\n200\n0\n1"),
            Case("--ulimit nofile=64", "ulimit -Sn; ulimit -Hn", "64\n64"),
            Case("--oom-score-adj 321", "cat /proc/self/oom_score_adj", "321"),
            Case("--cgroup-parent minictl-blackbox-test", "grep -c minictl-blackbox-test /proc/1/cgroup", "0"),
            Case(
                "--cgroup-parent minictl-blackbox-test --cgroupns host", "grep -q minictl-blackbox-test/ /proc/1/cgroup && echo there",
                "there"),
        ])
    func flag(_ item: Case) throws { try rig.expect(item) }

    @Test("A limit above what the machine allows is held to that, not an error")
    func clampedLimits() throws {
        let hard = try Command([
            "sh", "-c", "ulimit -n 4096; exec \"$@\"", "sh", Program.path, "--root", rig.root, "run", "--rm", "--ulimit",
            "nofile=1024:999999999", "base", "sh", "-c", "ulimit -Sn; ulimit -Hn",
        ]).run()
        #expect(hard.lines.first == "1024" && hard.code == 0, "\(hard.error)")
        #expect((Int(hard.lines.dropFirst().first ?? "") ?? 0) >= 4096)
    }

    @Test("A number that is none, or is out of all proportion, is refused with a sentence", arguments: nonsense)
    func refusal(_ flags: String) throws {
        let ending = try rig.minictl(["run", "--rm"] + flags.split(separator: " ").map(String.init) + ["base", "true"])
        #expect(
            ending.code == 125 && ending.error.hasPrefix("minictl: ") && !ending.error.contains("Fatal"), "\(ending.code) \(ending.error)")
        rig.expectNothingLeft()
    }

    @Test("A container may use the processors that its caller may, or those that are asked for")
    func processors() throws {
        let list = "grep Cpus_allowed_list /proc/self/status"
        #expect(try rig.sh([], list).text == Command(["sh", "-c", list]).run().text)
        let pinned = try Command(["taskset", "-c", "0", Program.path, "--root", rig.root, "run", "--rm", "base", "sh", "-c", list]).run()
        #expect(pinned.text.hasSuffix("\t0"), "\(pinned)")
        #expect(try rig.sh(["--cpuset-cpus", "0"], list).text.hasSuffix("\t0"))
    }

    @Test("Memory that runs out is said in words, with the limit, and is exit code 137")
    func outOfMemory() throws {
        let ending = try rig.sh(["-m", "16m"], "exec tail /dev/zero")
        #expect(ending.code == 137)
        #expect(ending.error.contains("killed: out of memory (limit 16 MiB)"), "\(ending.error)")
        // A child that dies of it is the program's own affair.
        let child = try rig.sh(["-m", "16m"], "tail /dev/zero; echo $?")
        #expect(child.text == "137" && child.code == 0)
        #expect(!(try rig.sh(["-m", "64m", "--init"], "kill -KILL $$").error.contains("memory")))
        rig.expectNothingLeft()
    }

    @Test("A fork bomb ends at the limit of processes, and the machine goes on")
    func forkBomb() throws {
        let began = ContinuousClock.now
        let running = try rig.command([
            "run", "--rm", "--pids-limit", "30", "base", "sh", "-c", "bomb() { bomb | bomb & }; bomb; sleep 0.5; echo over",
        ]).start()
        #expect(try rig.minictl("run", "--rm", "base", "echo", "alive").text == "alive")
        _ = running.ending(seconds: 10)
        #expect(ContinuousClock.now - began < .seconds(10))
        rig.expectNothingLeft()
    }

    @Test("A flood of output is kept within the log's bounds")
    func logFlood() throws {
        let id = try rig.background(
            ["--log-opt", "max-size=64k", "--log-opt", "max-file=2"], "yes | head -c 300000; echo last; sleep 0.1")
        #expect(waitUntil(seconds: 60) { rig.names("root/runtime").allSatisfy { $0.utf8.count != 64 } })
        let logs = rig.names("root/containers/\(id)").filter { $0.hasPrefix("log") }
        #expect(logs == ["log", "log.1"])
        for log in logs { #expect(try FileStatus(of: "\(rig.root)/containers/\(id)/\(log)").size <= 70000) }
        #expect(try rig.read("root/containers/\(id)/log").contains("last"))
    }

    @Test("A container that never ends a line keeps neither memory nor log growing")
    func endlessLine() throws {
        let id = try rig.background(["--log-opt", "max-size=64k", "--log-opt", "max-file=1"], "head -c 2000000 /dev/zero; sleep 0.1")
        #expect(waitUntil(seconds: 60) { rig.names("root/runtime").allSatisfy { $0.utf8.count != 64 } })
        #expect(try FileStatus(of: "\(rig.root)/containers/\(id)/log").size <= 200_000)
    }
}
