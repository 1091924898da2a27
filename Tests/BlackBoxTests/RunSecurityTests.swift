// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

private let caps = "grep CapEff /proc/self/status | cut -f2"
private let bounds = "grep CapBnd /proc/self/status | cut -f2"

@Suite(.onRealMachine) struct RunSecurityTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test(
        "Flags that say what may be done mean what docker means by them",
        arguments: [
            Case("", caps, "00000000a80425fb"),
            Case("", "grep -E 'Cap(Inh|Amb)' /proc/self/status | cut -f2 | sort -u", "0000000000000000"),
            Case("--cap-drop ALL", caps, "0000000000000000"), Case("--cap-drop all", bounds, "0000000000000000"),
            Case("--cap-drop ALL --cap-add NET_BIND_SERVICE", caps, "0000000000000400"),
            Case("--cap-drop CAP_CHOWN --cap-drop kill", caps, "00000000a80425da"),
            Case("--cap-add cap_sys_ptrace", caps, "00000000a80c25fb"), Case("--cap-add ALL --cap-drop ALL", "echo fine", "fine"),
            Case("-u 1 --cap-add NET_ADMIN", bounds, "00000000a80435fb"),
            Case("", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t\\n'", "NoNewPrivs:0Seccomp:2"),
            Case("--security-opt no-new-privileges", "grep NoNewPrivs /proc/self/status | cut -f2", "1"),
            Case(
                "--security-opt no-new-privileges:true -u 7", "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t\\n'",
                "NoNewPrivs:1Seccomp:2"),
            Case("--security-opt no-new-privileges=false", "grep NoNewPrivs /proc/self/status | cut -f2", "0"),
            Case("--security-opt seccomp=unconfined", "grep ^Seccomp: /proc/self/status | cut -f2", "0"),
            Case(
                "--security-opt mask=/etc/passwd:/etc/terminfo --security-opt unmask=/proc/keys",
                "wc -c </etc/passwd; ls /etc/terminfo | wc -l; findmnt /proc/keys | wc -l", "0\n0\n0"),
            Case(
                "--security-opt unmask=/proc/*", "findmnt -Rno TARGET /proc | wc -l; findmnt /sys/firmware >/dev/null && echo hidden",
                "1\nhidden"),
            Case("--sysctl kernel.domainname=zone", "cat /proc/sys/kernel/domainname", "zone"),
            Case("--device /dev/null --device /dev/null:r --device /dev/zero:/dev/nought", "head -c 3 /dev/nought | wc -c", "3"),
            Case("--init", "tr -d '\\0' </proc/1/cmdline", "minictl-init"),
            Case("--security-opt apparmor=unconfined", "echo fine", "fine"),
            Case("--security-opt systempaths=unconfined", "findmnt -Rno TARGET /proc | wc -l", "1"),
            Case("--security-opt unmask=ALL", "findmnt -Rno TARGET /proc | wc -l", "1"),
            Case(
                "--privileged",
                "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t\\n'; findmnt -Rno TARGET /proc | wc -l; mount -t tmpfs x /mnt && echo mounted",
                "NoNewPrivs:0Seccomp:01\nmounted"),
            Case(
                "--sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=9999", "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax",
                "1\n9999"),
            Case(
                "", "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range | tr '\\t' ' '", "0\n0 65535"),
            Case("--userns host", "tr '\\t' ' ' </proc/sys/net/ipv4/ping_group_range", "0 2147483647"),
            Case("--userns 700000:1000", "tr '\\t' ' ' </proc/sys/net/ipv4/ping_group_range", "0 999"),
            Case("--userns auto", "set -- $(cat /proc/self/uid_map); echo $1 $3", "0 65536"),
            Case("--userns host", "tr -s ' ' </proc/self/uid_map", " 0 0 4294967295"),
            Case("--userns 700000:1000", "tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map", " 0 700000 1000\n 0 700000 1000"),
            Case(
                "--uidmap 0:700000:10 --uidmap 10:800000:5 --gidmap 0:900000:20",
                "tr -s ' ' </proc/self/uid_map; tr -s ' ' </proc/self/gid_map", " 0 700000 10\n 10 800000 5\n 0 900000 20"),
            Case("--userns keep-id", "head -1 /proc/self/uid_map | tr -s ' '", " 0 0 1"),
            Case(
                "--time-offset monotonic=+1d,boottime=-1h", "cat /proc/self/timens_offsets | tr -s ' ' | tr '\\n' ';'",
                "monotonic 86400 0;boottime -3600 0;"),
            Case("--network none", "ls /sys/class/net; cat /proc/net/dev | grep -c :; cat /sys/class/net/lo/operstate", "lo\n1\nunknown"),
            Case("", "ls /sys/class/net; cat /proc/net/dev | grep -c :; cat /sys/class/net/eth0/operstate", "eth0\nlo\n2\nup"),
        ])
    func flag(_ item: Case) throws { try rig.expect(item) }

    @Test(
        "What would reach beyond the container, or means nothing, is refused",
        arguments: [
            Refusal("--cap-add NOSUCH base true", "NOSUCH"), Refusal("--cap-drop nosuch base true", "nosuch"),
            Refusal("--security-opt nosuch base true", "nosuch"), Refusal("--security-opt seccomp=/nonexistent base true", "/nonexistent"),
            Refusal("--security-opt seccomp=/dev/zero base true", "/dev/zero"), Refusal("--security-opt mask=x base true", "'x'"),
            Refusal("--sysctl kernel.core_pattern=|/x base true", "kernel.core_pattern"),
            Refusal("--sysctl kernel.hostname=x base true", "kernel.hostname"),
            Refusal("--userns host --sysctl kernel.core_pattern=core base true", "kernel.core_pattern"),
            Refusal("--userns host --sysctl kernel/core_pattern=core base true", "core_pattern"),
            Refusal("--userns host --sysctl vm.nosuch=60 base true", "vm.nosuch"),
            Refusal("--userns host --sysctl fs.mqueue/../file-max=9 base true", "file-max"),
            Refusal("--userns host --network host --sysctl net.ipv4.ip_forward=0 base true", "net.ipv4.ip_forward"),
            Refusal("--userns host --ipc host --sysctl kernel.shmmax=18446744073692774399 base true", "kernel.shmmax"),
            Refusal("--sysctl net.ipv4.nosuch=1 base true", "nosuch"),
            Refusal("--network nosuch base true", "nosuch"), Refusal("--network container:nosuch base true", "nosuch"),
            Refusal("--pid container:nosuch base true", "nosuch"),
            Refusal("--uts host -h box base true", "--hostname"),
            Refusal("--pid nosuch base true", "nosuch"), Refusal("--cgroupns container:x base true", "cgroupns"),
            Refusal("--network container: base true", "container:"),
            Refusal("--network none --network host base true", "'none' goes with no other network"),
            Refusal("--cap-add NET_ADMIN,SYS_TIME base true", "'NET_ADMIN,SYS_TIME'"),
            Refusal("--security-opt mask=/ base true", "cannot be masked"), Refusal("--security-opt mask= base true", "''"),
            Refusal("--uidmap 0:700000:10 --uidmap 5:800000:1 base true", "overlap at containerID 5"),
            Refusal("--userns keep-id --uidmap 0:700000:10 base true", "--uidmap"),
            Refusal("--time-offset monotonic=-50000d base true", "can be before 0"),
            Refusal("--device /etc/passwd base true", "/etc/passwd is no device"),
            Refusal("--device /dev/null --device /dev/zero:/dev/null base true", "two devices at /dev/null"),
            Refusal("--device /dev/zero:/dev/ptmx base true", "the container's own"),
            Refusal("--device /dev/pts base true", "the container's own"),
            Refusal("--device /dev/zero:/proc/nosuch base true", "cannot mount at /proc/nosuch"),
            Refusal("base -w /x true", "options stand before", code: 127),
        ])
    func refusal(_ refusal: Refusal) throws { try rig.expect(refusal) }

    @Test("A namespace of the host's is the host's, any other the container's own")
    func hostNamespaces() throws {
        func own(_ name: String) -> String { (try? Command(["readlink", "/proc/self/ns/\(name)"]).run())?.text ?? "" }
        let names = ["net", "pid", "ipc", "uts", "cgroup", "mnt", "user"]
        let script = "for n in \(names.joined(separator: " ")); do readlink /proc/self/ns/$n; done"
        let separate = try rig.sh(script).lines
        for (name, link) in zip(names, separate) { #expect(link != own(name), "\(name)") }
        for (flag, name) in [
            ("--network", "net"), ("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts"), ("--cgroupns", "cgroup"), ("--userns", "user"),
        ] {
            #expect(try rig.sh([flag, "host"], "readlink /proc/self/ns/\(name)").text == own(name), "\(flag)")
        }
    }

    @Test("With the host's IPC namespace comes its shared memory, with the owners it has there")
    func hostMemory() throws {
        let name = "minictl-blackbox-\(getpid())"
        #expect(try Command(["sh", "-c", "echo secret >/dev/shm/\(name); chmod 600 /dev/shm/\(name)"]).run().code == 0)
        defer { unlink("/dev/shm/\(name)") }
        #expect(try rig.sh(["--ipc", "host"], "ls /dev/shm | grep -c '\(name)'; cat /dev/shm/\(name) || echo denied").text == "1\ndenied")
        #expect(try rig.sh([], "ls /dev/shm").text == "")
    }

    @Test("Another container's namespaces can be shared, and its processes seen and found")
    func sharedNamespaces() throws {
        let id = try rig.background(["--name", "first", "-h", "one"])
        for (flag, file) in [("--network", "net"), ("--pid", "pid"), ("--ipc", "ipc"), ("--uts", "uts")] {
            let theirs = try Command(["readlink", "/proc/\(rig.pid(id))/ns/\(file)"]).run().text
            let ending = try rig.sh([flag, "container:first"], "readlink /proc/self/ns/\(file)")
            #expect(ending.text == theirs && ending.code == 0, "\(flag) \(ending.error)")
        }
        #expect(try rig.sh(["--uts", "container:\(id.prefix(8))"], "cat /proc/sys/kernel/hostname").text == "one")
        let seen = try rig.sh(["--pid", "container:first"], "ps -e -o comm= | head -1")
        #expect(seen.text == "sleep", "\(seen.output) \(seen.error)")
    }

    @Test("A seccomp file in docker's form decides which calls there are")
    func seccompFile() throws {
        try rig.write(
            "profile.json",
            #"{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64","SCMP_ARCH_AARCH64"],"syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":28}]}"#
        )
        let ending = try rig.sh(
            ["--security-opt", "seccomp=\(rig.path)/profile.json"],
            "mkdir /x 2>&1 | grep -c 'No space'; grep ^Seccomp: /proc/self/status | cut -f2")
        #expect(ending.text == "1\n2", "\(ending.error)")
        for bad in [
            "", "{", "[]", #"{"defaultAction":"NOSUCH"}"#, #"{"defaultAction":"SCMP_ACT_ALLOW","nosuch":1}"#,
            String(repeating: "[", count: 100_000),
        ] {
            try rig.write("bad.json", bad)
            let ending = try rig.sh(["--security-opt", "seccomp=\(rig.path)/bad.json"], "true")
            #expect(ending.code == 125 && ending.error.contains("bad.json"), "\(bad.prefix(20)): \(ending.code) \(ending.error)")
        }
    }

    @Test("A filter or a limit that keeps every program from running is told of in a sentence")
    func nothingRuns() throws {
        try rig.write(
            "profile.json",
            #"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["execve"],"action":"SCMP_ACT_KILL_PROCESS"}]}"#)
        let filtered = try rig.sh(["--security-opt", "seccomp=\(rig.path)/profile.json"], "true")
        #expect(filtered.code == 125 && filtered.error.contains("must allow execve"), "\(filtered)")
        // Below a reaper too; but a program that ends so by itself is none of the filter's.
        let below = try rig.sh(["--init", "--security-opt", "seccomp=\(rig.path)/profile.json"], "true")
        #expect(below.code == 125 && below.error.contains("must allow execve"), "\(below)")
        let ended = try rig.sh(["--init"], "kill -SYS $$")
        #expect(ended.code == 159 && ended.error.isEmpty, "\(ended)")
        for limit in ["as=100000", "stack=4096"] {
            let limited = try rig.command(["run", "--rm", "--ulimit", limit, "base", "true"]).run([], seconds: 20)
            #expect(limited.code == 139 && limited.error.contains("want of memory: --ulimit \(limit)"), "\(limited)")
        }
        let full = try rig.sh(["--init", "--ulimit", "fsize=0"], "echo x >/f")
        #expect(full.code == 153 && full.error.contains("too large a file: --ulimit fsize=0"), "\(full)")
        // What bounds the program does not bind us on the way to it.
        #expect(try rig.sh(["--ulimit", "as=20000000"], "ulimit -v").text == "19531")
        for flag in ["--init", "--init=false"] {
            #expect(try rig.sh([flag, "--ulimit", "nofile=5:9"], "ulimit -Sn; ulimit -Hn").text == "5\n9")
        }
        rig.expectNothingLeft()
    }

    @Test("Reading and writing what tells of the host or rules it is not possible")
    func masks() throws {
        let paths = [
            "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper",
            "/proc/sys/vm/drop_caches", "/proc/irq/default_smp_affinity",
        ]
        let ending = try rig.sh(
            ["--userns", "host"],
            paths.map { "(echo x > \($0)) 2>/dev/null && echo 'wrote \($0)'" }.joined(separator: "; ")
                + "; cat /proc/kcore /proc/keys /proc/timer_list /proc/interrupts 2>/dev/null | wc -c; ls /sys/firmware /proc/acpi /proc/scsi 2>/dev/null | grep -c [a-z0-9]$"
        )
        #expect(ending.text == "0\n0", "\(ending.text)")
        // A mask is the host's /dev/null: its mode is not the container's to change, whoever its root is.
        defer { _ = (chmod("/dev/null", 0o666), chown("/dev/null", 0, 0)) }
        #expect(
            try rig.sh(
                ["--userns", "host"], "chmod 600 /proc/keys /proc/timer_list /proc/interrupts; chown 5 /proc/keys; touch /proc/keys; true"
            ).code == 0)
        #expect(try FileStatus(of: "/dev/null").permissions == 0o666 && FileStatus(of: "/dev/null").owner == 0)
    }

    @Test("The nodes of /dev are the container's own, and not the host's")
    func nodes() throws {
        let flags = ["--device", "/dev/zero:/dev/asked", "--device", "/dev/zero:/dev/below/asked"]
        let looks =
            "stat -c '%n %u:%g %t:%T' /dev/null /dev/tty /dev/asked /dev/below/asked; readlink /dev/fd; head -c 3 /dev/asked | wc -c"
        for users in [[], ["--userns", "host"]] {
            #expect(
                try rig.sh(flags + users, looks).text
                    == "/dev/null 0:0 1:3\n/dev/tty 0:0 5:0\n/dev/asked 0:0 1:5\n/dev/below/asked 0:0 1:5\n/proc/self/fd\n3")
        }
        let changed = try rig.sh(
            [], "chmod 600 /dev/null /dev/tty && chown 5 /dev/null && stat -c '%u %a' /dev/null; mknod /dev/x c 1 3 || rm /dev/zero")
        #expect(changed.code == 0 && changed.text == "5 600", "\(changed.error)")
        #expect(try FileStatus(of: "/dev/null").permissions == 0o666 && FileStatus(of: "/dev/null").owner == 0)
    }
}
