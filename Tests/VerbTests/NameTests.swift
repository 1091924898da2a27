// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import Testing

@Suite(.enabled(if: Root.isUsable)) struct NameTests {
    static let hasServer: Bool = {
        let code = try? Script("test -x /usr/lib/podman/aardvark-dns -o -x /usr/libexec/podman/aardvark-dns").run().code
        if code != 0 { print("skipped: there is no aardvark-dns on this machine") }
        return code == 0
    }()

    /// What a container finds a name to be.
    private func found(_ minictl: Root, _ container: String, _ names: [String]) throws -> [String] {
        try names.map { name in
            let address = try minictl("exec \(container) getent ahostsv4 \(name)").text.prefix { $0 != " " && $0 != "\n" }
            return address.isEmpty ? "none" : String(address)
        }
    }

    /// That a container finds these, now or in a moment: the server is told of a change, and reads it when it gets to it.
    private func expectFound(
        _ minictl: Root, _ container: String, _ names: String..., is expected: [String], at location: SourceLocation = #_sourceLocation
    ) throws {
        var seen = try found(minictl, container, names)
        for _ in 0..<40 where seen != expected {
            usleep(50_000)
            seen = try found(minictl, container, names)
        }
        #expect(seen == expected, sourceLocation: location)
    }

    /// That so many name servers run, now or in a moment: one is a process, and takes its time to come and to go.
    private func expectServers(_ count: Int, _ minictl: Root, at location: SourceLocation = #_sourceLocation) throws {
        let count = "\(count)"
        let look = "n=$(ps -eo args | grep -c \"[a]ardvark.*$PWD/\"); [ $n = \(count) ]"
        let seen = try minictl.sh("for i in $(seq 100); do \(look) && break; sleep 0.05; done; echo $n").text
        #expect(seen == count, sourceLocation: location)
    }

    @Test("Containers find each other by name, alias and id, on the default network too", .enabled(if: hasServer))
    func names() throws {
        let minictl = try Root()
        let id = try minictl.start("one", "--network-alias uno")
        // Alone it knows itself, and nobody else is to be known.
        try expectFound(minictl, "one", "one", is: ["172.18.0.2"])
        try expectServers(0, minictl)
        try minictl.start("two")
        try expectFound(
            minictl, "two", "one", "uno", String(id.prefix(12)), "nobody", is: ["172.18.0.2", "172.18.0.2", "172.18.0.2", "none"])
        try expectFound(minictl, "one", "two", is: ["172.18.0.3"])
        #expect(try minictl("exec one head -n 1 /etc/resolv.conf").text == "nameserver 172.18.0.1")
        try minictl("rename two zwei")
        try expectFound(minictl, "one", "zwei", "two", is: ["172.18.0.3", "none"])
        try expectServers(1, minictl)
        try minictl("rm -f one")
        try expectFound(minictl, "zwei", "one", is: ["none"])
        try minictl("rm -f zwei")
        try expectServers(0, minictl)
        #expect(try minictl.sh("ls runtime/names").text == "")
    }

    @Test("Names are those of the networks that one is on, and follow connect and disconnect", .enabled(if: hasServer))
    func networks() throws {
        let minictl = try Root()
        try minictl("network create --subnet 10.9.0.0/24 blue")
        try minictl.start("one")
        try minictl.start("two", "--network blue")
        try expectFound(minictl, "one", "two", is: ["none"])
        try minictl("network connect --alias zwo blue one")
        try expectFound(minictl, "one", "two", is: ["10.9.0.2"])
        try expectFound(minictl, "two", "one", "zwo", is: ["10.9.0.3", "10.9.0.3"])
        let servers = try minictl("exec one grep nameserver /etc/resolv.conf").lines
        #expect(servers == ["nameserver 172.18.0.1", "nameserver 10.9.0.1"])
        try minictl("network disconnect blue one")
        try expectFound(minictl, "two", "one", is: ["none"])
        try expectFound(minictl, "one", "two", is: ["none"])
        #expect(try minictl("exec one grep nameserver /etc/resolv.conf").lines == ["nameserver 172.18.0.1"])
    }

    @Test(
        "Whatever a container does with its /etc/hosts, others start, end and are told of each other",
        arguments: ["flock /etc/hosts sleep 1000", "truncate -s 2M /etc/hosts; exec sleep 1000", "lease"])
    func ownHosts(_ script: String) throws {
        let minictl = try Root()
        try minictl("network create --internal --subnet 10.9.0.0/24 inside")
        let isLease = script == "lease"
        let id = try minictl.start("one", "--network inside", isLease ? "sleep 1000" : "sh -c '\(script)'")
        try minictl.start("two", "--network inside")
        try minictl.sh("sleep 0.2")
        if isLease {
            // As a program in there could have it (`F_SETLEASE`, `F_RDLCK`); here it is one that the test can rely on.
            guard try Script("command -v python3").run().code == 0 else { return }
            let lease =
                "import fcntl,time,signal; signal.signal(signal.SIGIO, signal.SIG_IGN); f=open('containers/\(id)/hosts'); fcntl.fcntl(f,1024,0); time.sleep(20)"
            try minictl.sh("python3 -c \"\(lease)\" >/dev/null 2>&1 & sleep 0.5")
        }
        let outcome = try minictl.sh(
            "timeout 10 $M run --rm --name three --network inside base getent hosts two; timeout 10 $M rm -f one; echo $?")
        #expect(outcome.lines.count == 3 && outcome.lines[0].hasPrefix("10.9.0.3 ") && outcome.lines.last == "0", "\(outcome)")
        #expect(outcome.elapsed < .seconds(8))
    }

    @Test("Nobody on an internal network is answered by another network's name server", .enabled(if: hasServer))
    func internalNetwork() throws {
        let minictl = try Root()
        guard try Script("command -v python3").run().code == 0 else { return }
        try minictl("network create --internal --subnet 10.9.0.0/24 inside")
        for name in ["one", "two"] { try minictl.start(name) }
        try minictl.start("three", "--network inside")
        // As one could who sends packets of its own making, the gateway of the one network over that of the other.
        let outcome = try minictl.sh(
            """
            within() { c=$1; shift; nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' $c)/ns/net "$@"; }
            cat >ask.py <<'X'
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
            s.sendto(bytes.fromhex("123401000001000000000000036f6e650000010001"), ("172.18.0.1", 53))
            try: print(len(s.recv(500)))
            except socket.timeout: print("silence")
            X
            within three ip route add 172.18.0.1/32 via 10.9.0.1; within one python3 ask.py; within three python3 ask.py
            """)
        #expect(outcome.lines == ["37", "silence"], "\(outcome)")
    }

    @Test(
        "A name server whose starter was killed before it had said its number is found, and ends with the last container",
        .enabled(if: hasServer))
    func unnumbered() throws {
        let minictl = try Root()
        try minictl.start("one")
        try minictl.start("two")
        try minictl.sh(": >runtime/names/aardvark.pid; $M ps -q")
        try expectServers(1, minictl)
        try expectFound(minictl, "one", "two", is: ["172.18.0.3"])
        // A look from another network takes it from nobody.
        let number = try minictl.sh("cat runtime/names/aardvark.pid").text
        try minictl.sh("unshare --net $M ps -q")
        #expect(try minictl.sh("cat runtime/names/aardvark.pid").text == number)
        try minictl.sh(": >runtime/names/aardvark.pid; unshare --net $M rm -f one two")
        try expectServers(0, minictl)
        // Killed at calls it makes on the way.
        try minictl.start("one")
        try minictl.sh(
            """
            for call in clone3 waitid sendto linkat renameat2 write; do for n in 1 2 3 5 8; do
                strace -qqo /dev/null -e inject=$call:signal=KILL:when=$n $M run --rm base true >/dev/null 2>&1
            done; done; $M rm -f one; $M ps -q
            """, seconds: 90)
        try expectServers(0, minictl)
    }

    @Test("A container that is ending is not remembered by the first that comes after it", .enabled(if: hasServer))
    func ending() throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        // Its monitor stands still between forgetting its name and giving its address back.
        let zones = try minictl.sh(
            """
            init=$($M inspect -f '{{.State.Pid}}' one); monitor=$(ps -o ppid= -p $init | tr -d ' '); kill -STOP $monitor; kill -9 $init
            until [ "$(cut -d' ' -f3 /proc/$init/stat)" = Z ]; do sleep 0.01; done
            rm runtime/names/*; $M run -d --name two base sleep 1000 >/dev/null; cat runtime/names/*; kill -CONT $monitor
            """)
        #expect(zones.output.contains(" two") && !zones.output.contains(id), "\(zones)")
        try minictl("rm -f one two")
        #expect(try minictl.sh("ls runtime/names").text == "")
    }

    @Test(
        "A name server that was killed is there again with the next command, and none is left without containers", .enabled(if: hasServer))
    func killed() throws {
        let minictl = try Root()
        try minictl.start("one")
        try minictl.start("two")
        try minictl.sh("kill -9 $(cat runtime/names/aardvark.pid)")
        try expectServers(0, minictl)
        try minictl("ps")
        try expectServers(1, minictl)
        try expectFound(minictl, "one", "two", is: ["172.18.0.3"])
        // Everything that belongs to the containers but the name server.
        let killed = try minictl.sh(
            """
            monitors=$(ps -eo pid,args | awk -v r="$PWD" '/minictl/ && /run -d/ && $0 ~ r && !/awk/ && !/sh -c/ {print $1}')
            all="$monitors $($M inspect -f '{{.State.Pid}}' one two)"; kill -9 $all; echo $all | wc -w
            for p in $all; do while [ -e /proc/$p ] && ! grep -q 'State:.Z' /proc/$p/status; do sleep 0.01; done; done
            """)
        #expect(killed.text == "4", "\(killed)")
        try expectServers(1, minictl)
        try minictl("ps")
        try expectServers(0, minictl)
    }

    @Test("Where there is no name server, everybody's /etc/hosts is kept true; so it is on internal networks")
    func files() throws {
        let minictl = try Root()
        try minictl("network create --internal --subnet 10.9.0.0/24 deep")
        try minictl.start("one", "--network deep --network-alias uno")
        try minictl.start("two", "--network deep")
        let one = try minictl("exec one hostname -i").text
        try expectFound(minictl, "two", "one", "uno", is: [one, one])
        try expectFound(minictl, "one", "two", is: [minictl("exec two hostname -i").text])
        try expectServers(0, minictl)
        try minictl("rm -f two")
        try expectFound(minictl, "one", "two", is: ["none"])
        // The same where it is not installed, as seen from a mount namespace without it.
        let hidden = try minictl.sh(
            """
            unshare --mount sh -c 'for d in /usr/lib/podman /usr/libexec/podman; do [ ! -d $d ] || mount -t tmpfs none $d; done
            m="'"$M"'"; $m run -d --name three base sleep 1000 >/dev/null; $m run -d --name four base sleep 1000 >/dev/null
            $m exec three getent ahostsv4 four | head -n 1 | cut -d" " -f1; $m exec four getent ahostsv4 three | head -n 1 | cut -d" " -f1
            $m rm -f four >/dev/null; $m exec three getent hosts four; $m exec three cat /etc/resolv.conf | grep -c 172.18; $m rm -f three'
            """)
        #expect(hidden.lines == ["172.18.0.3", "172.18.0.2", "0", "three"], "\(hidden)")
    }

    @Test("What --dns, --dns-search, --dns-option and --add-host say stands in the container's files")
    func options() throws {
        let minictl = try Root()
        let resolver = try minictl(
            "run --rm --dns 192.0.2.53 --dns-search example.org --dns-option timeout:1 base cat /etc/resolv.conf")
        #expect(resolver.lines.dropFirst() == ["search example.org", "options timeout:1 ndots:0"])
        #expect(try minictl("run --rm --dns-search . base grep search /etc/resolv.conf").text == "")
        #expect(
            try minictl("run --rm --network none --dns 192.0.2.53 base head -n 1 /etc/resolv.conf").text == "nameserver 192.0.2.53")
        let hosts = "grep -wE 'db|me|six' /etc/hosts"
        #expect(
            try minictl.sh("$M run --rm --add-host db:10.1.1.1 --add-host me=host-gateway --add-host six:[fd00::1] base \(hosts)").lines
                == [
                    "10.1.1.1\tdb", "172.18.0.1\tme", "fd00::1\tsix",
                ])
        for words in ["--dns nobody", "--add-host db", "--add-host db:x", "--dns-option 'a b'", "--network none --add-host x:host-gateway"]
        {
            let outcome = try minictl("run --rm \(words) base true")
            #expect(outcome.code == 125 && outcome.error.split(separator: "\n").count <= 2, "\(words): \(outcome)")
        }
    }

    @Test("A container in another's network has that one's files")
    func shared() throws {
        let minictl = try Root()
        try minictl.start("one", "--hostname box --add-host db:10.1.1.1")
        let outcome = try minictl("run --rm --network container:one base sh -c 'cat /etc/hosts /etc/resolv.conf; cat /etc/hostname'")
        #expect(outcome.lines.contains("172.18.0.2\tbox") && outcome.lines.contains("10.1.1.1\tdb"), "\(outcome)")
        #expect(outcome.lines.contains("nameserver 172.18.0.1") && outcome.lines.last == "box", "\(outcome)")
        #expect(try minictl("run --rm --network container:one --dns 192.0.2.1 base true").code == 125)
    }

    @Test("--link is another name for a neighbour")
    func links() throws {
        let minictl = try Root()
        let id = try minictl.start("one").prefix(12)
        #expect(try minictl("run --rm --link one:db base grep -w db /etc/hosts").text == "172.18.0.2\tdb \(id) one")
        #expect(try minictl("run --rm --link one base grep one /etc/hosts").text == "172.18.0.2\tone \(id)")
        #expect(try minictl("run --rm --link nobody base true").error.contains("no such container: nobody"))
        try minictl("network create --subnet 10.9.0.0/24 blue")
        #expect(try minictl("run --rm --network blue --link one base true").error.contains("none of the networks"))
        try minictl("stop -t 0 one")
        #expect(try minictl("run --rm --link one base true").error.contains("does not run"))
    }

    @Test("Questions for the world go to the host's server, or to --dns, with a name server of ours or without", .enabled(if: hasServer))
    func upstream() throws {
        let minictl = try Root()
        guard try Script("command -v python3 && grep -qE '^nameserver [0-9.]+$' /etc/resolv.conf").run().code == 0 else { return }
        // Two servers on the host that say 203.0.113.7 and 203.0.113.8 to everything; the first plays the host's.
        try minictl.sh(
            """
            cat >dns.py <<'X'
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], 53))
            while True:
                q, a = s.recvfrom(512); end = q.index(0, 12) + 5
                answers = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" + bytes([203, 0, 113, int(sys.argv[2])]) if q[end-3] == 1 else b""
                s.sendto(q[:2] + b"\\x81\\x80" + q[4:6] + bytes([0, 1 if answers else 0]) + b"\\0\\0\\0\\0" + q[12:end] + answers, a)
            X
            host=$(awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf); ip addr add $host/32 dev lo; ip addr add 192.0.2.53/32 dev lo
            for s in "$host 7" "192.0.2.53 8"; do python3 dns.py $s >/dev/null 2>&1 & echo $! >>servers; done; sleep 0.5
            """)
        let ask = "base getent ahostsv4 www.example.org"
        #expect(try minictl("run --rm \(ask)").output.hasPrefix("203.0.113.7 "))
        try expectServers(0, minictl)
        try minictl.start("one")
        #expect(try minictl("exec one getent ahostsv4 www.example.org").output.hasPrefix("203.0.113.7 "))
        try expectServers(0, minictl)
        #expect(try minictl("run --rm --dns 192.0.2.53 \(ask)").output.hasPrefix("203.0.113.8 "))
        try expectServers(1, minictl)
        #expect(try minictl("exec one getent ahostsv4 www.example.org").output.hasPrefix("203.0.113.7 "))
        // Flushed rules, and a server that was killed: both ways are there again with the next command.
        try minictl.sh("kill -9 $(cat runtime/names/aardvark.pid); nft flush ruleset; $M ps -q")
        #expect(try minictl("exec one getent ahostsv4 www.example.org").output.hasPrefix("203.0.113.7 "))
        try minictl("rm -f one")
        try minictl.start("two")
        try minictl.sh("nft flush ruleset; $M ps -q")
        #expect(try minictl("exec two getent ahostsv4 www.example.org").output.hasPrefix("203.0.113.7 "))
        try expectServers(0, minictl)
        // Who asks from one socket always is answered by whom it is to be.
        try minictl.sh(
            """
            cat >always.py <<'X'
            import os, socket, time
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1); s.connect(("172.18.0.1", 53))
            for go in ["first", "second"]:
                while not os.path.exists(go): time.sleep(0.02)
                s.send(b"\\1\\2\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\5three\\0\\0\\1\\0\\1"); print(*s.recv(512)[-4:], sep="."); open(go + ".done", "w")
            X
            step() { touch $1; for i in $(seq 100); do [ -e $1.done ] && break; sleep 0.05; done; }
            nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' two)/ns/net python3 always.py >always 2>&1 &
            step first; $M run -d --name three base sleep 1000; step second
            """)
        let always = try minictl.sh("cat always")
        #expect(always.lines == ["203.0.113.7", "172.18.0.3"], "\(always)")
        try minictl.sh("kill $(cat servers)")
    }
}
