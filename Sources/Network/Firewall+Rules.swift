// SPDX-License-Identifier: Apache-2.0

extension Firewall {
    /// Goes up whenever the rules change: other rules than these are replaced by these.
    static var version: UInt32 { 5 }

    /// Everything but the elements of its sets and maps, as `nft(8)` reads it. It never grows: a network is an element of some sets, a
    /// published port is an element of a map, and looking one up costs the same however many there are.
    ///
    /// What other tables drop stays dropped: an `accept` ends our own chain and no other.
    static var rules: StaticString {
        """
        table inet minictl
        delete table inet minictl
        table inet minictl {
            set version { type mark; elements = { 5 }; }

            # Our bridges, twice, because a link that was looked up is not of a link's type; those with a way out; those that lead out with the
            # container's own address; each beside itself; the same of those whose containers are not kept apart; and their own addresses.
            set bridges { type ifname; }
            set origins { typeof fib saddr oifname; }
            set outward { type ifname; }
            set routed { type ifname; }
            # Those to whose ports the kernel passes packets on by itself (see `offload`).
            set offloaded { type ifname; }
            set within { type ifname . ifname; }
            set together { type ifname . ifname; }
            set gateways4 { type ipv4_addr; }
            set gateways6 { type ipv6_addr; }
            # Links that forward because we made them, IPv4 or IPv6.
            set uplinks { type ifname; }
            set uplinks6 { type ifname; }
            # Published ports: at one address of this machine, or at all of them. They go by running out (see `withdraw`).
            map ports4 { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; flags timeout; }
            map ports6 { type inet_proto . ipv6_addr . inet_service : ipv6_addr . inet_service; flags timeout; }
            map anywhere4 { type inet_proto . inet_service : ipv4_addr . inet_service; flags timeout; }
            map anywhere6 { type inet_proto . inet_service : ipv6_addr . inet_service; flags timeout; }
            # Where a gateway leads questions for names to while a single container asks: to the host's server.
            map resolvers { type ipv4_addr : ipv4_addr; }

            # Each packet of each connection meets this chain, and `forward` if it goes on. What is no bridge is known by its kind (Linux 5.0),
            # without a look at a set: a packet to a published port takes two looks in all, and so does one from a container to the world.
            chain arriving {
                type filter hook prerouting priority raw; policy accept;
                iifname "lo" accept
                meta iifkind "bridge" iifname @outward goto departing
                meta iifkind "bridge" iifname @bridges goto staying
                # Gateways are there for containers, not for who routes to them from elsewhere.
                ip daddr @gateways4 drop
                ip6 daddr @gateways6 drop
            }

            # Questions for names are a way out, which an internal network has not, nor over the name server at another's gateway. Here each
            # packet is looked at, whatever somebody's rules have the kernel forget of connections.
            chain staying {
                ip daddr @gateways4 fib daddr . iif type != local drop
                ip6 daddr @gateways6 fib daddr . iif type != local drop
                goto departing
            }

            # route_localnet, which clients on this machine need, would let containers at its loopback (CVE-2020-8558).
            chain departing {
                ip daddr 127.0.0.0/8 drop
                ip saddr 127.0.0.0/8 drop
                # A container speaks with an address of its own network. rp_filter does not know IPv6, and `all.rp_filter` may make it lax.
                ip6 saddr { ::, fe80::/10 } accept
                fib saddr . iif oif missing drop
            }

            chain prerouting {
                type nat hook prerouting priority dstnat; policy accept;
                # Another network's gateway is nobody's business: its name server would tell who is there. This is asked once for each connection.
                iifname @bridges ip daddr @gateways4 fib daddr . iif type != local drop
                iifname @bridges ip6 daddr @gateways6 fib daddr . iif type != local drop
                iifname @bridges meta l4proto { tcp, udp } th dport 53 dnat ip to ip daddr map @resolvers
                # What is published on the loopback is for this machine alone; its own packets do not come by here.
                ip daddr 127.0.0.0/8 return
                fib daddr type local goto publish
            }

            chain output {
                type nat hook output priority -100; policy accept;
                # No answer could come back to it: IPv6 takes nothing for its loopback from any other link.
                ip6 daddr ::1 return
                fib daddr type local goto publish
            }

            chain publish {
                meta nfproto ipv4 dnat ip to meta l4proto . ip daddr . th dport map @ports4
                meta nfproto ipv4 dnat ip to meta l4proto . th dport map @anywhere4
                meta nfproto ipv6 dnat ip6 to meta l4proto . ip6 daddr . th dport map @ports6
                meta nfproto ipv6 dnat ip6 to meta l4proto . th dport map @anywhere6
            }

            chain postrouting {
                type nat hook postrouting priority srcnat; policy accept;
                # A container that comes back to its own network would be answered directly, from an address it did not ask.
                iifname . oifname @within ct status dnat masquerade
                # The same where br_netfilter has such a packet stay on the bridge, and tells no link that it came by.
                meta iif 0 oifname @bridges ct status dnat fib saddr type != local masquerade
                oifname @bridges ip saddr 127.0.0.0/8 masquerade
                iifname @outward iifname != @routed oifname != @bridges masquerade
            }

            chain forward {
                type filter hook forward priority filter; policy accept;
                meta iifkind "bridge" meta oifkind "bridge" iifname . oifname @together accept
                meta iifkind "bridge" iifname @outward goto leaving
                meta iifkind "bridge" iifname @bridges drop
                meta oifkind "bridge" oifname @outward goto entering
                meta oifkind "bridge" oifname @bridges drop
                meta nfproto ipv4 iifname @uplinks goto passing
                meta nfproto ipv6 iifname @uplinks6 goto passing
            }

            chain leaving {
                # These would leave with the container's own address.
                ct state invalid drop
                meta oifkind "bridge" oifname @outward goto entering
                meta oifkind "bridge" oifname @bridges drop
            }

            # Into a network come answers, and what its ports are published for: not whoever knows a route, nor other networks.
            chain entering {
                ct state established,related accept
                # Nobody elsewhere is taken for a container's neighbour, whom it may trust, also where the host checks laxly.
                iifname != @bridges fib saddr oifname @origins drop
                ct status dnat accept
                drop
            }

            # This machine was no router before us, and is none now but for us and for other programs' own translations.
            chain passing {
                ct state established,related accept
                ct status dnat accept
                drop
            }
        }

        """
    }
}
