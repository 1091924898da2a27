// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

/// What one command takes away while another is about to have it. A call of the other is held up by strace.
@Suite(.enabled(if: Root.isUsable)) struct TakenAwayTests {
    /// Starts a command whose first such call, or calls, wait a second.
    private func slowly(_ call: String, _ words: String) -> String {
        "strace -qq -f -o /dev/null -e trace=\(call) -e inject=\(call):delay_enter=1000000 $M \(words) & sleep 0.4"
    }

    @Test(
        "The image of a container in the making is in use", .enabled(if: try hasStrace()), arguments: ["rmi", "rmi -f", "image prune -af"])
    func image(_ removal: String) throws {
        let minictl = try Root()
        // A store of its own, since this removes from it.
        let outcome = try minictl.sh(
            """
            M="\(Root.program) --root $PWD/own"; tar -c -C /etc passwd | $M import - x:1 >/dev/null
            \(slowly("symlinkat", "create --name c x:1 true >/dev/null")); $M \(removal) \(removal.contains("prune") ? "" : "x:1") >said 2>&1; echo $?; wait
            $M export c | tar -t | grep passwd; cat said
            """)
        #expect(outcome.lines.prefix(2) == [removal == "rmi" ? "1" : "0", "passwd"], "\(outcome)")
        if removal == "rmi" { #expect(outcome.output.contains("used by container c"), "\(outcome)") }
    }

    @Test("A volume that a container is just being given is in use", .enabled(if: try hasStrace()))
    func volume() throws {
        let minictl = try Root()
        try minictl.start("web")
        let outcome = try minictl.sh(
            """
            $M volume create v >/dev/null; \(slowly("move_mount", "mount add web v /v")); $M volume rm v; echo $?; wait
            $M exec web touch /v/f; ls containers/.volumes/v; $M mount rm web /v; $M volume rm v; echo $?
            """)
        #expect(outcome.lines == ["1", "f", "v", "0"] && outcome.error.contains("in use by web"), "\(outcome)")
    }

    @Test("A volume whose removal is killed is gone, and its room given back by the next command", .enabled(if: try hasStrace()))
    func killedRemoval() throws {
        let minictl = try Root()
        let outcome = try minictl.sh(
            """
            $M volume create --label a=b v >/dev/null; mkdir -p containers/.volumes/v/d; touch $(seq -f containers/.volumes/v/d/%g 50)
            strace -qq -f -o /dev/null -e inject=unlinkat:signal=KILL:when=20 $M volume rm v; ls -A containers/.volumes
            $M run --rm -v v:/v base ls -A /v; $M volume inspect -f '{{.Labels}}' v; ls -A containers/.volumes; $M volume rm v; ls -A containers/.volumes
            """)
        #expect(outcome.lines == [".gone", "map[]", "v", "v"], "\(outcome)")
    }
}
