// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

@Suite(.onRealMachine) struct RunStorageTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test(
        "Flags that say what is mounted mean what docker means by them",
        arguments: [
            Case(
                "--read-only", "touch /x 2>&1; touch /dev/shm/x /dev/x && echo ok; mkdir /etc/x 2>&1 | grep -c Read-only",
                "touch: cannot touch '/x': Read-only file system\nok\n1"),
            Case("--read-only --tmpfs /run --tmpfs /new", "touch /run/x && echo ok", "ok"),
            // What goes with its container is not synced, and overlayfs' mark of that is in nobody's way.
            Case("", "grep -c '^overlay / .*volatile' /proc/mounts; mkdir /d && touch /d/x && rm -r /d && echo ok", "1\nok"),
            Case(
                "--tmpfs /t", "findmnt -no FSTYPE,OPTIONS /t | tr ',' '\\n' | grep -E 'tmpfs|^no' | tr '\\n' ' '; stat -c %a /t",
                "tmpfs  rw nosuid nodev noexec 1777"),
            Case(
                "--tmpfs /t:size=64k,mode=700,exec",
                "stat -c %a /t; df -k /t | tail -1 | tr -s ' ' | cut -d' ' -f2; findmnt -no OPTIONS /t | grep -c noexec", "700\n64\n0"),
            Case("--tmpfs /t:ro", "touch /t/x 2>&1", "touch: cannot touch '/t/x': Read-only file system"),
            Case(
                "--mount type=tmpfs,target=/t,tmpfs-size=64k,tmpfs-mode=1700",
                "stat -c %a /t; df -k /t | tail -1 | tr -s ' ' | cut -d' ' -f2", "1700\n64"),
            Case("--mount type=tmpfs,dst=/t,readonly", "touch /t/x 2>&1", "touch: cannot touch '/t/x': Read-only file system"),
            Case("", "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2; stat -c %a /dev/shm", "65536\n1777"),
            Case("--shm-size 1m", "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2", "1024"),
            Case(
                "--device /dev/zero:/dev/nought", "head -c 2 /dev/nought | od -An -tx1; stat -c '%F %t:%T' /dev/nought",
                " 00 00\ncharacter special file 1:5"),
            Case("--device-cgroup-rule c\u{A0}1:11\u{A0}r", "echo fine", "fine"),
            Case("--device /dev", "readlink /dev/ptmx; stat -c %F /dev/full; ls /dev/pts", "pts/ptmx\ncharacter special file\nptmx"),
            Case("-v /data", "touch /data/x && stat -c %u:%a /data", "0:755"),
            Case("", "ls -A /dev | sort | tr '\\n' ' '", "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero "),
            Case(
                "",
                "stat -c %t:%T /dev/null /dev/full /dev/tty; echo x >/dev/null; head -c1 /dev/urandom | wc -c; readlink /dev/ptmx /dev/fd",
                "1:3\n1:7\n5:0\n1\npts/ptmx\n/proc/self/fd"),
            Case(
                "", "findmnt -no OPTIONS /proc; findmnt -no OPTIONS /sys",
                "rw,nosuid,nodev,noexec,relatime\nro,nosuid,nodev,noexec,relatime"),
        ])
    func flag(_ item: Case) throws { try rig.expect(item) }

    @Test(
        "A mount that makes no sense is refused before anything is made",
        arguments: [
            Refusal("-v /tmp:/ base true", "'/'"), Refusal("-v /tmp:/.. base true", "'/..'"), Refusal("-v /tmp:x base true", "absolute"),
            Refusal("-v ../x:/x:zz base true", "zz"),
            Refusal("-v ~/x:/x base true", "'~/x' is no volume's name"), Refusal("-v a/b:/x base true", "begins with / or ./"),
            Refusal("-v ./a/../b:x base true", "absolute"),
            Refusal("-v x\n:/x base true", "volume name"),
            Refusal("-v .x:/x base true", "volume name"), Refusal("-v :/x base true", "DIR"), Refusal("-v /a:/b:ro:x base true", "DIR"),
            Refusal("-v /tmp:/a/../.. base true", "/a/../.."), Refusal("-v /tmp:/a -v /usr:/a base true", "/a"),
            Refusal("-v /tmp:/a -v /usr:/a/ base true", "/a"), Refusal("-v /etc:/proc base true", "/proc"),
            Refusal("-v /etc:/proc/sys base true", "/proc"), Refusal("-v /etc:/proc/self/attr base true", "/proc"),
            Refusal("--tmpfs /proc base true", "/proc"), Refusal("--tmpfs /proc/sys base true", "/proc"),
            Refusal("--tmpfs / base true", "'/'"),
            Refusal("--tmpfs x base true", "absolute"), Refusal("--tmpfs /t:size=nonsense base true", "size"),
            Refusal("--tmpfs /t:nosuch base true", "nosuch"),
            Refusal("--mount type=bind,source=/nonexistent,target=/x base true", "/nonexistent"),
            Refusal("--mount type=bind,target=/x base true", "source"),
            Refusal("--mount type=nosuch,target=/x base true", "nosuch"), Refusal("--mount type=tmpfs base true", "target"),
            Refusal("--mount type=tmpfs,target=/x,nosuch=1 base true", "nosuch"),
            Refusal("--mount type=tmpfs,target=/x,readonly=maybe base true", "maybe"),
            Refusal("--shm-size -1 base true", "-1"),
            Refusal("--device /nonexistent base true", "/nonexistent"),
            Refusal("--device /etc base true", "nor a directory with any in it"),
            Refusal("--mount type=tmpfs,dst=/x,volume-nocopy base true", "cannot mix 'volume-*' options with mount type 'tmpfs'"),
            Refusal("--mount type=bind,src=/etc,dst=/x,tmpfs-size=1m base true", "cannot mix 'tmpfs-*' options with mount type 'bind'"),
            Refusal("--mount dst=/x,bind-propagation=rshared base true", "cannot mix 'bind-*' options with mount type 'volume'"),
            Refusal("--mount type=tmpfs,src=/etc,dst=/x base true", "has no source"),
            Refusal("--device /etc/passwd base true", "/etc/passwd"), Refusal("--device /dev/zero:/dev/x:q base true", "q"),
            Refusal("--device dev/zero base true", "dev/zero"), Refusal("--device-cgroup-rule nonsense base true", "nonsense"),
            Refusal("--device-cgroup-rule c\u{A0}99999999999:1\u{A0}r base true", "99999999999"),
        ])
    func refusal(_ refusal: Refusal) throws { try rig.expect(refusal) }

    @Test("What container root makes in a folder of the host's belongs to the host's root, and the other way round")
    func bindOwners() throws {
        try rig.write("host/theirs", "x")
        chown("\(rig.host)/theirs", 1000, 1001)
        let ending = try rig.sh(
            ["-v", "\(rig.host):/data"],
            "touch /data/made; mkdir /data/d; stat -c %u:%g /data/theirs /data/made; chown 33:34 /data/d; cat /data/theirs; echo y >/data/theirs; rm /data/theirs && echo gone"
        )
        #expect(ending.text == "1000:1001\n0:0\nxgone", "\(ending.error)")
        #expect(try FileStatus(of: "\(rig.host)/made").owner == 0)
        #expect(try FileStatus(of: "\(rig.host)/d").owner == 33)
        let user = try rig.sh(
            ["-v", "\(rig.host):/data", "-u", "33"], "touch /data/d/mine && stat -c %u /data/d/mine; touch /data/no 2>&1")
        #expect(user.text == "33\ntouch: cannot touch '/data/no': Permission denied")
        #expect(try FileStatus(of: "\(rig.host)/d/mine").owner == 33)
    }

    @Test(
        "A bind is read-only where asked, with everything mounted below it",
        arguments: [["-v", "HOST:/data:ro"], ["--mount", "type=bind,source=HOST,target=/data,readonly"]])
    func readOnlyBind(_ flags: [String]) throws {
        // In a mount namespace of its own, so that this machine keeps its mounts.
        try rig.makeDirectory("host/sub")
        let flags = flags.map {
            $0.hasPrefix("HOST")
                ? rig.host + $0.dropFirst(4)
                : $0.split(separator: "HOST").count == 2 ? $0.split(separator: "HOST").joined(separator: rig.host) : $0
        }
        let inner =
            ([Program.path, "--root", rig.root, "run", "--rm"] + flags + [
                "base", "sh", "-c", "touch /data/x /data/sub/x 2>&1 | grep -c Read-only; findmnt -no FSTYPE /data/sub",
            ])
            .map { "'\($0)'" }.joined(separator: " ")
        let ending = try Command(["unshare", "-m", "sh", "-c", "mount -t tmpfs none \(rig.host)/sub && \(inner)"]).run()
        #expect(ending.text == "2\ntmpfs", "\(ending.error)")
        #expect(rig.names("host") == ["sub"])
    }

    @Test("A missing folder is made by -v; a file can be bound; nested mounts come in order of depth")
    func binds() throws {
        #expect(try rig.sh(["-v", "\(rig.host)/new/one:/data"], "touch /data/x").code == 0)
        #expect(rig.names("host/new/one") == ["x"])
        try rig.write("host/file", "content")
        #expect(try rig.sh(["-v", "\(rig.host)/file:/etc/made/file:ro"], "cat /etc/made/file; echo x > /etc/made/file").text == "content")
        try rig.makeDirectory("inner")
        try rig.write("inner/mark", "inner")
        #expect(try rig.sh(["-v", "\(rig.path)/inner:/a/b/c", "-v", "\(rig.host):/a"], "cat /a/b/c/mark; ls /a").text.hasPrefix("inner"))
        #expect(try rig.sh(["-v", "\(rig.host)/file:/etc/hostname"], "cat /etc/hostname").text == "content")
    }

    @Test("Three hundred mounts are as good as one")
    func manyMounts() throws {
        let flags = (0..<300).flatMap { ["-v", "\(rig.host):/m/\($0)"] }
        #expect(try rig.sh(flags, "ls /m | wc -l; grep -c ' /m/' /proc/self/mounts").text == "300\n300")
    }

    @Test("A named volume outlives its container, one without a name goes with it, both start with what the image has there")
    func volumes() throws {
        #expect(
            try rig.sh(["-v", "keep:/etc", "-v", "/other"], "ls /etc/passwd; echo more > /etc/more; touch /other/x").text == "/etc/passwd")
        #expect(rig.names("root/containers/.volumes") == ["keep"])
        #expect(try rig.sh(["--mount", "type=volume,source=keep,target=/k"], "cat /k/more; ls /k/passwd").text == "more\n/k/passwd")
        #expect(try rig.sh(["-v", "bare:/etc:nocopy"], "ls /etc | grep -v -e hostname -e hosts -e resolv.conf").text == "")
        #expect(try rig.sh(["-v", "keep:/k:ro"], "touch /k/x").code == 1)
        rig.expectNothingLeft()
    }

    @Test("A device is as readable and writable as was asked")
    func deviceAccess() throws {
        let script = "head -c1 /dev/n >/dev/null && echo read; (echo x >/dev/n) 2>/dev/null && echo wrote"
        #expect(try rig.sh(["--device", "/dev/zero:/dev/n:rwm"], script).text == "read\nwrote")
        // /dev/zero itself is every container's; another device shows what the rule does.
        guard access("/dev/fuse", F_OK) == 0 else { return }
        let fuse = "(exec 3</dev/f) 2>/dev/null && echo read; (exec 3>/dev/f) 2>/dev/null && echo wrote; stat -c %u /dev/f"
        for users in ["auto", "host"] {
            #expect(try rig.sh(["--userns", users, "--device", "/dev/fuse:/dev/f"], fuse).text == "read\nwrote\n0", "\(users)")
            #expect(try rig.sh(["--userns", users, "--device", "/dev/fuse:/dev/f:r"], fuse).text == "read\n0", "\(users)")
            #expect(
                try rig.sh(["--userns", users, "--device", "/dev/fuse:/dev/f:r"], "chmod 777 /dev/f; chown 5 /dev/f; stat -c %u /dev/f")
                    .text == "5")
        }
        #expect(try FileStatus(of: "/dev/fuse").owner == 0)
        #expect(try rig.sh(["--userns", "host"], "mknod /k c 10 229; (exec 3</k) 2>/dev/null && echo read").text == "")
    }

    @Test("What is written to the root stays in the container's own layer and goes with it")
    func ownLayer() throws {
        #expect(try rig.sh("echo changed > /etc/passwd; rm -rf /bin/cat; touch /x").code == 0)
        #expect(try rig.sh("grep -c root /etc/passwd; ls /bin/cat; ls /x 2>/dev/null").text == "1\n/bin/cat")
        rig.expectNothingLeft()
    }

    @Test("--rootfs uses a directory of the host's as it is, with the ids it has")
    func rootfs() throws {
        guard Program.has("busybox") else { return }
        try rig.makeBusybox("fs")
        chown("\(rig.path)/fs/etc", 0, 42)
        let ending = try rig.minictl(
            "run", "--rm", "--rootfs", "\(rig.path)/fs", "sh", "-c",
            "busybox id -u; busybox stat -c %g /etc; echo made >/made; busybox stat -c %u /made")
        #expect(ending.text == "0\n42\n0", "\(ending.error)")
        #expect(try rig.read("fs/made") == "made\n")
        #expect(try FileStatus(of: "\(rig.path)/fs/made").owner == 0)
    }

    @Test(
        "A root whose /proc, /sys or /dev is a link is refused in words, and one without them has them made",
        arguments: ["proc", "sys", "dev"])
    func linkedRoot(_ name: String) throws {
        guard Program.has("busybox") else { return }
        try rig.makeBusybox("fs", folders: [])
        let run = [
            "run", "--rm", "--network", "none", "--rootfs", "\(rig.path)/fs", "sh", "-c", "busybox ls -d /proc/1 /dev/null /sys/class",
        ]
        symlink("\(rig.path)/victim", "\(rig.path)/fs/\(name)")
        let refused = try rig.minictl(run)
        #expect(refused.code == 125 && refused.error.contains("cannot mount at /\(name): a part of it is a symbolic link"), "\(refused)")
        unlink("\(rig.path)/fs/\(name)")
        #expect(try rig.minictl(run).code == 0)
    }
}

extension Rig {
    /// A root file system with nothing but a static busybox.
    func makeBusybox(_ name: String, folders: [String] = ["etc", "tmp", "proc", "sys", "dev"]) throws {
        for folder in folders + ["bin"] { try makeDirectory("\(name)/\(folder)") }
        let program = try File.read(access("/bin/busybox", X_OK) == 0 ? "/bin/busybox" : "/usr/bin/busybox", limit: 16 << 20)
        try FileDescriptor(opening: "\(path)/\(name)/bin/busybox", [.writeOnly, .create], mode: 0o755).write(program)
        symlink("busybox", "\(path)/\(name)/bin/sh")
    }
}
