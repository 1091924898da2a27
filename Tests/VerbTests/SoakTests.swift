// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

@Suite(.enabled(if: Root.isUsable)) struct SoakTests {
    /// Containers in all: few enough for every run of the tests, or `MINICTL_SOAK`, which `bench/soak` sets to 200.
    private static let count = Machine.environment("MINICTL_SOAK").flatMap { Int($0) } ?? 24

    @Test(
        "Four processes start, enter, stop and remove containers at once, some are killed meanwhile, and nothing is left that does not fit")
    func soak() throws {
        let minictl = try Root()
        // One that stays meanwhile, whose monitor must hold afterwards what it held before.
        try minictl.start("stays", "-i --health-cmd true --health-interval 1s", "sh -c 'while :; do echo x; sleep 0.1; done'")
        let monitor = "m=$(ps -o ppid= -p $($M inspect -f '{{.State.Pid}}' stays))"
        let descriptors = "\(monitor); for i in $(seq 20); do ls /proc/$((m))/fd | wc -l; sleep 0.05; done | sort -n | head -n 1"
        let before = try minictl.sh(descriptors).text
        let each = max(1, Self.count / 4)
        let outcome = try minictl.sh(
            """
            worker() {
              i=0
              while [ $i -lt \(each) ]; do
                i=$((i+1)); name=w$1-$i
                case $((i % 4)) in
                  0) $M run --rm base true;;
                  1) $M run -d --name $name -v /data base sleep 1000 && $M exec $name true; $M stop -t 0 $name; $M rm -v $name;;
                  2) $M run -d --rm --name $name base sleep 1000 && $M update --pids-limit 50 $name; $M kill $name;;
                  3) $M create --name $name -v shared:/s base true; $M start $name; $M wait $name; $M rename $name $name-x; $M rm -f $name-x;;
                esac
              done > out$1 2>&1
            }
            killer() {
              while [ ! -e done ]; do
                $M run -d --rm base sleep 0.05 > /dev/null 2>&1 & k=$!
                sleep 0.0$(($(date +%N | cut -c1) % 6)); kill -9 $k 2>/dev/null; wait $k 2>/dev/null
                sleep 0.1
              done
            }
            visitor() {
              while [ ! -e done ]; do
                timeout 0.2 $M attach --no-stdin --sig-proxy=false stays > /dev/null 2>&1
                $M exec stays true; $M logs --tail 1 stays > /dev/null; $M stats --no-stream stays > /dev/null
              done > out5 2>&1
            }
            killer & k=$!; visitor & v=$!
            for n in 1 2 3 4; do worker $n & w="$w $!"; done
            wait $w; touch done; wait $k $v
            cat out1 out2 out3 out4 out5 | grep ^minictl: | grep -v 'is in use on this machine' | sort | uniq -c
            """, seconds: 60 + Self.count)
        #expect(outcome.text == "", "\(outcome.output)\(outcome.error)")
        #expect(try minictl.sh(descriptors).text == before)
        try minictl("rm -f stays")
        // Monitors of killed runs end with their containers.
        #expect(try minictl.sh("for i in $(seq 50); do $M ps -q > ps; [ -s ps ] || break; sleep 0.1; done; cat ps").text == "")
        let check = try minictl("check")
        #expect(check.output == "everything fits\n", "\(check.output)")
        try minictl.expectEmpty()
        #expect(try minictl.sh("ls -A containers/.volumes").text == "shared")
        #expect(try minictl.sh("grep $PWD /proc/self/mountinfo").text == "")
        let processes = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -a -o \"[^ ]* [^ ]* $PWD[ /].*\""
        let left = try minictl.sh("for i in $(seq 20); do \(processes) > left || break; sleep 0.1; done; cat left").text
        #expect(left == "", "\(left.prefix(2000))")
        // Everything that ever was, by its id: no cgroup of it, and nothing that carries anything on the bridge.
        try minictl.sh("$M events --since 1d --until 0s --filter event=create --filter type=container --format '{{.Actor.ID}}' > ids")
        #expect(try minictl.sh("[ -s ids ] && find /sys/fs/cgroup -type d | grep -F -f ids").text == "")
        let name = "$M network inspect -f '{{index .Options \"com.docker.network.bridge.name\"}}' bridge"
        let links = try minictl.sh("ip -o link show up master $(\(name))")
        #expect(links.text == "" && links.error == "", "\(links.output)\(links.error)")
    }
}
