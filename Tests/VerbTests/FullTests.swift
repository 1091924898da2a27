// SPDX-License-Identifier: Apache-2.0
import Testing

/// What a command does when what it writes to is full.
@Suite(.enabled(if: Root.isUsable)) struct FullTests {
    @Test(
        "A command that cannot write what it has to say fails, and says why",
        arguments: [
            "ps", "images", "--help", "run --help", "info", "logs web", "logs -f web", "top web", "stats --no-stream web", "diff web",
            "inspect web", "events --since 1h --until 0s", "export web", "cp web:/usr -", "exec web echo hi", "run --rm base echo hi",
            "run base echo hi", "run -d base true", "attach --no-stdin web", "start -a again",
        ])
    func standardOutput(words: String) throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'while :; do echo x; touch /new; sleep 0.2; done'")
        try minictl("create --name again base echo hi")
        try minictl.sh("until $M logs web | grep -q x; do sleep 0.05; done")
        let outcome = try minictl("\(words) >/dev/full")
        #expect(outcome.error.contains("No space left on device"), "\(outcome)")
        // Where the code may be a program's own, ours is one that no program means.
        let isProgram = words.hasPrefix("run ") || words.hasPrefix("exec ")
        #expect(isProgram ? outcome.code == 125 : outcome.code != 0, "\(outcome)")
    }

    @Test("Copying onto a disk that is full ends, and says why")
    func copy() throws {
        let minictl = try Root()
        try minictl.start("web", "", "sh -c 'yes | head -c 5000000 >/blob; sleep 1000'")
        let outcome = try minictl.sh(
            """
            until [ "$($M exec web stat -c %s /blob)" = 5000000 ]; do sleep 0.05; done
            mkdir small && mount -t tmpfs -o size=1m none small && { $M cp web:/blob small; echo $?; umount small; }
            """)
        #expect(outcome.text == "1" && outcome.error.contains("No space left on device"), "\(outcome)")
    }

    @Test("A limit on the size of files ends no monitor: the log stops, the container goes on")
    func sizeLimit() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            (ulimit -f 400; $M run -d --name web base sh -c 'yes | head -c 1000000; echo done >/done; exec sleep 1000') || exit 1
            until $M exec web test -e /done; do sleep 0.05; done
            $M inspect -f '{{.State.Status}} {{.State.Error}}' web
            $M stop -t 0 web; $M inspect -f '{{.State.ExitCode}}{{.State.Error}}' web
            """)
        #expect(outcome.lines.suffix(3) == ["running ", "web", "137"], "\(outcome)")
        let refused = try minictl.sh("ulimit -f 0; $M run --rm base true")
        #expect(refused.code == 125 && refused.error.contains("File too large"), "\(refused)")
    }
}
