// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

/// What can be chosen of a container's place on a network.
@Suite(.enabled(if: Root.isUsable)) struct EndpointTests {
    private func root() throws -> Root {
        let minictl = try Root()
        try minictl.sh("$M network create --subnet 10.9.1.0/24 red; $M network create --subnet 10.9.2.0/24 blue")
        return minictl
    }

    private static let addresses = "sh -c \"ip -o addr show dev eth0 | grep -oE '169.254.7.7/16|fe80::77/64'\""

    @Test("Addresses that lead no further than the link come with the others, of IPv6 too where the network has none")
    func linkLocal() throws {
        let minictl = try root()
        let words = "--link-local-ip 169.254.7.7 --link-local-ip fe80::77"
        #expect(try minictl("run --rm --network red \(words) base \(Self.addresses)").lines == ["169.254.7.7/16", "fe80::77/64"])
        try minictl.start("one", "--network none")
        try minictl.start("two")
        try minictl("network disconnect bridge two")
        #expect(try minictl("network connect \(words) red two").code == 0)
        #expect(try minictl("exec two \(Self.addresses)").lines == ["169.254.7.7/16", "fe80::77/64"])
        let wish = try minictl("inspect -f '{{json .NetworkSettings.Networks.red.IPAMConfig}}' two").text
        #expect(wish == "{\"LinkLocalIPs\":[\"169.254.7.7\",\"fe80::77\"]}")
        #expect(try minictl("run --rm --link-local-ip x base true").code == 125)
        #expect(try minictl("run --rm --network none --link-local-ip 169.254.7.7 base true").code == 125)
    }

    @Test("The way out leads over the network with the highest priority")
    func priority() throws {
        let minictl = try root()
        let way = "ip route show default"
        #expect(try minictl("run --rm --network red --network blue base \(way)").text.contains("10.9.1.1"))
        #expect(try minictl("run --rm --network red --network name=blue,gw-priority=1 base \(way)").text.contains("10.9.2.1 dev eth1"))
        #expect(try minictl("run --rm --network name=red,gw-priority=-1 --network blue base \(way)").text.contains("10.9.2.1"))
        try minictl("create --name one --network red base \(way)")
        try minictl("network connect --gw-priority 7 blue one")
        #expect(try minictl("start -a one").text.contains("10.9.2.1"))
    }

    @Test("Published ports lead to where a container is reached from the world, whichever networks come and go")
    func portsFollow() throws {
        let minictl = try root()
        try minictl("network create --internal --subnet 10.9.3.0/24 inner")
        try minictl.start("one", "--network inner --network red -p 8080:80")
        let target = "nft list map inet minictl ports4 | grep -oE '10.9.[0-9.]+' || echo none"
        let script = """
            \(target); $M network disconnect red one; \(target); $M network connect red one; \(target)
            $M network disconnect inner one; \(target); $M network connect inner one; \(target); $M network connect blue one; \(target)
            $M network disconnect red one; \(target); $M network disconnect blue one; \(target); $M rm -f one; sleep 0.1; \(target)
            """
        #expect(
            try minictl.sh(script).lines == [
                "10.9.1.2", "10.9.3.2", "10.9.1.2", "10.9.1.2", "10.9.1.2", "10.9.1.2", "10.9.2.2", "10.9.3.2", "one", "none",
            ])
    }

    @Test("Kernel parameters of an interface are set in the container alone, and others are no driver options")
    func parameters() throws {
        let minictl = try root()
        let option = "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.rp_filter=2"
        let show = "sh -c 'cd /proc/sys/net/ipv4/conf/eth0; cat log_martians rp_filter'"
        #expect(try minictl("run --rm --network 'name=red,\"driver-opt=\(option)\"' base \(show)").lines == ["1", "2"])
        try minictl("create --name one --network none base true")
        try minictl("create --name two base \(show)")
        try minictl("network disconnect bridge two")
        #expect(try minictl("network connect --driver-opt \(option) red two").code == 0)
        #expect(try minictl("start -a two").lines == ["1", "2"])
        for wrong in [
            "colour=red", "com.docker.network.endpoint.sysctls=net.ipv4.ip_forward=1",
            "com.docker.network.endpoint.sysctls=net.ipv4.conf.all.rp_filter=0",
            "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME...=0",
            "com.docker.network.endpoint.sysctls=kernel.conf.x.IFNAME.y=0", "com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.x",
        ] {
            #expect(try minictl("network connect --driver-opt '\(wrong)' red two").code == 125, "\(wrong)")
        }
        let lacking = try minictl(
            "run --rm --network name=red,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.nope=1 base true")
        #expect(lacking.code == 125 && lacking.error.contains("nope"), "\(lacking.error)")
    }

    @Test("A name for another container comes with a network, and goes with rm --link or with the network")
    func links() throws {
        let minictl = try root()
        try minictl.sh("$M run -d --name db --network red base sleep 1000; $M run -d --name web base sleep 1000")
        #expect(try minictl("network connect --link db:store red web").code == 0)
        #expect(try minictl("exec web grep -w store /etc/hosts").text.hasPrefix("10.9.1.2\tstore "))
        #expect(try minictl("rm --link web/store").text == "web/store")
        #expect(try minictl("exec web grep -w store /etc/hosts").code == 1)
        #expect(try minictl("rm --link web/store").error == "minictl: container web has no link store\n")
        #expect(try minictl("rm --link web").code == 1)
        try minictl.sh("$M network disconnect red web; $M network connect --link db red web")
        #expect(try minictl("exec web grep -wc db /etc/hosts").text == "1")
        // Nowhere to be found any more.
        #expect(try minictl("network disconnect red web").code == 0)
        #expect(try minictl("exec web grep -wc db /etc/hosts").text == "0")
        try minictl("network connect blue web")
        #expect(try minictl("network connect --link nobody red web").error.contains("no such container: nobody"))
        try minictl.start("far")
        #expect(try minictl("network connect --link far red web").error.contains("cannot link to far"))
        #expect(try minictl("inspect -f '{{len .NetworkSettings.Networks}}' web").text == "2")
        // One that does not run has it at its next start, and without it again after rm --link.
        try minictl("create --name late base grep -wc store /etc/hosts")
        try minictl("network connect --link db:store red late")
        #expect(try minictl("start -a late").text == "1")
        try minictl("rm --link /late/store")
        #expect(try minictl("start -a late").text == "0")
    }

    @Test(
        "What networks cannot be is said in words",
        arguments: ["--ipv4=false", "--ipam-opt a=b", "--config-only", "--config-from x", "--ingress"])
    func refused(words: String) throws {
        let outcome = try Root()("network create \(words) red")
        #expect(outcome.code == 125 && !outcome.error.contains("unknown flag"), "\(outcome.error)")
    }
}
