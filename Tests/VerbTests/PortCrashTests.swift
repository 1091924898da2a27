// SPDX-License-Identifier: Apache-2.0
import Testing

/// Published ports whose change was killed, or met a full disk.
@Suite(.inLab, .enabled("needs strace") { try hasStrace() }) struct PortCrashTests {
    private static let words = """
        inject() { # WHAT N VERB…: has something happen to the Nth call of those that matter; false where there is none.
            strace -qqo trace -e inject=$calls:$1:when=$2 $M $3 >/dev/null 2>&1; code=$?; grep -q INJECTED trace || [ $code != 0 ]
        }

        """

    @Test("Whoever is killed while it changes ports leaves no shortcut that outlives its port", .hasShortcuts)
    func killed() throws {
        let lab = try Lab()
        try lab.serve("web", "-p 8079:80")
        // The next command makes no shortcut, so whatever leads there still is one that nobody knows of.
        let script = """
            calls=bpf,sendmsg,renameat,pwrite64,unlinkat
            each() {
                for n in $(seq 60); do
                    inject signal=KILL $n "$1"; more=$?; MINICTL_SHORTCUT=no $M port rm web 8080:80 >/dev/null 2>&1
                    sleep 0.05 # Rules end with a tick of the clock.
                    busybox nc -w 1 127.0.0.1 8080 </dev/null >/dev/null 2>&1 && echo "$1: killed at $n, still reached"
                    [ -z "$2" ] || $M $2 >/dev/null; [ $more = 0 ] || return 0
                done; echo never done
            }
            each 'port add web 8080:80'; $M port add web 8080:80 >/dev/null; each 'port rm web 8080:80' 'port add web 8080:80'; echo done
            """
        #expect(try Set(lab.sh(Self.words + script, seconds: 120).lines) == ["done"])
    }

    @Test("A change that a full disk cuts short: what is listed after the next command is reached, and nothing else")
    func fullDisk() throws {
        let lab = try Lab()
        try lab.serve("web", "")
        let script = """
            calls=write,pwrite64,renameat,renameat2,linkat,symlinkat
            check() {
                $M ps -q >/dev/null; heard=$(ask 127.0.0.1 8080)
                case $($M port web | grep -c 8080)$heard in 1from*|0*refused) ;; *) echo "$n $1: $heard" ;; esac
            }
            each() {
                for n in $(seq 60); do
                    inject error=ENOSPC $n "$1"; more=$?; check "$1"; $M $2 >/dev/null 2>&1; check "$2"; [ $more = 0 ] || return 0
                done; echo never done
            }
            each 'port add web 8080:80' 'port rm web 8080:80'; $M port add web 8080:80 >/dev/null
            each 'port rm web 8080:80' 'port add web 8080:80'; $M network create --subnet 10.9.0.0/24 blue >/dev/null; $M network connect blue web
            each 'network disconnect bridge web' 'network connect bridge web'; echo done
            """
        #expect(try Set(lab.sh(Self.words + script, seconds: 180).lines) == ["done"])
    }

    @Test("A port is nobody's when its container was removed while it was added, and whoever added it was killed then")
    func lost() throws {
        let lab = try Lab()
        // Each message to the kernel is held up before and after; the container goes in between, and the command with it.
        let script = """
            for n in $(seq 8); do
                $M run -d --name one base sleep 1000 >/dev/null
                strace -qqo /dev/null -e inject=sendto:delay_enter=400000:delay_exit=400000:when=$n $M port add one 8080:80 >/dev/null 2>&1 &
                sleep 0.2; adder=$(cat /proc/$!/task/$!/children); $M rm -f one >/dev/null; sleep 0.35; kill -9 $adder 2>/dev/null; wait $!
                $M ps -q; nft list map inet minictl ports4 | grep -o "8080 : .*" && break
            done; echo done
            """
        #expect(try lab.lines(script) == ["done"])
    }
}
