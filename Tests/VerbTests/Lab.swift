// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

/// The test's own namespace plays the host; another one is the LAN, at 192.0.2.2 behind the host's `eth0`, 192.0.2.1.
final class Lab {
    let minictl: Root

    /// What a client says whom nobody lets in.
    static let refused = "can't connect to remote host"

    /// A server whose answer is the address it is asked from, and what asks it.
    private static let words = """
        BB="-v $(command -v busybox):/bin/busybox:ro -v $PWD/answer:/answer:ro"; L="nsenter --net=/proc/$(cat lan)/ns/net"
        ask() { (sleep 0.3) | busybox nc -w 1 $1 $2 2>&1 | sed 's/nc: //'; }; lan() { (sleep 0.3) | $L busybox nc -w 1 $1 $2 2>&1 | sed 's/nc: //'; }
        from() { c=$1; shift; $M exec $c sh -c "(sleep 0.3) | busybox nc -w 1 $*" 2>&1 | sed 's/nc: //'; }
        """

    init() throws {
        minictl = try Root()
        try sh(
            """
            printf '#!/bin/sh\\nss -Hnt sport = :80 | while read s r q l peer; do echo from $peer; break; done | sed "s/::ffff://; s/[][]//g; s/:[0-9]*$//"' >answer
            chmod 755 answer
            """)
        try minictl.sh(
            """
            unshare --net sleep 1000 >/dev/null 2>&1 & echo $! >lan; sleep 0.1
            L="nsenter --net=/proc/$(cat lan)/ns/net"; ip link add eth0 type veth peer name eth0 netns $(cat lan)
            ip addr add 192.0.2.1/24 dev eth0; ip link set eth0 up; ip route add default via 192.0.2.2
            $L ip link set lo up; $L ip addr add 192.0.2.2/24 dev eth0; $L ip link set eth0 up
            """)
    }

    /// What a test starts beside is written down in `others`.
    deinit { _ = try? minictl.sh("touch others; kill $(cat lan others)") }

    @discardableResult
    func sh(_ script: String, seconds: Int = 30, at location: SourceLocation = #_sourceLocation) throws -> Outcome {
        try minictl.sh(Self.words + "\n" + script, seconds: seconds, at: location)
    }

    /// Starts a server on port 80, and waits until it listens.
    func serve(_ name: String, _ flags: String, at location: SourceLocation = #_sourceLocation) throws {
        let outcome = try sh("$M run -d --name \(name) $BB \(flags) base busybox nc -ll -p 80 -e /answer", at: location)
        #expect(outcome.code == 0, "\(outcome.error)", sourceLocation: location)
        try sh("for i in $(seq 100); do $M exec \(name) ss -Hltn sport = :80 | grep -q . && break; sleep 0.05; done", at: location)
    }

    /// What a script says, each line once.
    func lines(_ script: String, at location: SourceLocation = #_sourceLocation) throws -> [String] {
        try sh(script, at: location).lines
    }
}

extension Trait where Self == ConditionTrait {
    static var inLab: Self {
        .enabled("needs busybox and nft") { try Root.isUsable && Script("command -v busybox && command -v nft").run().code == 0 }
    }
}
