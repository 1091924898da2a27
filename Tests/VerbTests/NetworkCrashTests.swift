// SPDX-License-Identifier: Apache-2.0
import Testing

@Suite(.enabled(if: Root.isUsable)) struct NetworkCrashTests {
    @Test("Whoever is killed, the next command gives links and addresses back", arguments: [false, true])
    func killed(afterReboot: Bool) throws {
        let minictl = try Root()
        let id = try minictl.start("one")
        let script = """
            pid=$($M inspect -f '{{.State.Pid}}' one); monitor=$(ps -o ppid= -p $pid)
            kill -9 $monitor $pid; while kill -0 $pid 2>/dev/null; do sleep 0.01; done
            \(afterReboot ? "sed -i 's/\"boot\":\"[^\"]*\"/\"boot\":\"another\"/' containers/\(id)/state.json" : "true")
            ls runtime/networks/bridge; $M ps -q; ls runtime/networks/bridge; ip -o link | grep -c mc
            $M inspect -f '{{.State.Error}}' one
            """
        let lines = try minictl.sh(script).lines
        #expect(lines.prefix(2) == ["172.18.0.2", "0"])
        #expect(lines.last?.contains(afterReboot ? "restarted" : "was killed") == true)
    }

    @Test(
        "A change of a container that runs may be killed anywhere: the next command leaves it whole or undone",
        .enabled("needs strace") { try Script("command -v strace").run().code == 0 })
    func killedChanges() throws {
        let minictl = try Root()
        try minictl("network create --subnet 10.9.0.0/24 blue")
        let id = try minictl.start("one")
        // What the record says, what the container has, what hangs on bridges, what is leased; published ports, and where they lead.
        let script = """
            pid=$($M inspect -f '{{.State.Pid}}' one)
            count() { grep -c "$@"; true; }
            state() {
                echo network $($M inspect one | count NetworkID) $(nsenter --net=/proc/$pid/ns/net ip -4 -o addr | count eth) \\
                    $(ip -o link | count 'mc\(id.prefix(10))-') $(ls -l runtime/networks/* | count '> \(id)')
                echo port $($M port one | count 8080) $(nft list map inet minictl ports4 | count 8080)
            }
            kill_at() { n=$1; shift; strace -qqo /dev/null -e inject=$calls:signal=SIGKILL:when=$n $M "$@" >/dev/null 2>&1; }
            calls=sendto,renameat,symlinkat,unlinkat,sendmsg,pwrite64
            each() {
                undo=$1; shift
                for n in $(seq 60); do
                    kill_at $n "$@"; code=$?; $M ps -q >/dev/null; state; ls runtime | grep change
                    $M $undo >/dev/null 2>&1; [ $code != 0 ] || return 0
                done; echo never done
            }
            each 'network disconnect -f blue one' network connect blue one
            $M network connect blue one; each 'network connect blue one' network disconnect blue one
            $M network disconnect blue one
            each 'port rm one 8080:80' port add one 8080:80
            $M port add one 8080:80 >/dev/null; each 'port add one 8080:80' port rm one 8080:80
            """
        let states = Set(try minictl.sh("{ \(script)\n} | sort -u", seconds: 120).lines)
        #expect(states == ["network 1 1 1 1", "network 2 2 2 2", "port 0 0", "port 1 1"])
    }

    @Test(
        "Ports that are on their way to another of a container's networks may lose whoever moves them: they lead to the container, and go with it",
        .enabled("needs strace") { try Script("command -v strace").run().code == 0 })
    func killedWhilePortsMove() throws {
        let minictl = try Root()
        try minictl("network create --internal --subnet 10.9.0.0/24 inner")
        let script = """
            lost() { # N VERB…: killed at the Nth call
                n=$1; shift; $M run -d --name one --network inner --network bridge -p 8080:80 base sleep 1000 >/dev/null
                [ $1 != connect ] || $M network disconnect bridge one
                strace -qqo /dev/null -e inject=sendto,renameat,symlinkat,unlinkat,sendmsg,pwrite64:signal=SIGKILL:when=$n \
                    $M network "$@" bridge one >/dev/null 2>&1; code=$?
                $M ps -q >/dev/null; own=$(nsenter --net=/proc/$($M inspect -f '{{.State.Pid}}' one)/ns/net ip -4 -o addr)
                for target in $(nft list map inet minictl ports4 | grep -o ': 1[0-9.]*' | cut -c3-); do
                    case $own in *" $target/"*) ;; *) echo "$n $*: leads to $target" ;; esac
                done
                $M rm -f one || echo "$n $*: stays"; sleep 0.05; nft list map inet minictl ports4 | grep "8080 :"
                return $code
            }
            for verb in connect disconnect; do
                for n in $(seq 60); do lost $n $verb && break; done; [ $n != 60 ] || echo never done
            done
            """
        #expect(Set(try minictl.sh(script, seconds: 120).lines) == ["one"])
    }

    @Test("A container that lost its monitor keeps its address")
    func orphan() throws {
        let minictl = try Root()
        try minictl.start("one")
        let script = "kill -9 $(ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' one)); $M ps -q | wc -l; $M run --rm base hostname -i"
        #expect(try minictl.sh(script).lines == ["1", "172.18.0.3"])
        #expect(try minictl("run --rm --ip 172.18.0.2 base true").code == 125)
        #expect(try minictl("exec one \(NetworkTests.reaches("172.18.0.1"))").text == "refused")
    }
}
