// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite(.enabled(if: Root.isUsable)) struct RosterTests {
    /// `monitor NAME`: the process that watches over a container.
    /// `gone ID`: waits until a killed one has let go of its lock.
    private static let words = """
        monitor() { ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' $1) | tr -d ' '; }
        gone() { while ! flock -ns runtime/$1 true; do sleep 0.01; done; }

        """

    @Test("While nobody was killed, a command asks for no container's lock, however many run", .enabled("needs strace") { try hasStrace() })
    func cost() throws {
        let minictl = try Root()
        let count = "strace -f -o trace -e trace=flock,openat $M run --rm --network none base true; wc -l <trace"
        try minictl.start("one", "--network none")
        let before = try minictl.sh(count).text
        for number in 2...6 { try minictl.start("c\(number)", "--network none") }
        #expect(try minictl.sh(count).text == before)
    }

    @Test("A killed monitor is not forgotten while something of its own has its lock a moment longer")
    func lingering() throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        let outcome = try minictl.sh(
            Self.words + """
                old=$(monitor one); kill -9 $old; gone \(id)
                flock -s runtime/\(id) sleep 1 & sleep 0.2; $M ps -q | wc -l; ps -eo args | grep -c '[m]onitor \(id)'
                wait; $M ps -q | wc -l; ps -eo args | grep -c '[m]onitor \(id)'; test $(monitor one) != $old && echo watched
                """)
        #expect(outcome.lines == ["1", "0", "1", "1", "watched"], "\(outcome)")
    }

    @Test("A roster that was lost, or is of another boot, is made again, and everybody is looked at")
    func lost() throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        for harm in ["rm runtime/roster", "printf 12345678 | dd of=runtime/roster bs=8 seek=1 conv=notrunc status=none"] {
            let outcome = try minictl.sh(
                Self.words
                    + "old=$(monitor one); \(harm); kill -9 $old; gone \(id); $M ps -q | wc -l; test $(monitor one) != $old && echo watched"
            )
            #expect(outcome.lines == ["1", "watched"], "\(harm): \(outcome)")
        }
        #expect(
            try minictl.sh(Self.words + "kill -9 $(monitor one) $($M inspect -f '{{.State.Pid}}' one); gone \(id); $M ps -q").text == "")
        #expect(try minictl("ps -a --format '{{.Status}}'").text.hasPrefix("Exited"))
    }

    private static func hasStrace() throws -> Bool { try Script("command -v strace").run().code == 0 }
}
