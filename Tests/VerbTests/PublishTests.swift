// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import Testing

@Suite(.inLab) struct PublishTests {
    @Test("A port at 0.0.0.0 is everybody's, who is seen with an address of their own (E04)")
    func anywhere() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 0.0.0.0:8080:80")
        #expect(
            try lab.lines("lan 192.0.2.1 8080; ask 192.0.2.1 8080; ask 127.0.0.1 8080") == [
                "from 192.0.2.2", "from 192.0.2.1", "from 172.18.0.1",
            ])
        try lab.sh("$M network create --subnet 10.9.0.0/24 blue; $M run -d --name blue --network blue $BB base sleep 1000")
        try lab.sh("$M run -d --name peer $BB base sleep 1000")
        // From the container itself, a neighbour, and another network that has no other way to it.
        let inside = try lab.lines(
            "from web 192.0.2.1 8080; from peer 192.0.2.1 8080; from blue 192.0.2.1 8080; from blue 172.18.0.2 80; from peer 172.18.0.2 80")
        #expect(inside == ["from 172.18.0.1", "from 172.18.0.1", "from 10.9.0.2", "timed out", "from 172.18.0.3"])
    }

    @Test("A datagram finds its way too, and back")
    func datagrams() throws {
        let lab = try Lab()
        guard try Script("command -v python3").run().code == 0 else { return }
        try lab.serve("web", "-p 0.0.0.0:5353:53/udp")
        let outcome = try lab.lines(
            """
            cat >echo.py <<'X'
            import socket
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 53))
            while True: d, a = s.recvfrom(99); s.sendto(a[0].encode(), a)
            X
            cat >ask.py <<'X'
            import socket, sys
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2); s.connect((sys.argv[1], 5353)); s.send(b"x"); print(s.recv(99).decode())
            X
            nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' web)/ns/net python3 echo.py >/dev/null 2>&1 & sleep 0.5
            $L python3 ask.py 192.0.2.1; python3 ask.py 127.0.0.1; kill $!
            """)
        #expect(outcome == ["192.0.2.2", "172.18.0.1"])
    }

    @Test("Who begins to talk, or is talked to, bothers no neighbour")
    func quiet() throws {
        let lab = try Lab()
        try lab.serve("peer", "")
        let heard = "heard() { nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' peer)/ns/net awk '/eth0/ {print $3}' /proc/net/dev; }\n"
        // From within, from this machine, and once more at an address that was another's.
        #expect(
            try lab.lines(
                heard + """
                    before=$(heard); $M run --rm $BB base busybox nc -w 1 172.18.0.1 9 2>&1 | sed 's/nc: //'
                    $M run -d --name web $BB -p 8080:80 base busybox nc -ll -p 80 -e /answer >/dev/null; sleep 0.3; ask 127.0.0.1 8080
                    $M rm -f web; $M run -d --name next --mac-address 02:42:ac:12:00:77 -p 8080:80 $BB base busybox nc -ll -p 80 -e /answer >/dev/null
                    sleep 0.3; ask 127.0.0.1 8080; $M inspect -f '{{.NetworkSettings.IPAddress}}' next; echo $(($(heard) - before))
                    """) == [
                    "can't connect to remote host (172.18.0.1): Connection refused", "from 172.18.0.1", "web", "from 172.18.0.1",
                    "172.18.0.3", "0",
                ])
    }

    @Test("Rules that were flushed are there again with the next command, and those of others are not touched")
    func flushed() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 0.0.0.0:8080:80")
        let outcome = try lab.lines(
            """
            nft flush ruleset; nft add table inet other; nft add chain inet other keep; lan 192.0.2.1 8080; $M ps -q >/dev/null
            lan 192.0.2.1 8080; nft list tables; $M rm -f web; nft list map inet minictl anywhere4 | grep -c elements
            """)
        #expect(outcome[0].hasPrefix(Lab.refused))
        #expect(outcome.dropFirst() == ["from 192.0.2.2", "table inet other", "table inet minictl", "web", "0"])
    }

    @Test("Who is on this machine is led to a port at the loopback without translation, or else by the rules", .hasShortcuts)
    func shortcut() throws {
        let lab = try Lab()
        // With whom a client believes to speak: one whose server goes on listening.
        let peer = """
            peer() {
                (sleep 0.4) | busybox nc "$@" >/dev/null 2>&1 &
                sleep 0.2; ss -Hnt state established | awk '{print $4}' | grep -E ':(81|80..)$'; wait $!
            }

            """
        let servers = "base sh -c 'busybox nc -ll -p 81 -e busybox cat & exec busybox nc -ll -p 80 -e /answer'"
        try lab.sh(
            """
            $M run -d --name web $BB -p 8080-8081:80-81 -p 0.0.0.0:8090-8091:80-81 \(servers)
            MINICTL_SHORTCUT=no $M run -d --name plain $BB -p 8071:81 \(servers); sleep 0.3
            """)
        #expect(try lab.lines(peer + "ask 127.0.0.1 8080; peer 127.0.0.1 8081") == ["from 172.18.0.1", "172.18.0.2:81"])
        #expect(try lab.lines(peer + "peer 127.5.6.7 8091; peer 192.0.2.1 8091") == ["172.18.0.2:81", "192.0.2.1:8091"])
        // Nobody's port, and another namespace; a client with a port of its own choice, and a container that has none.
        #expect(try lab.lines("ask 127.0.0.2 8080; lan 127.0.0.1 8080").allSatisfy { $0.hasPrefix(Lab.refused) })
        #expect(try lab.lines(peer + "peer -p 4321 127.0.0.1 8081; peer 127.0.0.1 8071") == ["172.18.0.2:81", "127.0.0.1:8071"])

        // It follows what is published, and where to.
        let changed = "$M port rm web 8081:81; $M port add web 8061:81 >/dev/null\n"
        #expect(try lab.lines(changed + peer + "peer 127.0.0.1 8061; ask 127.0.0.1 8080") == ["172.18.0.2:81", "from 172.18.0.1"])
        #expect(try lab.lines("ask 127.0.0.1 8081")[0].hasPrefix(Lab.refused))
        try lab.sh("$M network create --subnet 10.9.0.0/24 blue; $M network connect blue web; $M network disconnect bridge web")
        #expect(try lab.lines(peer + "peer 127.0.0.1 8061; ask 127.0.0.1 8090") == ["10.9.0.2:81", "from 10.9.0.1"])
        #expect(try lab.lines("$M restart -t 0 web; sleep 0.3\n" + peer + "peer 127.0.0.1 8061") == ["web", "10.9.0.2:81"])

        // Its monitor makes another with each run, also when the record was written by somebody else between two.
        try lab.sh(
            """
            $M run -d --name again --restart always $BB -p 8051:81 \(servers)
            kill -9 $($M inspect -f '{{.State.Pid}}' again); sleep 0.05; $M rename again once
            for i in $(seq 100); do [ "$($M inspect -f '{{.State.Running}}' once)" = true ] && break; sleep 0.05; done; sleep 0.3
            """)
        #expect(try lab.lines(peer + "peer 127.0.0.1 8051; $M port rm once 8051:81; ask 127.0.0.1 8051")[0] == "172.18.0.2:81")
        #expect(try lab.lines("ask 127.0.0.1 8051; $M rm -f once")[0].hasPrefix(Lab.refused))

        // Nobody has to take it away.
        let kill = "kill -9 $(ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' web)); sleep 0.2\n"
        #expect(try lab.lines(kill + peer + "peer 127.0.0.1 8061; ask 127.0.0.1 8080") == ["127.0.0.1:8061", "from 10.9.0.1"])
        #expect(try lab.lines("$M rm -f web plain; ask 127.0.0.1 8061").last?.hasPrefix(Lab.refused) == true)
    }

    @Test("Ports go along when another network becomes the way out, which is not the one they led to")
    func wayOut() throws {
        let lab = try Lab()
        try lab.sh(
            """
            $M network create --internal --subnet 10.8.0.0/24 inner; $M network create --subnet 10.9.0.0/24 blue
            $M network create -d macvlan -o parent=eth0 --subnet 192.0.2.0/24 --ip-range 192.0.2.128/25 --gateway 192.0.2.2 wire
            """)
        try lab.serve("web", "--network inner --network wire --network blue -p 8080:80")
        #expect(try lab.lines("ask 127.0.0.1 8080") == ["from 10.8.0.1"])
        #expect(try lab.lines("$M network disconnect wire web; ask 127.0.0.1 8080") == ["from 10.9.0.1"])
        #expect(try lab.lines("$M network disconnect inner web; ask 127.0.0.1 8080") == ["from 10.9.0.1"])
    }

    @Test("A port that is taken away cuts who came by it without translation too", .hasShortcuts)
    func shortcutCut() throws {
        let lab = try Lab()
        try lab.sh("$M run -d --name web $BB -p 8080:80 base busybox nc -ll -p 80 -e busybox cat; sleep 0.3")
        // What the client has sent comes back, until the port is gone.
        let outcome = try lab.lines(
            """
            (echo before; sleep 1; echo after; sleep 0.2) | busybox nc 127.0.0.1 8080 >heard 2>&1 & sleep 0.3
            ss -Hnt state established dport = :80 | wc -l; $M port rm web 8080:80; ss -Hnt state established dport = :80 | wc -l; wait; cat heard
            """)
        #expect(outcome.prefix(3) == ["1", "0", "before"] && !outcome.contains("after"), "\(outcome)")
    }

    @Test("A killed run or monitor leaves no rule, lease or name behind after the next command")
    func killed() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 0.0.0.0:8080:80")
        let outcome = try lab.lines(
            """
            monitor=$(ps -eo pid,args | awk -v r="$PWD" '/minictl/ && /run -d/ && $0 ~ r && !/awk/ && !/sh -c/ {print $1}' | head -n 1)
            kill -9 $monitor; lan 192.0.2.1 8080; $M run --rm -p 0.0.0.0:8080:81 base true 2>&1 | grep -o 'in use by container web'
            kill -9 $($M inspect -f '{{.State.Pid}}' web); sleep 0.2; $M ps -q; nft list map inet minictl anywhere4 | grep -c elements
            ls runtime/networks/bridge runtime/names | grep -v :; ps -eo args | grep -c "[a]ardvark.*$PWD"
            """)
        #expect(outcome == ["from 192.0.2.2", "in use by container web", "0", "", "0"], "\(outcome)")
    }

    @Test("A port in use is said before anything starts, with who has it")
    func taken() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 8080:80")
        let outcome = try lab.sh("$M run --rm -p 0.0.0.0:8080:80 base echo started")
        #expect(outcome.code == 125 && outcome.output == "")
        #expect(
            outcome.error
                == "minictl: the port 8080/tcp of 0.0.0.0 is in use by container web; choose another, or leave it out and get a free one\n")
        let other = try lab.sh("busybox nc -ll -p 9000 >/dev/null 2>&1 & sleep 0.1; $M run --rm -p 9000:80 base echo started; kill $!")
        #expect(other.output == "" && other.error.contains("in use by busybox (process "))
        #expect(try lab.sh("$M run --rm -p 10.1.1.1:80:80 base true").error.contains("none of this machine's"))
        #expect(try lab.sh("$M run --rm -p [::]:80:80 base true").error.contains("needs an IPv6 address"))
        // One from a range, and one that the kernel picks.
        try lab.serve("two", "-p 8080-8082:80 -p 80")
        let ports = try lab.lines("$M port two 80")
        #expect(ports[0] == "127.0.0.1:8081" && ports[1].hasPrefix("127.0.0.1:") && ports[1] != ports[0])
        #expect(try lab.sh("$M ps -a --format '{{.Names}}'").lines == ["two", "web"])
    }

    @Test("Many containers that start at once share no port")
    func together() throws {
        let lab = try Lab()
        let outcome = try lab.sh(
            """
            for i in $(seq 30); do $M run -d -p 9000-9039:80 base sleep 1000 >/dev/null 2>>errors & done; wait
            $M ps --format '{{.Ports}}' | sort | uniq | wc -l; cat errors; nft list map inet minictl ports4 | grep -o 'tcp \\. 127' | wc -l
            """, seconds: 60)
        #expect(outcome.lines == ["30", "30"], "\(outcome)")
    }

    @Test("Ports are listed, inspected, added and taken away while the container runs, and kept for its next start")
    func changes() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 8080:80 --expose 443")
        #expect(
            try lab.lines("$M port web; $M port web 80/tcp; $M ps --format '{{.Ports}}'") == [
                "80/tcp -> 127.0.0.1:8080", "127.0.0.1:8080", "127.0.0.1:8080->80/tcp, 443/tcp",
            ])
        #expect(try lab.sh("$M port web 443").error.contains("no public port '443' published for web"))
        #expect(
            try lab.lines("$M port add web 0.0.0.0:9000-9001:80-81; lan 192.0.2.1 9000; ask 127.0.0.1 8080") == [
                "0.0.0.0:9000-9001->80-81/tcp", "from 192.0.2.2", "from 172.18.0.1",
            ])
        let settings = try lab.minictl.json("inspect web").array?.first?["NetworkSettings"]?["Ports"]
        #expect(settings?["443/tcp"] == .null && settings?["80/tcp"]?.array?.count == 2)
        #expect(
            try lab.lines("$M port rm web 9000:80; $M port web; $M restart -t 0 web; $M port web 81") == [
                "80/tcp -> 127.0.0.1:8080", "81/tcp -> 0.0.0.0:9001", "web", "0.0.0.0:9001",
            ])
        #expect(try lab.sh("$M port add web 8080:90").error.contains("in use by container web"))
        #expect(try lab.sh("$M port rm web 7777").error.contains("no port '7777/tcp' is published for web"))
        #expect(
            try lab.lines("MINICTL_PUBLISH_ADDRESS=192.0.2.1 $M run --rm -d --name env -p 80 base sleep 9 >/dev/null; $M port env")
                .allSatisfy { $0.hasPrefix("80/tcp -> 192.0.2.1:") })
    }

    @Test("A port that is added is reached over a link that is newer than its container")
    func newerLink() throws {
        let lab = try Lab()
        try lab.serve("web", "")
        let outcome = try lab.lines(
            """
            ip link add eth9 type veth peer name eth9 netns $(cat lan); ip addr add 192.0.3.1/24 dev eth9; ip link set eth9 up
            $L ip addr add 192.0.3.2/24 dev eth9; $L ip link set eth9 up; $M port add web 192.0.3.1:8080:80; lan 192.0.3.1 8080
            """)
        #expect(outcome == ["192.0.3.1:8080->80/tcp", "from 192.0.3.2"])
    }

    @Test("A port that is added while the container runs is held as one from its start, also after its monitor was killed")
    func held() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 8080:80")
        // Whether another program can have it.
        let take = "take() { timeout 1 busybox nc -l -p $1 2>&1 | grep -o 'in use' || echo free; }\n"
        #expect(
            try lab.lines(take + "$M port add web 8081-8082:80-81 >/dev/null; take 8080; take 8081; take 8082; take 8083")
                == ["in use", "in use", "in use", "free"])
        #expect(try lab.lines(take + "$M port rm web 8081:80; take 8080; take 8081; take 8082") == ["in use", "free", "in use"])
        let kill = """
            pid=$(ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' web) | tr -d ' '); kill -9 $pid
            while [ -e /proc/$pid ] && ! grep -q 'State:.Z' /proc/$pid/status; do sleep 0.01; done; $M ps -q | wc -l

            """
        #expect(try lab.lines(take + kill + "take 8080; take 8081; take 8082") == ["1", "in use", "free", "in use"])
        #expect(try lab.lines("ask 127.0.0.1 8080") == ["from 172.18.0.1"])
        #expect(try lab.lines(take + "$M rm -f web; take 8080; take 8082") == ["web", "free", "free"])
    }

    @Test("localhost is found by its first address that answers")
    func localhost() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 8080:80")
        guard try lab.sh("command -v curl && getent ahosts localhost").code == 0 else { return print("no curl, so localhost is not tried") }
        #expect(try lab.lines("curl -sm 5 --http0.9 http://localhost:8080/") == ["from 172.18.0.1"])
    }

    @Test("A container speaks with addresses of its own network alone, also where the host checks laxly or not at all (E04)")
    func spoofed() throws {
        let lab = try Lab()
        guard try Script("command -v python3").run().code == 0 else { return }
        try lab.sh(
            """
            ip -6 addr add 2001:db8::1/64 dev eth0 nodad; $M network create --ipv6 --subnet 10.9.0.0/24 --subnet fd00:9::/64 six
            sysctl -qw net.ipv4.conf.all.rp_filter=2; $M run -d --name one --network six base sleep 1000
            """)
        // Of another network that the host has a way to, of nobody's, and its own.
        let outcome = try lab.lines(
            """
            N="nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' one)/ns/net"
            cat >hear.py <<'X'
            import socket, select, sys
            heard = [socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)]
            heard[0].bind(("0.0.0.0", 999)); heard[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1); heard[1].bind(("::", 999))
            while True:
                ready = select.select(heard, [], [], 2)[0]
                if not ready: break
                for s in ready: print(s.recvfrom(9)[1][0], flush=True)
            X
            cat >say.py <<'X'
            import socket, sys
            for own, other in zip(sys.argv[1::2], sys.argv[2::2]):
                s = socket.socket(socket.AF_INET6 if ":" in own else socket.AF_INET, socket.SOCK_DGRAM); s.bind((own, 0)); s.sendto(b"x", (other, 999))
            X
            $N ip addr add 192.0.2.2/32 dev eth0; for a in 2001:db8::2 2001:db8:bad::1 fd00:9::77; do $N ip -6 addr add $a/128 dev eth0 nodad; done
            python3 hear.py >heard & sleep 0.5
            $N python3 say.py 192.0.2.2 10.9.0.1 2001:db8::2 fd00:9::1 2001:db8:bad::1 fd00:9::1 10.9.0.2 10.9.0.1 fd00:9::77 fd00:9::1
            wait; sort heard
            """)
        #expect(outcome == ["10.9.0.2", "fd00:9::77"], "\(outcome)")
    }

    @Test("An SCTP port leads to the container's, where the kernel has SCTP")
    func sctp() throws {
        let lab = try Lab()
        #expect(
            try lab.lines(
                "$M run -d --name web -p 8080:80/sctp base sleep 1000 >/dev/null; $M port web; nft list map inet minictl ports4 | grep -o 'sctp.*80'"
            )
                == ["80/sctp -> 127.0.0.1:8080", "sctp . 127.0.0.1 . 8080 : 172.18.0.2 . 80"])
        let isThere = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)"
        guard try lab.sh("python3 -c '\(isThere)'").code == 0 else {
            let outcome = try lab.sh("$M run --rm -p 80/sctp base true")
            #expect(outcome.code == 125 && outcome.error.contains("this kernel has no sctp"), "\(outcome)")
            return print("this kernel has no SCTP, so none is sent")
        }
        let server =
            "import socket as s; l=s.socket(2,1,132); l.bind((\"172.18.0.2\",80)); l.listen(); c,a=l.accept(); c.send(b\"hello\"); c.close()"
        let client = "import socket as s; c=s.socket(2,1,132); c.settimeout(5); c.connect((\"127.0.0.1\",8080)); print(c.recv(9).decode())"
        #expect(
            try lab.lines(
                "nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' web)/ns/net python3 -c '\(server)' & sleep 0.5; python3 -c '\(client)'"
            )
                == ["hello"])
    }

    @Test("IPv6 clients reach a port at an IPv6 address, and are refused at ::1")
    func version6() throws {
        let lab = try Lab()
        try lab.sh(
            "ip -6 addr add 2001:db8::1/64 dev eth0 nodad; $L ip -6 addr add 2001:db8::2/64 dev eth0 nodad; $M network create --ipv6 six")
        try lab.serve("web", "--network six -p [::]:8080:80 -p [2001:db8::1]:8081:80")
        let outcome = try lab.lines("lan 2001:db8::1 8080; ask 2001:db8::1 8080; lan 2001:db8::1 8081; ask ::1 8080; lan 2001:db8::1 80")
        #expect(outcome.prefix(3) == ["from 2001:db8::2", "from 2001:db8::1", "from 2001:db8::2"], "\(outcome)")
        #expect(outcome.dropFirst(3).allSatisfy { $0.hasPrefix(Lab.refused) }, "\(outcome)")
        // By a route to the container, whose own router it is not.
        let routed = try lab.lines(
            """
            a=$($M inspect -f '{{range .NetworkSettings.Networks}}{{.GlobalIPv6Address}}{{end}}' web)
            $L ip -6 route add ${a%::*}::/64 via 2001:db8::1; lan $a 80; lan ${a%::*}::1 8080
            """)
        #expect(routed == ["timed out", "timed out"], "\(routed)")
        #expect(try lab.sh("$M run --rm --network six -p [::1]:8082:80 base true").error.contains("no port can be published at ::1"))
    }
}

extension Trait where Self == ConditionTrait {
    static var hasShortcuts: Self {
        .enabled("needs cgroup version 2") {
            try Script("stat -fc %T /sys/fs/cgroup/unified /sys/fs/cgroup | grep -qx cgroup2fs").run().code == 0
        }
    }
}
