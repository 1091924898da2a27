// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct RunLineTests {
    /// `config.json` and what else makes a container, without what is a container's own by chance.
    private func spec(_ minictl: Root, _ name: String) throws -> String {
        try minictl.sh(
            """
            id=$($M inspect -f '{{.Id}}' \(name)); short=$(echo $id | cut -c1-12)
            for file in config.json state.json; do
              sed -E 's/"(hostID|host|slot)":[0-9]+/"\\1":0/g; s/"(created|at)":"[^"]*"/"\\1":""/g; s/"name":"(one|two)"/"name":""/
                      s/,"(start|end|cgroup)":.*$//' containers/$id/$file | sed "s/$id/ID/g; s/$short/ID/g" | sed -E 's/[0-9a-f]{64}/HEX/g'
            done
            """
        ).output
    }

    @Test(
        "The line that inspect prints makes an equal container",
        arguments: [
            "base true", "--rm base sh -c 'echo \"it'\\''s\"'", "-t base", "-i -e 'A=x y' -e B= -e PATH=/bin:/usr/bin base env",
            "-e HOME=/tmp -e TZ=UTC base env", "-u 1000 -w /tmp base id", "-u 1000:7 --group-add 5 --group-add 9 base id",
            "-h box --domainname example.org --init --stop-signal USR1 --stop-timeout 3 --umask 077 base true",
            "-v /tmp:/a:ro -v data:/b -v /anonymous --tmpfs /t:size=1m,mode=700 --tmpfs /r:ro -v /var/tmp:/c:rshared base true",
            "--mount 'type=bind,\"src=a,b:c\",dst=/a,readonly' --mount type=bind,src=/tmp,dst=/b,bind-recursive=disabled base true",
            "--security-opt apparmor=unconfined base true",
            "--read-only --shm-size 1m --device /dev/fuse --device /dev/null:/dev/n:r --device-cgroup-rule 'c 42:* rw' base true",
            "--cap-add NET_ADMIN --cap-drop CHOWN --cap-drop KILL base true", "--cap-drop ALL --cap-add KILL base true",
            "--cap-add ALL base true", "--privileged base true", "--privileged --cap-drop NET_RAW base true",
            "--security-opt no-new-privileges --security-opt unmask=/proc/kcore:/proc/sys --security-opt mask=/etc/motd base true",
            "--security-opt unmask=ALL --security-opt seccomp=unconfined --sysctl net.ipv4.ip_forward=1 base true",
            "-m 64m --memory-reservation 32m --cpus 0.75 --cpu-shares 99 --cpuset-cpus 0 --pids-limit 20 --oom-score-adj 100 base true",
            "-m 64m --memory-swap -1 --cpu-quota 5000 --cpu-period 50000 --ulimit nofile=10:20 --ulimit core=-1 base true",
            "--userns host --pid host --ipc host --uts host --cgroupns host --network host base true",
            "--userns keep-id --time-offset monotonic=-1h500ms --time-offset boottime=+2d base true",
            "--uidmap 0:100000:1000 --gidmap 0:200000:1000 base true", "--cgroup-parent /tests -l a=b -l c= --annotation x=y base true",
            "--entrypoint sh base -c true", "--entrypoint '' base true", "--log-driver none base true",
            "--log-opt max-size=1m --log-opt max-file=7 base true",
            "--network none base true", "--network blue --ip 10.9.0.7 --network-alias db --network-alias sql base true",
            "--network name=blue,link-local-ip=169.254.1.1,gw-priority=3 base true",
            "--network 'name=blue,\"driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.IFNAME.forwarding=1,net.ipv4.conf.IFNAME.rp_filter=2\"' base true",
            "--network blue --network name=bridge,mac-address=02:00:00:00:00:07 base true",
            "-p 8080:80 -p 127.0.0.1::443 -p [::]:53:53/udp -p 9000-9002:9000-9002 --expose 7000 -P base true",
            "--dns 9.9.9.9 --dns-search example.org --dns-option ndots:2 --add-host db:10.0.0.1 --add-host up:host-gateway base true",
            "--restart on-failure:3 base true", "-i -a stdin -a stdout base cat", "-a stderr base true", "--ipc none base true",
            "--ipc private --cpu-rt-period 100000 --cpu-rt-runtime 5000 base true", "--volumes-from lender:ro -v /tmp:/n base true",
            "--restart always --health-cmd 'test -e /x' --health-interval 1500ms --health-retries 7 base true",
            "--health-cmd true --health-on-failure kill --health-start-period 2m base true",
            "-p 8080:80 -p 0.0.0.0:53:53/udp -p 7-9:7-9 -p 80 --expose 9/udp --expose 7000 base true",
            "--dns 192.0.2.1 --dns-search a.org --dns-option timeout:1 --add-host a:10.1.1.1 --add-host b=host-gateway base true",
        ])
    func roundTrip(words: String) throws {
        let minictl = try Root()
        if words.contains("blue") { try minictl("network create --subnet 10.9.0.0/24 blue") }
        if words.contains("lender") { try minictl("create --name lender -v /data -v named:/n -v /tmp:/t:ro,rshared base true") }
        if words.contains("a,b:c") { try minictl.sh("mkdir a,b:c") }
        #expect(try minictl("create --name one \(words)").code == 0)
        let line = try minictl("inspect --as run one").text
        // Made as the line says, but not started.
        let again = line.replacing(" run -d ", " create ").replacing(" run -", " create -").replacing("--name one", "--name two")
        let outcome = try minictl.sh(again.replacing("minictl ", "\(Root.program) "))
        #expect(outcome.code == 0, "\(again)\n\(outcome.error)")
        #expect(try spec(minictl, "two") == spec(minictl, "one"), "\(line)")
    }

    @Test("Only what differs from the image and the defaults is in the line, and what was changed since is")
    func brief() throws {
        let minictl = try Root()
        try minictl.sh(
            "mkdir e && tar -C e -c . | $M import -c 'ENV A=b' -c 'LABEL l=m' -c 'CMD [\"x\"]' -c 'VOLUME /data' -c 'USER 5' - img")
        try minictl("create --name one img")
        let root = minictl.path
        #expect(try minictl("inspect --as run one").text == "minictl --root \(root) run -d --name one img")
        try minictl.sh("$M rename one two; $M update --cpus 1 two")
        #expect(try minictl("inspect --as run two").text == "minictl --root \(root) run -d --name two --cpus 1 img")
        #expect(try minictl("inspect --as run nope").error == "minictl: no such container: nope\n")
    }

    @Test("Words are quoted for the shell, whatever is in them")
    func quoting() throws {
        let minictl = try Root()
        let word = "a'b\"c $HOME `id`\\ \n*;#"
        try minictl("create --name one base printf %s '\(word.replacing("'", "'\\''"))'")
        let line = try minictl("inspect --as run one").text
        let run = line.replacing(" run -d ", " run --rm ").replacing("--name one ", "").replacing("minictl ", "\(Root.program) ")
        #expect(try minictl.sh(run).output == word)
    }
}

extension String {
    /// With every occurrence of a text replaced.
    fileprivate func replacing(_ old: String, _ new: String) -> String {
        var result = ""
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(old) {
                result += new
                rest = rest.dropFirst(old.count)
            } else {
                result.append(rest.removeFirst())
            }
        }
        return result
    }
}
