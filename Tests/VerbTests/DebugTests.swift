// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct DebugTests {
    /// A container without a shell, of an image that holds one program.
    private func start(_ minictl: Root, _ flags: String = "") throws {
        let outcome = try minictl.sh("$M image assemble tiny --command sleep && $M run -d --name tiny \(flags) tiny sleep 1000")
        #expect(outcome.code == 0, "\(outcome.error)")
    }

    @Test(
        "Tools of another image see the container's processes, names, network and files, mounts and all",
        arguments: ["", "--userns host", "--ipc private", "--ipc none"])
    func sees(flags: String) throws {
        let minictl = try Root()
        try start(minictl, flags + " -v data:/data -h box")
        #expect(try minictl("exec tiny sh").code == 127)
        let seen = try minictl(
            "debug tiny sh -c 'hostname; tr \"\\0\" \" \" < /proc/1/cmdline; echo; readlink /proc/1/ns/net; readlink /proc/self/ns/net; pwd; echo new > data/file; stat -c %u data'"
        ).lines
        #expect(
            seen.count == 6 && seen[0] == "box" && seen[1] == "sleep 1000 " && seen[2] == seen[3] && seen[4] == "/container"
                && seen[5] == "0")
        #expect(try minictl.sh("cat containers/.volumes/data/file").text == "new")
        // It may trace what it looks at.
        #expect(try minictl("debug tiny ls /proc/1/root/data").text == "file")
    }

    @Test("The container sees the process and nothing else, and nothing is left")
    func leavesNothing() throws {
        let minictl = try Root()
        try start(minictl)
        let pid = try minictl("inspect -f '{{.State.Pid}}' tiny").text
        let before = try minictl.sh("cat /proc/\(pid)/mountinfo").output
        let outcome = try minictl.sh("$M debug tiny sh -c 'sleep 1' & sleep 0.5; cat /proc/\(pid)/mountinfo; wait")
        #expect(outcome.output == before)
        #expect(try minictl("debug tiny sh -c 'exit 7'").code == 7)
        #expect(try minictl("ps -aq").lines.count == 1)
        #expect(try minictl("diff tiny").text.contains("container") == false)
        // Killed with what it runs, it leaves its container to the next command.
        try minictl.sh("$M debug tiny sleep 100 & p=$!; sleep 0.5; kill -9 $p; wait $p; $M ps -q > after; sleep 0.2")
        #expect(try minictl("ps -aq").lines.count == 1)
        try minictl("rm -f tiny")
        try minictl.expectEmpty()
    }

    @Test("One that does not run cannot be looked into")
    func refusals() throws {
        let minictl = try Root()
        try minictl("create --name web base true")
        #expect(try minictl("debug web").error == "minictl: cannot debug web: it is created\n")
        #expect(try minictl("debug nope").error == "minictl: no such container: nope\n")
    }
}
