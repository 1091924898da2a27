// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct EventTests {
    private func actions(_ minictl: Root, _ filter: String = "") throws -> [String] {
        try minictl("events --since 1h --until 0s \(filter) --format '{{.Type}} {{.Action}}'").lines.filter { !$0.isEmpty }
    }

    @Test("A container's life is told in docker's words and order")
    func life() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "-l role=front", "sh -c 'trap \"exit 3\" TERM; echo ready; while :; do sleep 0.05; done'")
        try minictl.wait(for: "ready", from: "web")
        try minictl.sh("$M pause web; $M unpause web; $M exec web true; $M rename web w; $M stop w; $M rm w")
        #expect(
            try actions(minictl, "--filter type=container --filter container=\(id)") == [
                "container create", "container start", "container pause", "container unpause", "container exec_create: true",
                "container exec_start: true", "container exec_die", "container rename", "container kill", "container die",
                "container stop", "container destroy",
            ])
        let die = try minictl.json("events --since 1h --until 0s --filter event=die --format json")
        #expect(die["Actor"]?["Attributes"]?["exitCode"]?.string == "3")
        #expect(die["Actor"]?["Attributes"]?["role"]?.string == "front")
        #expect(try actions(minictl, "--filter label=role=back") == [])
    }

    @Test("A run that cannot start has neither started nor died, one that is killed for memory says so")
    func ends() throws {
        let minictl = try Root()
        try minictl("run --rm base /nope")
        #expect(try actions(minictl, "--filter type=container") == ["container create", "container attach", "container destroy"])
        try minictl("run --rm --name hungry -m 16m base sh -c 'tail /dev/zero'")
        #expect(try actions(minictl, "--filter container=hungry").contains("container oom"))
    }

    @Test("Images and volumes have events, and a volume that is there already is not made again")
    func others() throws {
        let minictl = try Root()
        let before = try actions(minictl).count
        try minictl.sh("$M volume create data; $M volume create data; $M run --rm -v data:/d base true; $M volume rm data")
        #expect(
            try actions(minictl, "--filter type=volume") == ["volume create", "volume mount", "volume unmount", "volume destroy"])
        #expect(try minictl.json("events --since 1h --until 0s --filter event=mount --format json")["Actor"]?["ID"]?.string == "data")
        try minictl.sh("mkdir e && tar -C e -c . | $M import - tiny; $M tag tiny small; $M rmi tiny small")
        #expect(
            try actions(minictl, "--filter type=image") == ["image import", "image tag", "image untag", "image untag", "image delete"])
        #expect(before == 0)
    }

    @Test("Copying, listing processes and pruning are told, each with docker's details")
    func rest() throws {
        let minictl = try Root()
        let id = try minictl.start("web", "", "sleep 100")
        try minictl.sh("echo x > f; $M cp f web:/f; $M cp web:/f g; $M top web >/dev/null; $M rm -f web; $M volume create -q data")
        #expect(
            try actions(minictl, "--filter type=container --filter container=\(id)").filter { !$0.contains("kill") && !$0.contains("die") }
                == [
                    "container create", "container start", "container extract-to-dir", "container archive-path", "container top",
                    "container destroy",
                ])
        try minictl("system prune -f --volumes")
        #expect(
            try actions(minictl, "--filter event=prune") == ["container prune", "network prune", "volume prune", "image prune"])
        let pruned = try minictl.json("events --since 1h --until 0s --filter event=prune --filter type=container --format json")
        #expect(pruned["Actor"]?["Attributes"]?["reclaimed"]?.string == "0" && pruned["Actor"]?["ID"]?.string == "")
    }

    @Test("What other processes do is seen as it happens, and the line is docker's")
    func live() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            $M events --filter type=container > seen & reader=$!; sleep 0.3
            for name in a b c d; do $M run --rm --name $name base true & pids="$pids $!"; done
            wait $pids
            for i in $(seq 50); do [ $(grep -c destroy seen) = 4 ] && break; sleep 0.1; done
            kill $reader; cat seen
            """)
        #expect(outcome.lines.count == 20, "\(outcome.output)")
        for name in ["a", "b", "c", "d"] {
            let own = outcome.lines.filter { $0.hasSuffix("name=\(name))") }.compactMap { $0.split(separator: " ").dropFirst(2).first }
            #expect(own == ["create", "attach", "start", "die", "destroy"])
        }
        #expect(
            try #require(outcome.lines.first).wholeMatches("20..-..-..T..:..:............Z container create [0-9a-f]* (image=base, .*)"))
    }

    @Test("An event forged by a label stays one line")
    func forged() throws {
        let minictl = try Root()
        try minictl.sh("$M run --rm --name web -l \"a=$(printf 'x\\n2026 container die')\" base true")
        #expect(try minictl("events --since 1h --until 0s --filter type=container").lines.count == 5)
    }

    @Test("The end of a process that nobody waits for is told, with its exit code", arguments: ["-d", "-dt", "-di"])
    func detachedExec(flags: String) throws {
        let minictl = try Root()
        try minictl.start("web")
        #expect(try minictl("exec \(flags) web sh -c 'sleep 0.3; exit 7'").elapsed < .seconds(5))
        try minictl.sh(
            "for i in $(seq 50); do $M events --since 1h --until 0s --filter event=exec_die | grep -q die && break; sleep 0.1; done")
        let die = try minictl.json("events --since 1h --until 0s --filter event=exec_die --format json")
        #expect(die["Actor"]?["Attributes"]?["exitCode"]?.string == "7")
        #expect(try minictl("exec \(flags) web /nope").code == 127)
        // Those that are left behind end with the container, and nobody stays for them.
        try minictl("exec \(flags) web sleep 1000")
        try minictl("rm -f web")
        try minictl.sh(
            "for i in $(seq 50); do [ $($M events --since 1h --until 0s --filter event=exec_die | wc -l) = 2 ] && break; sleep 0.1; done")
        #expect(try minictl("events --since 1h --until 0s --filter event=exec_die").lines.count == 2)
    }

    @Test("What starts in the background is not attached to")
    func unattached() throws {
        let minictl = try Root()
        try minictl("run -d --rm base true")
        try minictl("run -d --name web base true")
        try minictl("start -a web")
        #expect(try actions(minictl, "--filter event=attach").count == 1)
    }
}

extension String {
    /// Matches a basic regular expression as a whole.
    fileprivate func wholeMatches(_ pattern: String) -> Bool {
        var compiled = regex_t()
        guard regcomp(&compiled, "^" + pattern + "$", 0) == 0 else { return false }
        defer { regfree(&compiled) }
        return regexec(&compiled, self, 0, nil, 0) == 0
    }
}
