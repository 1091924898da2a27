// SPDX-License-Identifier: Apache-2.0
import Testing

/// What one command leaves when another is killed, or a container ends, in the middle of it. Commands are held up, or ended, at one of their calls.
@Suite(.enabled(if: Root.isUsable), .enabled("needs strace") { try hasStrace() }) struct CrashRaceTests {
    private static let fits = "everything fits"

    @Test("A removal that was killed leaves no container without its volume")
    func volumes() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            for n in $(seq 60); do
              $M create --name one -v /data base true >/dev/null
              strace -qqo trace -e inject=unlinkat,renameat:signal=KILL:when=$n $M rm -v one >/dev/null 2>&1; code=$?
              $M check; $M rm -fv one >/dev/null 2>&1; ls containers/.volumes
              [ $code != 0 ] || break
            done | sort -u; echo $code
            """, seconds: 120)
        #expect(outcome.lines.first == Self.fits && outcome.lines.count == 2, "\(outcome)")
        try minictl.expectEmpty()
    }

    @Test("A container that ends while it is being connected has no address afterwards", arguments: ["rm -f one", "stop -t 0 one"])
    func ending(_ end: String) throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl.start("one")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -e inject=symlinkat:delay_enter=800000 $M network connect blue one & sleep 0.4; $M \(end); wait
            ls runtime/networks/blue; $M check
            """)
        #expect(outcome.lines == ["one", Self.fits], "\(outcome)")
        try minictl("rm -f one")
    }

    @Test("A change that was killed after its container had ended is undone by the next command")
    func killedChange() throws {
        let minictl = try Root()
        try minictl("network create blue")
        try minictl.start("one")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -e inject=symlinkat:delay_enter=800000 -e inject=renameat:signal=KILL:when=2 $M network connect blue one & sleep 0.4
            $M stop -t 0 one; wait; ls runtime/networks/blue; ls runtime | grep change | wc -l
            $M ps -q; ls runtime/networks/blue; ls runtime | grep change; $M inspect one | grep -c NetworkID; $M check
            """)
        #expect(outcome.lines == ["one", "172.19.0.2", "1", "1", Self.fits], "\(outcome)")
        try minictl("rm -f one")
    }

    @Test("A start that fails gives its address back")
    func failedStart() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            id=$($M create --name one base true); rm -f containers/$id/hosts; mkdir containers/$id/hosts
            $M start one; ls runtime/networks/bridge; $M check
            """)
        #expect(outcome.lines == [Self.fits] && outcome.error.contains("/etc/hosts"), "\(outcome)")
        try minictl("rm -f one")
    }

    @Test("Who removes a container gives back what a start took that was killed meanwhile")
    func killedStart() throws {
        let minictl = try Root()
        try minictl("run --rm base true")
        try minictl("create --name one base true")
        let outcome = try minictl.sh(
            """
            strace -qqo trace -e inject=linkat:delay_enter=1500000 $M rm one & sleep 0.3
            strace -fqqo trace2 -e inject=renameat:signal=KILL $M start one; wait; ls runtime/networks/bridge; $M check
            """)
        #expect(outcome.lines == ["one", Self.fits] && outcome.error.contains("killed"), "\(outcome)")
        try minictl.expectEmpty()
    }

    @Test("A removal waits for whoever is writing the record, which would be there again otherwise")
    func record() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            "id=$($M create --name one base true); flock containers/$id sh -c \"sleep 0.5; ls containers/$id/state.json | wc -l\" & sleep 0.1; $M rm one"
        )
        #expect(outcome.lines == ["1", "one"], "\(outcome)")
        try minictl.expectEmpty()
    }

    @Test("A network that is killed in the making, while the disk writes it, never was", arguments: ["fsync", "linkat"])
    func network(_ call: String) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            strace -qqo trace -e inject=\(call):signal=KILL $M network create blue; ls -A containers/.networks; $M network create blue | wc -l
            """)
        #expect(outcome.lines == ["1"], "\(outcome)")
    }

    @Test("A start that is killed while it makes cgroups leaves none of them", arguments: [1, 2, 3, 5, 8, 12])
    func cgroups(_ moment: Int) throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            parent=crash-$$; id=$($M create --name one --cgroup-parent /$parent base true)
            strace -fqqo trace -e trace=mkdir -e inject=mkdir:signal=KILL:when=\(moment) $M start one; $M ps -aq | wc -l
            find /sys/fs/cgroup -name "*$id" -o -name $parent; $M rm -f one
            """)
        #expect(outcome.lines == ["1", "one"], "\(outcome)")
    }
}
