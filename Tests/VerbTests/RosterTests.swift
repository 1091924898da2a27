// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite(.enabled(if: Root.isUsable)) struct RosterTests {
    @Test("While nobody was killed, a command asks for no container's lock, however many run", .enabled("needs strace") { try hasStrace() })
    func cost() throws {
        let minictl = try Root()
        let count = "strace -f -o trace -e trace=flock,openat $M run --rm --network none base true; grep -cE '(flock|openat)[(]' trace"
        try minictl.start("one", "--network none")
        let before = try minictl.sh(count).text
        #expect(Int(before).map { $0 > 0 } == true, "nothing was traced: \(before)")
        for number in 2...6 { try minictl.start("c\(number)", "--network none") }
        #expect(try minictl.sh(count).text == before)
    }

    /// The monitor is the parent of what it started, and one that takes its place says whose it is.
    private static let words = """
        monitor() { ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' $1) | tr -d ' '; }; others() { ps -eo args | grep -c "[m]onitor $1"; }

        """

    @Test("A killed monitor is not forgotten while something of its own has its lock a moment longer")
    func lingering() throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        let outcome = try minictl.sh(
            Self.words + """
                kill -9 $(monitor one); while ! flock -ns runtime/\(id) true; do sleep 0.01; done
                flock -s runtime/\(id) sleep 2 & sleep 0.2; $M ps -q | wc -l; others \(id); wait; $M ps -q | wc -l; others \(id)
                """)
        #expect(outcome.lines == ["1", "0", "1", "1"], "\(outcome)")
    }

    /// The monitor leaves its caller's session before it takes the command's place, and has a socket after.
    @Test(
        "A monitor that is killed as it begins leaves nothing of its container", .enabled("needs strace") { try hasStrace() },
        arguments: ["setsid", "bind"])
    func stillborn(_ call: String) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            strace -f -o trace -e trace=\(call) -e inject=\(call):signal=KILL $M run -d --network none base sleep 1000
            echo $?; grep -c 'killed by SIGKILL' trace; $M ps -aq | wc -l
            """)
        #expect(outcome.lines == ["125", "1", "0"], "\(outcome)")
        #expect(outcome.error.contains("the container's monitor was killed"), "\(outcome.error)")
        try minictl.expectEmpty()
    }

    @Test(
        "A monitor whose command is killed as it begins takes its place on the roster, also if somebody has looked by then",
        .enabled("needs strace") { try hasStrace() }, arguments: [":", "$M ps -q"])
    func orphaned(_ look: String) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            Self.words + """
                strace -f -o trace -e trace=setsid -e inject=setsid:delay_enter=1000000 $M run -d --name one --network none base sleep 1000 &
                until command=$(pgrep -P $!) && pgrep -P $command >/dev/null; do sleep 0.02; done
                kill -9 $command; \(look); until grep -q '"pid"' containers/one/state.json; do sleep 0.02; done 2>/dev/null
                id=$(readlink containers/one); kill -9 $(monitor one); while ! flock -ns runtime/$id true; do sleep 0.01; done
                $M ps -q | wc -l; others $id; $M rm -f one
                """)
        #expect(outcome.lines == ["1", "1", "one"], "\(outcome)")
    }

    @Test(
        "A roster that was lost, or is of another boot, is made again, and everybody is looked at",
        arguments: ["rm runtime/roster", "printf 12345678 | dd of=runtime/roster bs=8 seek=1 conv=notrunc status=none"])
    func lost(_ harm: String) throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        let outcome = try minictl.sh(
            Self.words
                + "kill -9 $(monitor one); while ! flock -ns runtime/\(id) true; do sleep 0.01; done; \(harm); $M ps -q | wc -l; others \(id)"
        )
        #expect(outcome.lines == ["1", "1"], "\(outcome)")
    }

    @Test(
        "A container that was killed in the making goes with the next list, also if its mark was lost",
        .enabled("needs strace") { try hasStrace() })
    func lostMark() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            strace -fqqo trace -e inject=clone3:signal=KILL $M run -d --name one -v /data --network none base sleep 1000
            ls runtime | grep -cE '^[0-9a-f]{64}$'; dd if=/dev/zero of=runtime/roster bs=4 count=1 conv=notrunc status=none
            dd if=/dev/zero of=runtime/roster bs=16 seek=1 count=4095 conv=notrunc status=none; $M ps -aq; ls containers/.volumes
            """)
        #expect(outcome.lines == ["1"], "\(outcome)")
        try minictl.sh("rmdir containers/.volumes")
        try minictl.expectEmpty()
    }

    @Test("A container's first process has no way to the roster, be it a fork of ours")
    func memory() throws {
        let minictl = try Root()
        try minictl.start("one", "--init")
        let outcome = try minictl.sh(
            "grep -c roster /proc/$($M inspect -f '{{.State.Pid}}' one)/maps; ls -l /proc/$($M inspect -f '{{.State.Pid}}' one)/fd | grep -c roster"
        )
        #expect(outcome.lines == ["0", "0"], "\(outcome)")
    }
}
