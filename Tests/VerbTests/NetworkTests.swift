// SPDX-License-Identifier: Apache-2.0
import JSON
import Linux
import Testing

@Suite(.enabled(if: Root.isUsable)) struct NetworkTests {
    /// Reaches that address, which refuses: both ways work, and nothing was lost on them, which would take a second.
    static func reaches(_ address: String) -> String {
        // Not by SECONDS, which counts the seconds of the clock that begin meanwhile.
        "bash -c 't=${EPOCHREALTIME/./}; (exec 3<>/dev/tcp/\(address)/9) 2>&1 | grep -om1 refused; [ $((${EPOCHREALTIME/./} - t)) -lt 900000 ] || echo late'"
    }

    @Test("A container is on the default network, and neighbour of the host and of others, from its first packet on")
    func standard() throws {
        let minictl = try Root()
        let facts =
            "ip -4 -o addr show eth0 | grep -o 172.*16; cat /sys/class/net/eth0/address /sys/class/net/eth0/operstate; ip route"
        #expect(
            try minictl("run --rm base sh -c '\(facts)'").lines == [
                "172.18.0.2/16", "02:42:ac:12:00:02", "up", "default via 172.18.0.1 dev eth0 proto static ",
                "172.18.0.0/16 dev eth0 proto kernel scope link src 172.18.0.2 ",
            ])
        try minictl.start("one")
        #expect(try minictl("run --rm base \(Self.reaches("172.18.0.1"))").text == "refused")
        #expect(try minictl("run --rm base \(Self.reaches("172.18.0.2"))").text == "refused")
        #expect(try minictl.sh(Self.reaches("172.18.0.2")).text == "refused")
        #expect(try minictl("run --rm --hostname web --domainname x.org base tail -n 1 /etc/hosts").text == "172.18.0.3\tweb.x.org web")
        #expect(try minictl("exec one hostname -i").text == "172.18.0.2")
        let settings = try minictl.json("inspect one").array?.first?["NetworkSettings"]
        #expect(settings?["IPAddress"]?.string == "172.18.0.2" && settings?["Gateway"]?.string == "172.18.0.1")
        #expect(settings?["Networks"]?["bridge"]?["MacAddress"]?.string == "02:42:ac:12:00:02")
        try minictl("rm -f one")
        #expect(try minictl.sh("ls runtime/networks/bridge").text == "")
        #expect(try minictl("network prune -f").text == "Deleted Networks:\nbridge\n")
        // What was cut goes with its namespace, a moment after the container.
        #expect(
            try minictl.sh("for i in $(seq 100); do ip -o link | grep -q mc || break; sleep 0.05; done; ip -o link | wc -l").text == "1")
    }

    @Test("What is asked for at run is what the container gets")
    func wishes() throws {
        let minictl = try Root()
        try minictl("network create --ipv6 --subnet 10.9.0.0/24 --subnet fd01::/64 --ip-range 10.9.0.128/25 -o mtu=1400 blue")
        try minictl("network create --internal --subnet 10.10.0.0/24 --gateway 10.10.0.254 db")
        let show = "base sh -c 'ip -o addr show scope global | tr -s \" \" | cut -d\" \" -f2,4; ip route show default'"
        #expect(
            try minictl("run --rm --network blue --ip6 fd01::7 --network db \(show)").lines == [
                "eth0 10.9.0.128/24", "eth0 fd01::7/64", "eth1 10.10.0.1/24", "default via 10.9.0.1 dev eth0 proto static ",
            ])
        #expect(
            try minictl("run --rm --network db --network name=blue,ip=10.9.0.5,mac-address=02:00:00:00:00:09 \(show)").lines == [
                "eth0 10.10.0.1/24", "eth1 10.9.0.5/24", "eth1 fd01::2/64", "default via 10.9.0.1 dev eth1 proto static ",
            ])
        #expect(try minictl("run --rm --network db \(show)").lines == ["eth0 10.10.0.1/24"])
        #expect(
            try minictl(
                "run --rm --network blue --mac-address 02:00:00:00:00:07 base cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu"
            )
            .lines == ["02:00:00:00:00:07", "1400"])
        #expect(try minictl("run --rm --network none base ls /sys/class/net").text == "lo")
        let sysctl = "net.ipv4.conf.eth0.arp_ignore"
        #expect(try minictl("run --rm --sysctl \(sysctl)=1 base cat /proc/sys/\(sysctl.replacing(".", with: "/"))").text == "1")
        try minictl.start("one", "--network db")
        #expect(try minictl("run --rm --network container:one \(show)").text == "eth0 10.10.0.1/24")
        #expect(try minictl.sh("ls /sys/class/net").text == minictl("run --rm --network host base ls /sys/class/net").text)
    }

    @Test(
        "What cannot be had is refused in a sentence, and leaves nothing",
        arguments: [
            ("--network nope", "no such network: nope"), ("--network blu", "did you mean blue"), ("--ip 172.18.0.1", "gateway"),
            ("--ip 10.0.0.1", "none of 172.18.0.0/16"), ("--ip 172.18.0.0", "none of"), ("--ip 172.18.255.255", "none of"),
            ("--ip 172.18.0.2", "in use by container"), ("--ip6 fd00::1", "no IPv6"), ("--ip x", "no IPv4 address"),
            ("--ip6 1.2.3.4", "no IPv6 address"),
            ("--mac-address 01:00:00:00:00:01", "no MAC address"), ("--network none --network blue", "goes with no other"),
            ("--network host --ip 1.2.3.4", "no addresses"), ("--network blue --network blue", "nor twice"),
            ("--network name=blue,x=y", "unknown key"),
            ("--network ip=1.2.3.4", "name="), ("--network ''", "no name"), ("--network container:", "names no container"),
            ("--network blue --ip 172.19.0.0/16", "no IPv4 address"),
        ])
    func refusals(flags: String, words: String) throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl.start("one")
        let outcome = try minictl("run --rm \(flags) base true")
        #expect(outcome.code == 125 && outcome.error.contains(words) && outcome.error.split(separator: "\n").count == 1, "\(outcome)")
        #expect(try minictl.sh("ls containers | wc -l; ls runtime/networks/*").text.hasPrefix("2\n"))
        #expect(try minictl.sh("ls runtime/networks/bridge; ls runtime/networks/blue 2>/dev/null").text == "172.18.0.2")
    }

    @Test("What docker's users write for a network is done or refused in a sentence")
    func options() throws {
        let minictl = try Root()
        try minictl(
            "network create --attachable --scope local --ipam-driver default --subnet 10.9.0.0/24 --aux-address nas=10.9.0.2 --aux-address tv=10.9.0.3 a"
        )
        let range = try minictl.json("network inspect a").array?.first?["IPAM"]?["Config"]?.array?.first
        #expect(range?["AuxiliaryAddresses"]?["nas"]?.string == "10.9.0.2")
        #expect(try minictl("run --rm --network a base hostname -i").text == "10.9.0.4")
        #expect(try minictl("run --rm --network a --ip 10.9.0.3 base true").error.contains("10.9.0.3 is reserved for tv"))
        for (flags, words) in [
            ("--ipam-driver null", "no IPAM driver 'null'"), ("--scope swarm", "no networks of scope 'swarm'"),
            ("--aux-address nas=10.9.9.9", "no matching subnet"), ("--aux-address nas", "nas"),
            ("--subnet 10.8.0.0/24 --aux-address gw=10.8.0.1", "gateway"), ("-o parent=eth0", "macvlan"), ("-d macvlan", "parent=eth0"),
            ("-o com.docker.network.bridge.enable_icc=maybe", "true or false"), ("-o x=y", "no option x"),
            ("-d overlay", "no network driver"),
        ] {
            let outcome = try minictl("network create \(flags) b")
            #expect(outcome.code != 0 && outcome.error.contains(words) && outcome.error.split(separator: "\n").count <= 2, "\(outcome)")
        }
        #expect(
            try minictl("network ls --filter type=custom --format '{{.Name}} {{.Driver}} {{.Scope}} {{.IPv6}} {{.Internal}}'").lines == [
                "a bridge local false false"
            ])
        #expect(try minictl("network inspect -f '{{.Name}} {{(index .IPAM.Config 0).Subnet}}' a").text == "a 10.9.0.0/24")
    }

    @Test("Fifty that start at once have fifty addresses, which all come back")
    func fifty() throws {
        let minictl = try Root()
        let script = """
            for i in $(seq 50); do $M run -d base sleep 1000 >/dev/null & done; wait
            $M inspect -f '{{.NetworkSettings.IPAddress}}' $($M ps -q) | sort -u | grep -c 172.18.0.
            ip -o link | grep -c 'master minictl0'
            $M rm -f $($M ps -q) >/dev/null; ls runtime/networks/bridge | wc -l
            """
        #expect(try minictl.sh(script, seconds: 120).lines == ["50", "50", "0"])
    }

    @Test("An address is free again with its container's end, and the lowest one goes first")
    func reuse() throws {
        let minictl = try Root()
        for name in ["a", "b", "c"] { try minictl.start(name) }
        try minictl("rm -f b")
        try minictl.start("d")
        try minictl("stop -t 0 a")
        try minictl("start a")
        let format = "inspect -f '{{.Name}} {{.NetworkSettings.IPAddress}}' a c d"
        #expect(try minictl(format).lines == ["/a 172.18.0.2", "/c 172.18.0.4", "/d 172.18.0.3"])
        // One that ends by itself gives it back too, and has none while it does not run.
        try minictl.start("e", "", "true")
        try minictl("wait e")
        #expect(try minictl("inspect -f '{{.NetworkSettings.IPAddress}}' e").text == "")
        #expect(try minictl.sh("ls runtime/networks/bridge").lines == ["172.18.0.2", "172.18.0.3", "172.18.0.4"])
    }

    @Test("Networks come and go while a container runs")
    func live() throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl.start("one", "--network none")
        let refused = try minictl("network connect blue one")
        #expect(refused.code == 1 && refused.error.contains("goes with no other"), "\(refused)")
        try minictl.start("two", "--hostname two")
        #expect(try minictl("network connect --ip 172.19.0.9 --alias db blue two").code == 0)
        let show =
            "exec two sh -c 'ip -4 -o addr show scope global | tr -s \" \" | cut -d\" \" -f2,4; ip route show default; grep two /etc/hosts'"
        #expect(
            try minictl(show).lines == [
                "eth0 172.18.0.2/16", "eth1 172.19.0.9/16", "default via 172.18.0.1 dev eth0 proto static ", "172.18.0.2\ttwo",
                "172.19.0.9\ttwo",
            ])
        #expect(try minictl("ps --format '{{.Names}} {{.Networks}}'").lines == ["two bridge,blue", "one none"])
        #expect(try minictl("inspect -f '{{json .NetworkSettings.Networks.blue.Aliases}}' two").text.hasPrefix("[\"db\","))
        #expect(try minictl("network connect blue two").error.contains("already"))
        // The way out moves to what is left.
        #expect(try minictl("network disconnect bridge two").code == 0)
        #expect(
            try minictl(show).lines == ["eth1 172.19.0.9/16", "default via 172.19.0.1 dev eth1 proto static ", "172.19.0.9\ttwo"])
        #expect(try minictl("exec two \(Self.reaches("172.19.0.1"))").text == "refused")
        #expect(try minictl("network disconnect bridge two").code == 1)
        #expect(try minictl("network disconnect -f bridge two").code == 0)
        #expect(try minictl("network rm blue").error.contains("in use by two"))
        #expect(try minictl.sh("ls runtime/networks/bridge | wc -l; ls runtime/networks/blue").lines == ["0", "172.19.0.9"])
        // What is left counts for the next start.
        try minictl("restart -t 0 two")
        #expect(try minictl(show).lines == ["eth0 172.19.0.9/16", "default via 172.19.0.1 dev eth0 proto static ", "172.19.0.9\ttwo"])
    }

    @Test("A container that does not run is connected at its next start")
    func later() throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl("create --name one base sleep 1000")
        #expect(try minictl("network connect blue one").code == 0)
        #expect(try minictl("network disconnect bridge one").code == 0)
        try minictl("start one")
        #expect(try minictl("exec one hostname -i").text == "172.19.0.2")
        try minictl("stop -t 0 one")
        try minictl("network rm blue")
        #expect(try minictl("check").output.contains("the network blue of one is gone"))
        let outcome = try minictl("start one")
        #expect(outcome.code == 1 && outcome.error == "minictl: no such network: blue\n", "\(outcome)")
    }

    @Test("Networks are made, listed, shown and removed with docker's words")
    func verbs() throws {
        let minictl = try Root()
        let id = try minictl("network create --label role=front --subnet 10.9.0.0/24 blue").text
        #expect(id.utf8.count == 64)
        let table = try minictl("network ls").lines.map { $0.split(separator: " ").map(String.init) }
        #expect(
            table.map { $0.dropFirst() } == [
                ["ID", "NAME", "DRIVER", "SCOPE"], ["blue", "bridge", "local"], ["bridge", "bridge", "local"], ["host", "host", "local"],
                ["none", "null", "local"],
            ])
        #expect(table[1][0] == String(id.prefix(12)))
        #expect(try minictl("network ls -q -f type=custom").text == String(id.prefix(12)))
        #expect(try minictl("network ls -f label=role=front --format '{{.Name}} {{.Label \"role\"}}'").text == "blue front")
        #expect(try minictl("network ls -f label=role=back -q").text == "")
        let inspected = try minictl.json("network inspect \(id.prefix(6))").array?.first
        #expect(inspected?["Name"]?.string == "blue" && inspected?["Driver"]?.string == "bridge")
        #expect(inspected?["IPAM"]?["Config"]?.array?.first?["Gateway"]?.string == "10.9.0.1")
        try minictl.start("one", "--network blue")
        #expect(try minictl("network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}' blue").text == "one 10.9.0.2/24")
        #expect(try minictl("inspect -f '{{.Driver}}' blue").text == "bridge")
        #expect(try minictl("network prune -f").text == "Deleted Networks:\nbridge\n")
        try minictl("rm -f one")
        #expect(try minictl("network rm blue").text == "blue")
        #expect(try minictl("network inspect blue").code == 1)
    }

    @Test(
        "What makes no network is refused with the reason",
        arguments: [
            ("blue", "already exists"), ("bridge", "already exists"), ("host", "predefined"), ("'a b'", "no network name"),
            ("--subnet 10.9.0.128/25 x", "overlaps with that of the network blue"),
            ("--subnet 192.168.77.0/24 x", "in use on this machine"),
            ("--subnet 10.1.0.1/16 x", "did you mean 10.1.0.0/16"), ("--subnet 10.1.0.0/33 x", "no subnet"),
            ("--gateway 10.1.0.1 x", "no matching subnet"),
            ("--subnet 10.1.0.0/24 --gateway 10.1.0.255 x", "no matching subnet"),
            ("--subnet 10.1.0.0/24 --ip-range 10.2.0.0/25 x", "no matching"),
            ("--subnet 127.0.0.0/8 x", "cannot have"), ("--subnet ff00::/8 x", "cannot have"), ("--subnet 0.0.0.0/0 x", "cannot have"),
            ("--subnet fe00::/7 --ip-range ff00::/64 x", "cannot have"), ("--subnet 10.1.0.0/31 x", "no room"),
            ("--subnet 10.1.0.0/24 --subnet 10.2.0.0/24 x", "at most one"),
            ("-d overlay x", "no network driver"),
            ("-o nope=1 x", "no option nope"), ("-o mtu=9 x", "no number"),
            ("-o com.docker.network.bridge.name=../../x x", "no name for a bridge"),
            ("-d macvlan x", "parent"), ("-d macvlan -o parent=eth0 -o macvlan_mode=odd x", "is none of"),
            ("-d macvlan -o parent=lo x", "no wire to share"),
        ])
    func badNetworks(words: String, reason: String) throws {
        let minictl = try Root()
        try minictl("network create --subnet 10.9.0.0/24 blue")
        try minictl("network ls")
        let outcome = try minictl.sh("ip addr add 192.168.77.1/24 dev lo; $M network create \(words)")
        #expect(outcome.code != 0 && outcome.error.contains(reason) && outcome.error.split(separator: "\n").count == 1, "\(outcome)")
        #expect(try minictl("network ls -q -f type=custom").lines.count == 1)
    }

    @Test("A range or a name that is somebody else's is left alone")
    func others() throws {
        let minictl = try Root()
        // A bridge of another program's, with the addresses people expect of ours.
        try minictl.sh("ip link add minictl0 type bridge; ip addr add 172.18.3.1/24 dev minictl0; ip link set minictl0 up")
        let outcome = try minictl("run --rm base hostname -i")
        #expect(outcome.text == "172.19.0.2")
        #expect(outcome.error == "minictl: 172.18.0.0/16 is in use on this machine, so the network bridge has 172.19.0.0/16\n")
        #expect(try minictl("run --rm base hostname -i").error == "")
        #expect(
            try minictl.sh("ip -4 -o addr show minictl1 | grep -c 172.19.0.1/16; ip -o link | grep -c 'master minictl0'").lines == [
                "1", "0",
            ])
        try minictl("network create -o com.docker.network.bridge.name=minictl0 x")
        let taken = try minictl("run --rm --network x base true")
        #expect(taken.code == 125 && taken.error.contains("not minictl's"), "\(taken)")
        try minictl("network rm x")
        #expect(try minictl.sh("ip -4 -o addr show minictl0 | grep -c 172.18.3.1").text == "1")
    }

    @Test("The host takes nothing for granted that comes over a bridge")
    func cautious() throws {
        let minictl = try Root()
        try minictl("network create --ipv6 --subnet 10.9.0.0/24 six")
        try minictl.start("one")
        try minictl.start("two", "--network six")
        let script = """
            link=$(ip -o link | grep -o 'mc[0-9a-f]*-0' | head -n 1); cd /proc/sys/net; b=$($M network inspect -f '{{(index .Options "com.docker.network.bridge.name")}}' six)
            cat ipv6/conf/minictl0/disable_ipv6 ipv6/conf/$b/accept_ra ipv6/conf/$b/autoconf ipv4/conf/minictl0/rp_filter
            cat ipv4/conf/minictl0/forwarding ipv4/conf/lo/forwarding ipv6/conf/$link/addr_gen_mode; ip -6 addr show dev $link | wc -l
            """
        #expect(try minictl.sh(script).lines == ["1", "0", "0", "1", "1", "0", "1", "0"])
        #expect(try minictl("exec one cat /proc/sys/net/ipv6/conf/eth0/disable_ipv6").text == "1")
        #expect(try minictl("exec two cat /proc/sys/net/ipv6/conf/eth0/accept_ra").text == "0")
    }

    @Test("The default network can be made otherwise before it is needed")
    func ownDefault() throws {
        let minictl = try Root()
        #expect(try minictl("network create --ipv6 --subnet 10.9.0.0/16 bridge").code == 0)
        let show = "ip -o addr show scope global | grep -oE '(10|fd).*/(16|64)' | sed 's/fd.*:/fd:/'"
        #expect(try minictl.sh("$M run --rm base \(show)").lines == ["10.9.0.2/16", "fd:2/64"])
        #expect(try minictl.sh("ip -o link show type bridge | grep -c minictl0").text == "1")
    }

    @Test("A macvlan puts containers on a wire of the host's")
    func macvlan() throws {
        let minictl = try Root()
        try minictl.sh("ip link add wa type veth peer name wb; ip link set wa up; ip link set wb up; ip addr add 192.168.9.1/24 dev wb")
        try minictl("network create -d macvlan -o parent=wa --subnet 192.168.9.0/24 wire")
        try minictl.start("one", "--network wire")
        #expect(try minictl("run --rm --network wire base \(Self.reaches("192.168.9.2"))").text == "refused")
        #expect(try minictl("exec one \(Self.reaches("192.168.9.1"))").text == "refused")
        #expect(try minictl("network disconnect wire one").code == 0)
        #expect(try minictl("exec one ls /sys/class/net").text == "lo")
        try minictl("network create -d macvlan -o parent=gone --subnet 192.168.10.0/24 nowhere")
        #expect(try minictl("run --rm --network nowhere base true").error.contains("gone, which this machine does not have"))
    }
}
