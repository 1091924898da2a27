// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

/// System calls as Perl's `syscall` makes them, and the errno each must give in a default container.
private let denied: [(call: String, number: Int, arguments: String, errno: CInt)] = [
    ("unshare user", 272, "0x10000000", EPERM), ("unshare mount", 272, "0x20000", EPERM), ("setns", 308, "0,0", EPERM),
    ("clone user", 56, "0x10000011,0,0,0,0", EPERM),
    ("clone3", 435, "0,0", ENOSYS), ("mount", 165, "0,0,0,0,0", EPERM), ("umount2", 166, "0,0", EPERM), ("pivot_root", 155, "0,0", EPERM),
    ("open_tree", 428, "0,0,0", EPERM), ("move_mount", 429, "0,0,0,0,0", EPERM), ("fsopen", 430, "0,0", EPERM),
    ("mount_setattr", 442, "0,0,0,0,0", EPERM),
    ("keyctl", 250, "0,0,0,0,0", EPERM), ("add_key", 248, "0,0,0,0,0", EPERM), ("request_key", 249, "0,0,0,0", EPERM),
    ("bpf", 321, "0,0,0", EPERM),
    ("perf_event_open", 298, "0,0,0,0,0", EPERM), ("userfaultfd", 323, "0", EPERM), ("io_uring_setup", 425, "1,0", EPERM),
    ("open_by_handle_at", 304, "0,0,0", EPERM),
    ("kexec_load", 246, "0,0,0,0", EPERM), ("init_module", 175, "0,0,0", EPERM), ("finit_module", 313, "0,0,0", EPERM),
    ("reboot", 169, "0,0,0,0", EPERM),
    ("swapon", 167, "0,0", EPERM), ("acct", 163, "0", EPERM), ("syslog", 103, "3,0,0", EPERM), ("iopl", 172, "3", EPERM),
    ("settimeofday", 164, "0,0", EPERM),
    ("quotactl", 179, "0,0,0,0", EPERM), ("fanotify_init", 300, "0,0", EPERM), ("pidfd_getfd", 438, "0,0,0", EPERM),
    ("process_madvise", 440, "0,0,0,0,0", EPERM),
    ("move_pages", 279, "0,0,0,0,0,0", EPERM), ("socket AF_ALG", 41, "38,5,0", EPERM), ("socket AF_VSOCK", 41, "40,1,0", EPERM),
    ("sethostname", 170, "0,0", EPERM),
    ("nothing", 9999, "", ENOSYS),
]

@Suite(.onRealMachine) struct KernelTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    #if arch(x86_64)
    @Test("What a container has no business with in the kernel is denied, to what joins it too (A18)")
    func systemCalls() throws {
        guard Program.has("perl") else { return }
        let script = denied.map {
            "$! = 0; syscall(\($0.number)\($0.arguments.isEmpty ? "" : ", ")\($0.arguments)); print \"\($0.call) \", $!+0, \"\\n\";"
        }.joined()
        let expected = denied.map { "\($0.call) \($0.errno)" }
        let mount = ["-v", "/usr:/usr:ro"]
        for flags in [[], ["--userns", "host"], ["--security-opt", "no-new-privileges", "-u", "7"]] {
            let ending = try rig.minictl(["run", "--rm"] + mount + flags + ["base", "perl", "-e", script])
            for (got, wanted) in zip(ending.lines, expected) { #expect(got == wanted, "\(flags)") }
            #expect(ending.lines.count == expected.count, "\(ending.error)")
        }
        let id = try rig.background(mount)
        #expect(try rig.minictl("exec", id, "perl", "-e", script).lines == expected)
    }

    @Test("The doors for 32-bit programs are as narrow (A18)")
    func oldDoors() throws {
        let calls: [(name: String, program: [UInt8])] = [
            ("mount", TinyProgram.call(21, old: true)), ("unshare", TinyProgram.call(310, 0x1000_0000, old: true)),
            ("keyctl", TinyProgram.call(288, old: true)),
            ("bpf", TinyProgram.call(357, old: true)), ("clone", TinyProgram.call(120, 0x1000_0011, old: true)),
            ("setns", TinyProgram.call(346, old: true)),
            ("socket AF_ALG", TinyProgram.call(359, 38, old: true)), ("x32 mount", TinyProgram.call(0x4000_00a5, old: false)),
            ("x32 unshare", TinyProgram.call(0x4000_0110, 0x1000_0000, old: false)), ("plain mount", TinyProgram.call(165, old: false)),
        ]
        for (name, program) in calls {
            try FileDescriptor(opening: "\(rig.host)/\(name)", [.writeOnly, .create], mode: 0o755).write(program)
        }
        let ending = try rig.sh(["-v", "\(rig.host):/calls:ro"], "cd /calls; for c in *; do ./\"$c\"; echo $c $?; done")
        #expect(ending.lines.count == calls.count)
        for line in ending.lines {
            // Where the kernel has no such door at all, it is ENOSYS, or the program is killed by it.
            #expect(["1", "38", "139"].contains(line.split(separator: " ").last), "\(line)")
        }
    }

    @Test("The caller's keyring stays outside, even without a filter (A19)")
    func keyring() throws {
        guard Program.has("perl") else { return }
        let describe = "my $b = ' ' x 200; my $n = syscall(250, 6, -3, $b, 200); print substr($b, 0, $n - 1)"
        let ending = try rig.minictl(
            "run", "--rm", "--security-opt", "seccomp=unconfined", "-v", "/usr:/usr:ro", "base", "perl", "-e", describe)
        #expect(ending.text.hasPrefix("keyring;") && ending.text.contains(";_ses."), "\(ending.text) \(ending.error)")
        let id = try rig.background(["--security-opt", "seccomp=unconfined", "-v", "/usr:/usr:ro"])
        #expect(try rig.minictl("exec", id, "perl", "-e", describe).text.contains(";_ses."))
    }
    #endif

    @Test(
        "No release agent can be written, and no hierarchy mounted where it could (A13)",
        arguments: [[], ["--userns", "host"], ["--userns", "host", "--cgroupns", "host"]])
    func releaseAgent(_ flags: [String]) throws {
        let script = """
            find /sys/fs/cgroup -name release_agent | head -3
            for f in $(find /sys/fs/cgroup -name cgroup.procs -o -name tasks -o -name notify_on_release | head -40); do (echo 0 >$f) 2>/dev/null && echo wrote $f; done
            mkdir -p /m; mount -t cgroup -o memory x /m 2>/dev/null && echo mounted; mount -t cgroup2 x /m 2>/dev/null && echo mounted
            unshare -UrmC sh -c 'mount -t cgroup -o rdma x /m' 2>/dev/null && echo unshared
            mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo remounted; mount -o remount,rw /proc/sys 2>/dev/null && echo remounted; umount /proc/keys 2>/dev/null && echo unmasked
            """
        #expect(try rig.sh(flags, script).text == "")
    }

    @Test("A device that was not given can be made but not opened (A17)")
    func devices() throws {
        let script =
            "n=0; for d in 'b 254 0' 'b 8 0' 'b 259 0' 'c 1 1' 'c 1 2' 'c 1 4' 'c 1 11' 'c 10 229' 'c 10 200'; do mknod /d $d 2>/dev/null && n=$((n+1)); (exec 3</d) 2>/dev/null && [ -e /d ] && echo opened $d; rm -f /d; done; echo made $n"
        #expect(try rig.sh(["--userns", "host"], script).text == "made 9")
        #expect(try rig.sh([], script).text == "made 0")
    }

    @Test("Host files cannot be reached through what the kernel shows of the mounts and of process 1")
    func proc() throws {
        let script =
            "cat /proc/1/root/\(rig.path)/victim/canary /proc/self/root/\(rig.path)/victim/canary 2>/dev/null; grep -c -e \(rig.path) -e /images/ /proc/self/mountinfo; true"
        let ending = try rig.sh(["-v", "\(rig.host):/data"], script)
        #expect(!ending.text.contains("alive") && ending.code == 0)
    }
}
