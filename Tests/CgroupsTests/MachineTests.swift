// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import Testing

@testable import Cgroups

private let hierarchy = try? Hierarchy.current()
private let hasLegacy = geteuid() == 0 && hierarchy?.legacy(.memory) != nil && hierarchy?.legacy(.freezer) != nil

/// A parent cgroup of this test's own, taken away with all that is in it.
private final class Scratch {
    let path: CgroupPath
    var cgroup: Cgroup

    init(_ wanted: ControllerSet = .standard, needing needed: ControllerSet = [], line: Int = #line) throws {
        path = try CgroupPath("/minictl-test-\(getpid())-\(line)-\(UInt32.random(in: 0 ... .max))/a")
        cgroup = try Cgroup.create(path, in: try #require(hierarchy), wanting: wanted, needing: needed)
    }

    deinit {
        try? cgroup.kill()
        for entry in cgroup.paths.entries {
            try? CgroupTree.remove(String(entry.directory.dropLast(2)), within: 3000)
        }
    }

    func read(_ controller: Controller, _ file: String) throws -> String {
        try File.readKernel(try #require(cgroup.paths.place(of: controller)).directory + "/" + file)
    }
}

/// A shell of ours that waits on its standard input before it does what it is told; it ends with its owner.
private struct Child: ~Copyable {
    let pid: pid_t
    private let input: FileDescriptor

    init(_ script: String) throws {
        let pipe = try FileDescriptor.pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, pipe.reader.raw, 0)
        let words: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/sh"), strdup("-c"), strdup("read go; " + script), nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, "/bin/sh", &actions, nil, words, environ)
        try #require(code == 0)
        let writer = try pipe.writer.duplicate()
        self.pid = pid
        input = writer
    }

    func go() throws { try input.write("go\n") }

    /// The status of waitpid(2); nil if it has not ended in time.
    func end(within milliseconds: Int = 5000) -> CInt? {
        var status: CInt = 0
        for _ in 0..<milliseconds {
            if waitpid(pid, &status, WNOHANG) == pid { return status }
            usleep(1000)
        }
        return nil
    }

    deinit {
        // Nothing else waits for it, so the pid is still its own or, once waited for, of nobody's kin.
        if waitpid(pid, nil, WNOHANG) == 0 {
            kill(pid, SIGKILL)
            waitpid(pid, nil, 0)
        }
    }
}

@Suite(.enabled(if: hasLegacy)) struct MachineTests {
    @Test func `what is made has the standard controllers, and nothing is left after`() throws {
        let scratch = try Scratch()
        let directories = scratch.cgroup.paths.entries.map(\.directory)
        #expect(directories.count >= 6)
        #expect(directories.allSatisfy { access($0, F_OK) == 0 })
        #expect(scratch.cgroup.paths.legacy(.cpuset) == nil)
        try scratch.cgroup.remove()
        #expect(directories.allSatisfy { access($0, F_OK) != 0 })
        #expect(throws: Never.self) { try scratch.cgroup.remove() }
    }

    @Test func `limits asked for are in force and read back`() throws {
        let scratch = try Scratch(needing: [.cpuset])
        let resources = Spec.Resources(
            memory: .init(limit: 64 << 20 | 1, reservation: 32 << 20, swappiness: 10),
            cpu: .init(shares: 512, quota: 50_000, period: 100_000, cpus: "0", mems: "0"), pids: .init(limit: 50))
        try scratch.cgroup.apply(resources, as: .needed)
        #expect(try scratch.read(.memory, "memory.limit_in_bytes") == "67108864\n")
        #expect(try scratch.read(.cpu, "cpu.cfs_quota_us") == "50000\n")
        #expect(try scratch.read(.cpu, "cpu.shares") == "512\n")
        #expect(try scratch.read(.pids, "pids.max") == "50\n")
        #expect(try scratch.read(.cpuset, "cpuset.cpus") == "0\n")
    }

    @Test func `memory and swap grow and shrink together in one update`() throws {
        let scratch = try Scratch()
        guard access(try #require(scratch.cgroup.paths.legacy(.memory)) + "/memory.memsw.limit_in_bytes", F_OK) == 0 else { return }
        for megabytes in [64, 256, 32, 512] as [Int64] {
            try scratch.cgroup.apply(.init(memory: .init(limit: megabytes << 20, swap: megabytes << 21)), as: .needed)
            #expect(try scratch.read(.memory, "memory.memsw.limit_in_bytes") == "\(megabytes << 21)\n")
        }
        try scratch.cgroup.apply(.init(memory: .init(limit: -1, swap: -1)), as: .needed)
        #expect(scratch.cgroup.statistics().memory.limit == nil)
    }

    @Test func `a new cpuset starts with its parent's processors, so that it can be joined`() throws {
        let scratch = try Scratch([], needing: [.cpuset])
        #expect(try !scratch.read(.cpuset, "cpuset.cpus").hasPrefix("\n"))
        let child = try Child("sleep 100")
        try scratch.cgroup.join(child.pid)
        #expect(try scratch.cgroup.processes() == [child.pid])
    }

    @Test func `a limit nobody asked for is left out where its controller is missing, one asked for says why`() throws {
        let scratch = try Scratch([.pids])
        let resources = Spec.Resources(memory: .init(limit: 1 << 20), pids: .init(limit: 7))
        try scratch.cgroup.apply(resources, as: .wanted)
        #expect(try scratch.read(.pids, "pids.max") == "7\n")
        #expect(throws: CgroupError.controllerMissing(.memory)) { try scratch.cgroup.apply(resources, as: .needed) }
    }

    @Test func `a needed controller that no hierarchy has is an error, and nothing stays behind`() throws {
        let known = try #require(hierarchy)
        let missing = Controller.allCases.first { known.legacy($0) == nil && ![.hugetlb].contains($0) }
        let controller = try #require(missing)
        let name = "/minictl-test-\(getpid())-missing"
        #expect(throws: CgroupError.controllerMissing(controller)) {
            try Cgroup.create(try CgroupPath(name), in: known, needing: [controller])
        }
        #expect(known.mounts.allSatisfy { access($0.point + name, F_OK) != 0 })
    }

    @Test func `an update may ask for a controller that creation had no use for`() throws {
        let scratch = try Scratch([.pids, .freezer])
        let child = try Child("sleep 100")
        try scratch.cgroup.join(child.pid)
        let before = scratch.cgroup
        scratch.cgroup = try before.extended(by: [.cpuset, .pids], at: scratch.path, in: try #require(hierarchy))
        try scratch.cgroup.gather(from: before)
        try scratch.cgroup.apply(.init(cpu: .init(cpus: "0")), as: .needed)
        #expect(try scratch.read(.cpuset, "cgroup.procs") == "\(child.pid)\n")
        #expect(scratch.cgroup.paths.entries.count == 3)
    }

    @Test func `an update that is refused leaves everything as it was, the OOM killer too`() throws {
        let scratch = try Scratch(needing: [.cpuset])
        let before = try scratch.read(.memory, "memory.oom_control")
        let refused = Spec.Resources(memory: .init(limit: 64 << 20, disableOOMKiller: true), cpu: .init(period: 1))
        #expect(throws: CgroupError.self) { try scratch.cgroup.update(refused) }
        #expect(try scratch.read(.memory, "memory.oom_control") == before)
        #expect(scratch.cgroup.statistics().memory.limit == nil)
    }

    @Test func `what the kernel refuses is named with file and text`() throws {
        let scratch = try Scratch(needing: [.cpuset])
        #expect { try scratch.cgroup.apply(.init(cpu: .init(cpus: "8191")), as: .needed) } throws: { error in
            guard case CgroupError.refused(let file, "8191", let code) = error else { return false }
            return file.hasSuffix("cpuset.cpus") && (code == EINVAL || code == EACCES || code == ERANGE)
        }
        #expect { try scratch.cgroup.apply(.init(cpu: .init(period: 1)), as: .needed) } throws: { error in
            if case CgroupError.refused(_, "1", EINVAL) = error { true } else { false }
        }
    }

    @Test func `a cgroup with somebody in it is not taken for a new container`() throws {
        let scratch = try Scratch([.pids, .freezer])
        let child = try Child("sleep 100")
        try scratch.cgroup.join(child.pid)
        #expect { try Cgroup.create(scratch.path, in: try #require(hierarchy)) } throws: { error in
            if case CgroupError.occupied = error { true } else { false }
        }
        #expect(try scratch.cgroup.processes() == [child.pid])
    }

    @Test func `frozen processes stand still until thawed`() throws {
        let scratch = try Scratch()
        let child = try Child("exit 7")
        try scratch.cgroup.join(child.pid)
        try scratch.cgroup.freeze()
        #expect(try scratch.cgroup.isFrozen)
        try child.go()
        #expect(child.end(within: 100) == nil)
        try scratch.cgroup.thaw()
        #expect(try !scratch.cgroup.isFrozen)
        #expect(child.end().map(exitCode) == 7)
    }

    @Test func `kill ends a tree of processes in nested cgroups, frozen or not`() throws {
        let scratch = try Scratch()
        let child = try Child("for i in 1 2 3; do sleep 100 & done; wait")
        let inner = try Child("sleep 100")
        try scratch.cgroup.join(child.pid)
        let nested = try CgroupPath(scratch.path.text + "/deep/er")
        try Cgroup.create(nested, in: try #require(hierarchy)).join(inner.pid)
        try child.go()
        for _ in 0..<1000 where try scratch.cgroup.processes().count < 5 { usleep(1000) }
        #expect(try scratch.cgroup.processes().count == 5)
        try scratch.cgroup.freeze()
        try scratch.cgroup.kill()
        #expect(child.end().map(signal) == SIGKILL)
        #expect(inner.end().map(signal) == SIGKILL)
        try scratch.cgroup.remove()
        #expect(scratch.cgroup.paths.entries.allSatisfy { access($0.directory, F_OK) != 0 })
    }

    @Test func `an OOM kill is counted`() throws {
        let scratch = try Scratch()
        try scratch.cgroup.apply(.init(memory: .init(limit: 8 << 20, swappiness: 0)), as: .needed)
        #expect(scratch.cgroup.oomKills == 0)
        let child = try Child("exec dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null")
        try scratch.cgroup.join(child.pid)
        try child.go()
        #expect(child.end(within: 10_000).map(signal) == SIGKILL)
        #expect((scratch.cgroup.oomKills ?? 0) >= 1)
        #expect(scratch.cgroup.statistics().memory.limit == 8 << 20)
    }

    @Test func `statistics tell what a process used`() throws {
        let scratch = try Scratch()
        let child = try Child("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; read forever")
        try scratch.cgroup.join(child.pid)
        try child.go()
        for _ in 0..<3000 where scratch.cgroup.statistics().cpu.usage ?? 0 < 1_000_000 { usleep(1000) }
        let statistics = scratch.cgroup.statistics()
        #expect(statistics.cpu.usage ?? 0 >= 1_000_000)
        #expect(statistics.pids == .init(current: 1, limit: nil))
        #expect(statistics.memory.usage ?? 0 > 0)
        #expect(statistics.memory.inactiveFile != nil)
        try scratch.cgroup.kill()
    }

    @Test func `device rules decide what can be opened`() throws {
        let scratch = try Scratch()
        let rules = try DeviceRules([
            .init(allow: false), .init(allow: true, type: .character, major: 1, minor: 3),
            .init(allow: true, type: .character, major: 1, minor: 5, access: "r"),
        ])
        try scratch.cgroup.restrict(to: rules, as: .needed)
        #expect(try scratch.read(.devices, "devices.list") == "c 1:3 rwm\nc 1:5 r\n")
        let child = try Child(
            """
            can() { (eval ": $1") 2>/dev/null; }
            can '</dev/null' && can '>/dev/null' && can '</dev/zero' && ! can '>/dev/zero' && ! can '</dev/urandom' && exit 3
            """)
        try scratch.cgroup.join(child.pid)
        try child.go()
        #expect(child.end().map(exitCode) == 3)
        try scratch.cgroup.restrict(to: DeviceRules([.init(allow: true)]), as: .needed)
        #expect(try scratch.read(.devices, "devices.list") == "a *:* rwm\n")
    }

    @Test func `a cgroup of a name that is no text is looked into and removed`() throws {
        let scratch = try Scratch()
        let directory = try #require(
            scratch.cgroup.paths.entries.first { $0.directory.contains("freezer") } ?? scratch.cgroup.paths.entries.first
        ).directory
        let name = Array(directory.utf8CString.dropLast()) + [CChar(UInt8(ascii: "/")), CChar(bitPattern: 0xff), 0]
        try check("mkdir") { mkdir(name, 0o755) }
        let child = try Child("sleep 100")
        let raw = try check("open") { open(Array(name.dropLast()) + Array("/cgroup.procs".utf8CString), O_WRONLY) }
        try FileDescriptor(owning: raw).write("\(child.pid)")
        #expect(try scratch.cgroup.processes() == [child.pid])
        try scratch.cgroup.kill()
        #expect(child.end() != nil)
        try scratch.cgroup.remove()
        #expect(access(directory, F_OK) != 0)
    }

    @Test func `a cgroup deeper than a path is long can be removed`() throws {
        let scratch = try Scratch([.pids])
        var place = try FileDescriptor(opening: try #require(scratch.cgroup.paths.legacy(.pids)), [.directory])
        let name = String(repeating: "d", count: 200)
        for _ in 0..<30 {
            guard mkdirat(place.raw, name, 0o755) == 0 else { break }
            place = try FileDescriptor(opening: name, at: place.place, [.directory])
        }
        try scratch.cgroup.remove()
        #expect(access(try #require(scratch.cgroup.paths.legacy(.pids)), F_OK) != 0)
    }

    @Test(.enabled(if: hierarchy?.unified != nil))
    func `where version 2 stands beside, it holds the container in its freezer and device filter as well`() throws {
        let mount = try #require(hierarchy?.unified)
        let only = Hierarchy(mounts: [mount])
        let path = try CgroupPath("/minictl-test-\(getpid())-unified/a")
        let cgroup = try Cgroup.create(path, in: only)
        defer {
            try? cgroup.kill()
            try? CgroupTree.remove(mount.point + "/minictl-test-\(getpid())-unified", within: 3000)
        }
        let script = "(: </dev/null) && ! (: </dev/zero) 2>&- && exit 5"
        let child = try Child(script)
        try cgroup.join(child.pid)
        try cgroup.restrict(to: DeviceRules([.init(allow: true, type: .character, major: 1)]), as: .needed)
        try cgroup.restrict(to: DeviceRules([.init(allow: true, type: .character, major: 1, minor: 3)]), as: .needed)
        guard let directory = try cgroup.openUnified() else {
            Issue.record("no directory")
            return
        }
        let readable = try FileDescriptor(opening: ".", at: directory.place, [.directory])
        #expect(try DeviceFilter.attached(to: readable).count == 1)
        try cgroup.freeze()
        try child.go()
        #expect(child.end(within: 50) == nil)
        try cgroup.thaw()
        #expect(child.end().map(exitCode) == 5)
        let second = try Child("sleep 100")
        try cgroup.join(second.pid)
        try cgroup.kill()
        #expect(second.end().map(signal) == SIGKILL)
        try cgroup.remove()
    }
}

private func exitCode(_ status: CInt) -> CInt { status & 0x7f == 0 ? (status >> 8) & 0xff : -1 }
private func signal(_ status: CInt) -> CInt { status & 0x7f }
