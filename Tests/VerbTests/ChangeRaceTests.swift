// SPDX-License-Identifier: Apache-2.0
import Testing

/// A change of a container that runs goes on while the container ends, starts again or is removed. The change is held up at one of its locks or calls:
/// those that are about one file.
@Suite(.enabled(if: Root.isUsable), .enabled("needs strace") { try hasStrace() }) struct ChangeRaceTests {
    private static let fits = "everything fits"

    /// What is left of addresses, names and ports when all containers are gone.
    private static let left = """
        ls -l runtime/networks/* | grep -o '[0-9.]* -> .*'; ls runtime/names; find containers -type l; ls runtime | grep change
        nft list map inet minictl ports4 | grep -o 'tcp.*'; $M check
        """

    /// The lock of the container's record that is asked for last, when all else is done.
    @Test(
        "What a change does after its container has ended does not fall upon the next run",
        arguments: [("network disconnect bridge one", 3), ("network connect green one", 3), ("port rm one 80", 1), ("rename one uno", 1)],
        ["restart -t 0", "kill"])
    func nextRun(_ change: (words: String, lock: Int), _ end: String) throws {
        let minictl = try Root()
        try minictl.sh("$M network create blue; $M network create green")
        let restarts = end == "kill"
        let id = try minictl.start(
            "one", "--network bridge --network blue -p 8080:80 \(restarts ? "--restart always" : "")",
            restarts ? "sh -c 'sleep 0.5; [ -e /again ] && exec sleep 1000; touch /again'" : "sleep 1000")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P $PWD/containers/\(id) -e inject=flock:delay_enter=1200000:when=\(change.lock) $M \(change.words) >out 2>&1 &
            sleep 0.3; \(restarts ? "sleep 1.5" : "$M restart -t 0 \(id) >/dev/null"); wait
            ps=$(nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' \(id))/ns/net ip -4 -o addr | grep -c eth)
            [ $ps = $(ls -l runtime/networks/* | grep -c '> \(id)') ] || echo differs
            $M rm -f \(id) >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("A container that is removed while it gets another name leaves neither", arguments: [("containers/ID", 1), ("runtime/names", 3)])
    func removed(_ lock: (file: String, number: Int)) throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        let file = lock.file == "runtime/names" ? lock.file : "containers/\(id)"
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P $PWD/\(file) -e inject=flock:delay_enter=1000000:when=\(lock.number) $M rename one uno >out 2>&1 &
            sleep 0.4; $M rm -f \(id) >/dev/null; wait; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("A renaming may be killed anywhere: the next command finds the container by the name it shows", arguments: [true, false])
    func killedRename(isUp: Bool) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            for call in renameat2 renameat flock unlinkat; do for n in $(seq 20); do
              id=$($M \(isUp ? "run -d" : "create") --name one base sleep 1000)
              strace -qqo trace -e inject=$call:signal=KILL:when=$n $M rename one uno >/dev/null 2>&1; code=$?
              $M ps -aq >/dev/null; name=$($M inspect -f '{{.Name}}' $id); $M inspect -f '{{.Name}}' $name | wc -l; $M check; $M rm -f $id >/dev/null
              \(Self.left)
              [ $code != 0 ] || break
            done; done | sort -u
            """, seconds: 120)
        #expect(outcome.lines == ["1", Self.fits], "\(outcome)")
    }

    @Test("A container that leaves a network while another comes is not known there any more")
    func leaving() throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl.start("one", "--network blue --network bridge")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P $PWD/runtime/networks/blue -e inject=readlinkat:delay_enter=1000000:when=1 $M network disconnect blue one &
            sleep 0.5; $M run -d --name two --network blue base sleep 1000 >/dev/null; wait
            $M rm -f one two >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("An address that two give back for one container stays with who has taken it in between")
    func givenBackTwice() throws {
        let minictl = try Root()
        try minictl.start("one")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P $PWD/runtime/networks/bridge -e inject=unlinkat:delay_enter=1000000 $M network disconnect bridge one &
            sleep 0.5; $M stop -t 0 one >/dev/null; id=$($M run -d --name two base sleep 1000); wait
            ls -l runtime/networks/bridge | grep -c "> $id"; $M rm -f one two >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == ["1", Self.fits], "\(outcome)")
    }

    @Test("A port whose container ends before it leads there does not lead to who has its address next")
    func portOfAnother() throws {
        let minictl = try Root()
        try minictl.start("one")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P .networks/bridge.json -e inject=openat:delay_enter=1000000:when=1 $M port add one 8080:80 >out 2>&1 &
            sleep 0.5; $M rm -f one >/dev/null; $M run -d --name two base sleep 1000 >/dev/null; wait
            nft list map inet minictl ports4 | grep -o 'tcp.*'; $M rm -f two >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("A container that ends just before it leaves a network leaves nothing there")
    func endsBefore() throws {
        let minictl = try Root()
        let id = try minictl.start("one", "-p 8080:80")
        let outcome = try minictl.sh(
            """
            pid=$($M inspect -f '{{.State.Pid}}' one); monitor=$(ps -o ppid= -p $pid)
            strace -qqo trace -P $PWD/runtime/\(id).change -e inject=flock:delay_enter=800000:when=1 $M network disconnect bridge one >out 2>&1 &
            sleep 0.4; kill -STOP $monitor; kill -9 $pid; sleep 0.8; kill -CONT $monitor; wait
            $M rm -f one >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("A port that is taken away as soon as its container can be seen does not lead there afterwards")
    func takenAtOnce() throws {
        let minictl = try Root()
        try minictl("run --rm base true")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -P .networks/bridge.json -e inject=openat:delay_enter=1500000:when=4 $M run --name one -p 8080:80 base sleep 3 &
            until [ "$($M ps -q)" ]; do sleep 0.05; done; $M port rm one 80; sleep 1.5; nft list map inet minictl ports4 | grep -o 'tcp.*'
            $M rm -f one >/dev/null; wait; \(Self.left)
            """)
        #expect(outcome.lines == [Self.fits], "\(outcome)")
    }

    @Test("A change that was killed after it made a container known that had ended is undone on networks that the container has left since")
    func knownWhereItWas() throws {
        let minictl = try Root()
        try minictl("network create blue")
        let id = try minictl.start("one")
        let outcome = try minictl.sh(
            """
            $M run -d --name two base sleep 1000 >/dev/null
            strace -qqo trace -e inject=flock:delay_enter=1200000:when=13 -e inject=unlinkat:signal=KILL:when=1 $M network connect blue one >out 2>&1 &
            sleep 0.4; $M stop -t 0 one >/dev/null; $M network disconnect bridge one; wait
            cat runtime/names/* | grep -c \(id); $M ps -q >/dev/null; $M rm -f one two >/dev/null; \(Self.left)
            """)
        #expect(outcome.lines == ["1", Self.fits], "\(outcome)")
    }
}
