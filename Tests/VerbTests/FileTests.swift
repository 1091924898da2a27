// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct FileTests {
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
}
