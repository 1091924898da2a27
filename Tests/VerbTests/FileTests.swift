// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct FileTests {
    @Test("A commit that is interrupted or killed leaves the container running", arguments: ["HUP", "TERM", "KILL"])
    func commitKilled(signal: String) throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'head -c 100000000 /dev/zero >blob; echo ready; sleep 1000'")
        try minictl.sh("until $M logs web | grep -q ready; do sleep 0.05; done")
        let outcome = try minictl.sh(
            """
            $M commit web & job=$!
            for i in $(seq 100); do state=$($M inspect -f '{{.State.Status}}' web); [ $state = paused ] && break; sleep 0.01; done
            kill -\(signal) $job; wait $job; echo $state $?
            for i in $(seq 50); do state=$($M inspect -f '{{.State.Status}}' web); [ $state = running ] && break; sleep 0.05; done; echo $state
            """)
        #expect(outcome.lines.count == 2 && outcome.lines[0].hasPrefix("paused 1") && outcome.lines[1] == "running", "\(outcome.output)")
        #expect(try minictl("commit web again").code == 0)
        #expect(try minictl.sh("pgrep -f 'minictl.* --root '$PWD' commit'").text == "")
    }

    @Test("What takes over a second shows a person how far it is, and leaves nothing on the screen; nobody else sees it")
    func progress() throws {
        let minictl = try Root()
        try minictl.sh("mkdir r && head -c 3000000 /dev/zero >r/a && tar -C r -cf r.tar . && mkfifo slow")
        let slowly = "(head -c 1000000 r.tar; sleep 1.2; tail -c +1000001 r.tar) >slow &"
        let shown = try minictl.sh("\(slowly) TERM=xterm script -qec \"$M import slow img\" /dev/null")
        #expect(shown.code == 0 && shown.output.contains("\rimporting slow: "), "\(shown.output)")
        let last = try #require(shown.output.split(separator: "\u{1B}", omittingEmptySubsequences: false).last)
        #expect(last.hasPrefix("[Ksha256:"), "\(shown.output)")
        let dumb = try minictl.sh("\(slowly) TERM=dumb script -qec \"$M import slow img\" /dev/null")
        #expect(dumb.output.hasPrefix("sha256:"), "\(dumb.output)")
        let silent = try minictl.sh("\(slowly) $M import slow img2")
        #expect(silent.error == "" && silent.code == 0)
    }

    private static let script =
        "echo hi >/new; rm /etc/passwd; mkdir -p /d/e; echo x >/d/e/f; ln /new /new2; ln -s new /lnk; touch /.wh.trick; "
        + "echo secret >/vol/s; chown 5:6 /d; rm -rf /usr/lib/terminfo; mkdir /usr/lib/terminfo; touch /usr/lib/terminfo/mine"

    private func changed() throws -> Root {
        let minictl = try Root()
        try minictl.sh("rm images; $M run --rm base true")
        try minictl.start("web", "-v data:/vol", "sh -c '\(Self.script); echo done; exec sleep 1000'")
        try minictl.sh("until $M logs web | grep -q done; do sleep 0.05; done")
        return minictl
    }

    @Test("diff tells what was added, changed and deleted")
    func diff() throws {
        let lines = try changed()("diff web").lines
        for line in ["A /new", "A /d/e/f", "C /etc", "D /etc/passwd", "A /lnk", "C /usr/lib/terminfo", "A /usr/lib/terminfo/mine"] {
            #expect(lines.contains(line), "\(line)")
        }
        #expect(!lines.contains { $0.hasSuffix("/vol/s") })
    }

    @Test("diff tells of names that are no UTF-8, and of two that only look alike")
    func strangeNames() throws {
        let minictl = try Root()
        let script = #"mkdir "$(printf "a\377")"; touch "$(printf "a\377")/x" "$(printf "e\314\201")" "$(printf "\303\251")""#
        try minictl.sh("$M run --name web base sh -c '\(script)'")
        let lines = try minictl("diff web").lines
        #expect(lines.filter { $0.hasPrefix("A /a") } == ["A /a\u{FFFD}", "A /a\u{FFFD}/x"], "\(lines)")
        #expect(lines.count { $0 == "A /\u{e9}" } == 2, "\(lines)")
    }

    @Test("An export has the container's own ids and names and nothing of its volumes, whether it runs or not")
    func export() throws {
        let minictl = try changed()
        for _ in 0..<2 {
            let lines = try minictl.sh("$M export web | tar --numeric-owner -tv").lines
            #expect(lines.contains { $0.contains(" 5/6 ") && $0.hasSuffix(" d/") })
            #expect(lines.contains { $0.hasSuffix("new2 link to new") })
            #expect(lines.contains { $0.hasSuffix("lnk -> new") })
            #expect(!lines.contains { $0.contains("vol/s") || $0.contains("etc/passwd") || $0.contains("proc/1/") })
            try minictl("stop web")
        }
    }

    @Test("A commit is the image with one more layer: what was deleted stays away, and nothing of volumes is in it")
    func commit() throws {
        let minictl = try changed()
        let id = try minictl("commit -a me -m why -c 'CMD [\"cat\", \"/d/e/f\"]' web snap:1").text
        #expect(id.hasPrefix("sha256:"))
        #expect(try minictl("ps --format '{{.State}}'").text == "running")
        #expect(try minictl("run --rm snap:1").text == "x")
        let look = try minictl("run --rm snap:1 sh -c 'ls /usr/lib/terminfo /vol; ls -a /; ls /etc'").text
        #expect(look.hasPrefix("/usr/lib/terminfo:\nmine\n\n/vol:\n\n") || look.hasPrefix("/usr/lib/terminfo:\nmine\n\n/vol:\n"))
        #expect(!look.contains("passwd") && !look.contains("trick"))
        let value = try minictl.json("image inspect snap:1").array?.first
        #expect(value?["Author"]?.string == "me" && value?["Comment"]?.string == "why")
        #expect(value?["RootFS"]?["Layers"]?.array?.count == 2)
    }

    @Test("An export becomes an image again")
    func roundTrip() throws {
        let minictl = try changed()
        try minictl.sh("$M export web | $M import - flat")
        #expect(try minictl("run --rm flat cat /d/e/f").text == "x")
    }

    /// A tree of the host's to copy, in `src`, and a container `web` with a volume, a tmpfs and a read-only bind.
    private func copying() throws -> Root {
        let minictl = try Root()
        try minictl.sh("mkdir -p src/sub; echo hello >src/a; echo b >src/sub/b; ln -s a src/l; chmod 750 src/sub; chown 33:33 src/a")
        try minictl.start("web", "-v data:/vol --tmpfs /mem -v \(minictl.path)/src:/ro:ro")
        return minictl
    }

    @Test("A folder is copied as it is, into a directory that is there, or as its contents")
    func copyFolders() throws {
        let minictl = try copying()
        try minictl("cp src web:/new")
        #expect(
            try minictl("exec web sh -c 'ls /new; readlink /new/l; stat -c %a:%u:%g /new/sub /new/a'").lines == [
                "a", "l", "sub", "a", "750:0:0", "644:0:0",
            ])
        try minictl("cp src web:/new")
        #expect(try minictl("exec web cat /new/src/sub/b").text == "b")
        try minictl("cp src/. web:/vol")
        #expect(try minictl("exec web cat /vol/a").text == "hello")
        try minictl.sh("$M cp web:/new out; $M cp web:/new/. out2; $M cp web:/new/a out3; $M cp web:/new/a out2/renamed")
        #expect(try minictl.sh("cat out/sub/b out2/a out3 out2/renamed; readlink out/l").lines == ["b", "hello", "hello", "hello", "a"])
    }

    @Test("A file that is nothing but large takes no room: copied out, committed, or put into a volume")
    func holes() throws {
        let minictl = try Root()
        try minictl.sh(
            "$M run --name big base sh -c 'mkdir /data; truncate -s 128M /data/empty; echo end >>/data/empty'; $M cp big:/data/empty .")
        #expect(
            try minictl.sh("[ $(stat -c %b empty) -lt 1000 ] && tail -c 4 empty && stat -c %s empty", seconds: 60).lines == [
                "end", "134217732",
            ])
        try minictl.sh("$M commit big big; $M run --rm -v filled:/data big true", seconds: 60)
        #expect(
            try minictl.sh(
                "du -sk containers/.volumes/filled images/unpacked | awk '$1 > 100000'; tail -c 4 containers/.volumes/filled/empty"
            ).text == "end")
    }

    @Test("Volumes, tmpfs and owners: what the container sees is what is copied")
    func copyMounts() throws {
        let minictl = try copying()
        #expect(try minictl("cp -a src/a web:/mem/own").code == 0)
        #expect(try minictl("exec web stat -c %u:%g /mem/own").text == "33:33")
        #expect(try minictl.sh("$M cp web:/mem/own - | tar --numeric-owner -tv").text.contains(" 33/33 "))
        let refused = try minictl("cp src/a web:/ro/x")
        #expect(refused.code == 1 && refused.error.contains("Read-only file system"))
        #expect(try minictl.sh("ls src").lines == ["a", "l", "sub"])
    }

    @Test("A container that does not run is seen as it would be, and does not run for it")
    func copyStopped() throws {
        let minictl = try copying()
        try minictl("cp src/a web:/vol/before")
        try minictl("stop web")
        #expect(try minictl.sh("$M cp web:/vol/before got; cat got").text == "hello")
        #expect(try minictl("cp src/. web:/vol").code == 0)
        #expect(try minictl("ps -a --format '{{.State}}'").text == "exited")
        try minictl("start web")
        #expect(try minictl("exec web cat /vol/sub/b").text == "b")
    }

    @Test("Tars go in and out by pipes, compressed ones too")
    func copyStreams() throws {
        let minictl = try copying()
        try minictl.sh("tar -C src -cz . | $M cp - web:/tmp")
        #expect(try minictl("exec web cat /tmp/sub/b").text == "b")
        #expect(try minictl.sh("$M cp web:/tmp/sub - | tar -t").lines == ["sub/", "sub/b"])
        #expect(try minictl.sh("echo no tar | $M cp - web:/tmp").code == 1)
    }

    @Test("Links of the container lead nowhere on this machine, in either direction")
    func copyHostile() throws {
        let minictl = try copying()
        try minictl.sh("mkdir victim; echo alive >victim/canary")
        let up = String(repeating: "../", count: 20)
        try minictl(
            "exec web sh -c 'mkdir /d; ln -s \(minictl.path)/victim /d/abs; ln -s \(up)\(minictl.path.dropFirst())/victim /d/up; mkfifo /d/fifo'"
        )
        for link in ["abs", "up"] {
            // As the container sees it, there is nothing there.
            #expect(try minictl("cp web:/d/\(link)/canary got").code == 1)
            #expect(try minictl("cp -L web:/d/\(link) got").code == 1)
            #expect(try minictl("cp src/a web:/d/\(link)/canary").code == 1)
        }
        #expect(try minictl.sh("$M cp web:/d out; readlink out/abs; ls out").lines == ["\(minictl.path)/victim", "abs", "up"])
        // A link that is in the way is not followed on this machine: what a container has does not choose where it goes.
        #expect(try minictl("exec web sh -c 'mkdir /e /e/abs; echo evil >/e/abs/canary'").code == 0)
        #expect(try minictl("cp web:/e/. out").code == 1)
        #expect(try minictl.sh("cat victim/canary; ls victim").lines == ["alive", "canary"])
    }

    @Test(
        "What cannot be copied is said in one sentence",
        arguments: [
            "cp web:/nosuch x", "cp src/nosuch web:/", "cp src web:/etc/hosts", "cp src/a web:/no/where", "cp web:/dev/null x",
            "cp /dev/zero web:/x",
        ])
    func copyErrors(words: String) throws {
        let outcome = try copying()(words)
        #expect(outcome.code == 1 && outcome.error.hasPrefix("minictl: ") && outcome.error.split(separator: "\n").count == 1)
    }
}
