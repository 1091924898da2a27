// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

/// What the name server says the moment a command has returned, and to whom.
@Suite(.enabled(if: Root.isUsable && NameTests.hasServer)) struct NameServerTests {
    /// As a container would, but without an exec, which takes longer than the server does: each line is `NAME ADDRESS`, asked from the namespace
    /// of a container as soon as a command has returned.
    private static let asker = """
        cat >ask.py <<'X'
        import ctypes, os, socket, subprocess, sys
        home = os.open("/proc/self/ns/net", os.O_RDONLY); libc = ctypes.CDLL(None)
        def ask(pid, server, name):
            there = os.open("/proc/%s/ns/net" % pid, os.O_RDONLY); libc.setns(there, 0)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(0.3); s.connect((server, 53))
            libc.setns(home, 0); os.close(there)
            try:
                s.send(b"\\1\\2\\0\\0\\0\\1\\0\\0\\0\\0\\0\\0" + bytes([len(name)]) + name.encode() + b"\\0\\0\\1\\0\\1"); a = s.recv(512)
                return ".".join(map(str, a[-4:])) if a[7] else "none"
            except OSError: return "none"
        pid = sys.argv[1]
        for line in open(sys.argv[2]):
            command, server, name = line.rstrip("\\n").split("|")
            if subprocess.run(command, shell=True, stdout=subprocess.DEVNULL).returncode: print("failed: " + command)
            print(name, ask(pid, server, name))
        X
        """

    @Test("A name is known, or known no more, when the command has returned")
    func atOnce() throws {
        let minictl = try Root()
        guard try Script("command -v python3").run().code == 0 else { return }
        try minictl("network create --subnet 10.9.0.0/24 blue")
        try minictl.start("one", "--network bridge --network blue")
        let steps: [(command: String, server: String, name: String, found: String)] = [
            ("$M run -d --name two base sleep 1000", "172.18.0.1", "two", "172.18.0.3"),
            ("$M run -d --name three base sleep 1000", "172.18.0.1", "three", "172.18.0.4"),
            ("$M network connect --alias zwo blue two", "10.9.0.1", "zwo", "10.9.0.3"),
            ("$M rename three drei", "172.18.0.1", "drei", "172.18.0.4"),
            ("true", "172.18.0.1", "three", "none"), ("$M rm -f two", "172.18.0.1", "two", "none"), ("true", "10.9.0.1", "zwo", "none"),
            ("$M stop -t 0 drei", "172.18.0.1", "drei", "none"), ("$M start drei", "172.18.0.1", "drei", "172.18.0.3"),
            ("$M network disconnect bridge drei", "172.18.0.1", "drei", "none"),
            ("$M run --name two base true", "172.18.0.1", "two", "none"), ("$M start two", "172.18.0.1", "drei", "none"),
        ]
        // More than once: what is true in a moment is mostly true at once.
        let round = steps.map { "\($0.command)|\($0.server)|\($0.name)" } + ["$M rm -f two drei|172.18.0.1|drei"]
        let lines = (0..<5).flatMap { _ in round }.joined(separator: "\n")
        let outcome = try minictl.sh(
            "export M; \(Self.asker)\ncat >steps <<'X'\n\(lines)\nX\npython3 ask.py $($M inspect -f '{{.State.Pid}}' one) steps")
        let expected = steps.map { "\($0.name) \($0.found)" } + ["drei none"]
        #expect(outcome.lines == (0..<5).flatMap { _ in expected }, "\(outcome)")
        #expect(try minictl.sh("cat runtime/names/*").output.contains("serial 0."))
    }

    @Test("Nobody on a network is told the names of another one (E02)")
    func otherNetwork() throws {
        let minictl = try Root()
        guard try Script("command -v python3").run().code == 0 else { return }
        try minictl("network create --subnet 10.9.0.0/24 blue")
        for name in ["one", "two"] { try minictl.start(name) }
        for name in ["three", "four"] { try minictl.start(name, "--network blue") }
        let steps = "true|10.9.0.1|four\ntrue|172.18.0.1|one\ntrue|172.18.0.1|_serial"
        let outcome = try minictl.sh(
            "\(Self.asker)\ncat >steps <<'X'\n\(steps)\nX\npython3 ask.py $($M inspect -f '{{.State.Pid}}' three) steps")
        #expect(outcome.lines == ["four 10.9.0.3", "one none", "_serial none"], "\(outcome)")
    }
}
