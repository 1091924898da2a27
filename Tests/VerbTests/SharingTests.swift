// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

/// What containers have of each other: volumes, shared memory.
@Suite(.enabled(if: Root.isUsable)) struct SharingTests {
    @Test("Another container's folders and volumes come along, what is in memory does not, and the own ones count more")
    func volumes() throws {
        let minictl = try Root()
        try minictl.sh("mkdir f; echo f >f/file; $M create --name lender -v $PWD/f:/f:ro -v /nameless -v named:/n --tmpfs /t base true")
        let look = "sh -c 'cat /f/file; echo 1 >/nameless/a; echo 2 >/n/a; touch /f/x; ls -d /t'"
        let outcome = try minictl("run --rm --volumes-from lender base \(look)")
        #expect(outcome.output == "f\n" && outcome.error.contains("Read-only") && outcome.error.contains("'/t'"), "\(outcome.error)")
        #expect(
            try minictl("run --rm --volumes-from lender:ro -v $PWD/f:/n base sh -c 'cat /nameless/a; touch /nameless/b; cat /n/a'").output
                == "1\n")
        #expect(try minictl("run --rm --volumes-from lender:rx base true").code == 125)
        #expect(try minictl("run --rm --volumes-from nobody base true").error == "minictl: no such container: nobody\n")
        try minictl("create --name borrower --volumes-from lender:ro base true")
        let lender = try minictl("inspect -f '{{.Id}}' lender").text
        #expect(try minictl("inspect -f '{{.HostConfig.VolumesFrom}}' borrower").text == "[\(lender):ro]")
    }

    @Test("A nameless volume goes with the last container that has it")
    func last() throws {
        let minictl = try Root()
        try minictl.sh("$M create --name lender -v /data base true; $M create --name borrower --volumes-from lender base cat /data/a")
        let volume = try minictl("volume ls -q").text
        try minictl("run --rm --volumes-from lender base sh -c 'echo kept >/data/a'")
        #expect(try minictl("volume ls -q").text == volume)
        try minictl("rm -v lender")
        #expect(try minictl("start -a borrower").text == "kept")
        let line = try minictl("inspect --as run borrower").text
        #expect(line.contains("-v \(volume):/data"))
        try minictl("rm -v borrower")
        #expect(try minictl("volume ls -q").text == "")
    }

    /// Its record is written after the clone, which is held up.
    private static let slowly = "strace -o trace -e trace=clone3 -e inject=clone3:delay_enter=1500000 $M run --rm --network none"

    @Test(
        "Nobody takes a volume away from a container that is just being made", .enabled("needs strace") { try hasStrace() },
        arguments: [
            ("--volumes-from lender", "$M rm -v lender", "lender"), ("-v named:/data", "$M volume rm named || echo no", "no"),
            ("-v named:/data", "$M volume prune -af --filter label!=kept | head -n 1", "Total reclaimed space: 0B"),
            ("-v /data", "$M rm -v lender >/dev/null; $M volume prune -f | head -n 1", "Total reclaimed space: 0B"),
        ])
    func race(flags: String, removal: String, answer: String) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            $M create --name lender -v /data base true >/dev/null; $M volume create named >/dev/null
            \(Self.slowly) \(flags) base sh -c 'sleep 0.1; echo here >/data/a; cat /data/a' >shown & made=$!
            until [ $(find containers -name 'volume.*' -o -name 'others.*' | wc -l) = 2 ]; do sleep 0.02; done 2>/dev/null
            \(removal); wait $made; echo $?; cat shown
            """)
        #expect(outcome.lines == [answer, "0", "here"], "\(outcome)")
        try minictl.sh("$M rm -fv lender; $M volume prune -af")
        #expect(try minictl.sh("ls -A containers/.volumes").text == "")
    }

    @Test("A lender that is gone with its volume lends nothing, and not an empty one in its place")
    func gone() throws {
        let minictl = try Root()
        try minictl.sh("$M create --name lender -v /data base true; rm -r containers/.volumes/*")
        let outcome = try minictl("run --rm --volumes-from lender base true")
        #expect(outcome.code == 125 && outcome.error.contains("No such file or directory"), "\(outcome)")
        #expect(try minictl.sh("ls -A containers/.volumes").text == "")
    }

    @Test("With another's IPC namespace comes its shared memory, also after that one has started again")
    func memory() throws {
        let minictl = try Root()
        try minictl.start("donor")
        try minictl("exec donor sh -c 'echo one >/dev/shm/x'")
        #expect(try minictl("run --rm --ipc container:donor base sh -c 'cat /dev/shm/x; echo two >/dev/shm/y'").text == "one")
        #expect(try minictl("exec donor cat /dev/shm/y").text == "two")
        try minictl("create --name late --ipc container:donor base cat /dev/shm/x")
        try minictl("restart -t 0 donor")
        #expect(try minictl("start -a late").code == 1)
        try minictl("exec donor sh -c 'echo three >/dev/shm/x'")
        #expect(try minictl("start -a late").text == "three")
        #expect(try minictl("inspect -f '{{.HostConfig.IpcMode}}' donor").text == "shareable")
    }

    @Test("An IPC namespace that was not made to be shared is not, and with none there is no shared memory")
    func unshared() throws {
        let minictl = try Root()
        for mode in ["private", "none"] {
            try minictl.start(mode, "--ipc \(mode)")
            let outcome = try minictl("run --rm --ipc container:\(mode) base true")
            #expect(outcome.code == 125 && outcome.error.contains("made with --ipc \(mode)"), "\(outcome.error)")
        }
        #expect(try minictl("exec none sh -c 'ls -d /dev/shm 2>/dev/null; grep -c /dev/shm /proc/mounts'").text == "0")
        #expect(try minictl("exec private sh -c 'grep -c /dev/shm /proc/mounts'").text == "1")
        #expect(try minictl("run --ipc some base true").code == 125)
    }
}
