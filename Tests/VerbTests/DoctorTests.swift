// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Testing

@Suite(.enabled(if: Root.isUsable)) struct DoctorTests {
    private func states(_ minictl: Root, _ before: String = "") throws -> [String: String] {
        let outcome = try minictl.sh("\(before) $M doctor --format '{{.Topic}}={{.State}}'")
        var states: [String: String] = [:]
        for line in outcome.lines {
            let parts = line.split(separator: "=").map(String.init)
            if parts.count == 2 { states[parts[0]] = parts[1] }
        }
        return states
    }

    @Test("Where containers run, nothing that is needed fails, and nothing of what was tried is left")
    func healthy() throws {
        let minictl = try Root()
        let outcome = try minictl("doctor")
        #expect(outcome.code == 0 && outcome.text.contains("\ncontainers run here: "), "\(outcome.output)")
        #expect(!outcome.output.contains("\u{1B}"))
        let states = try states(minictl)
        for topic in ["user namespaces", "seccomp", "overlay", "overlay with ids", "cgroup memory", "user id ranges"] {
            #expect(states[topic] == "ok", "\(topic)")
        }
        #expect(try minictl.sh("ls -A containers").text == "")
        #expect(try minictl.sh("find /sys/fs/cgroup -name 'minictl-doctor*'").text == "")
        #expect(try minictl.sh("grep $PWD /proc/self/mountinfo").text == "")
    }

    @Test("Without a needed right it says which, what to do, and exits 1")
    func confined() throws {
        let minictl = try Root()
        let outcome = try minictl.sh("setpriv --bounding-set=-sys_admin,-chown $M doctor")
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("FAIL  capabilities        this process lacks CAP_SYS_ADMIN, CAP_CHOWN"), "\(outcome.output)")
        #expect(outcome.output.contains("fix: sudo minictl doctor"))
        #expect(outcome.text.contains("containers do not run here as they should"))
    }

    @Test("What is tried in a place that cannot do it fails there, with the reason")
    func limits() throws {
        let minictl = try Root()
        // A user namespace whose own limit of namespaces is zero.
        let outcome = try minictl.sh(
            "unshare -Ur --map-root-user sh -c 'echo 0 > /proc/sys/user/max_user_namespaces; $M doctor'".replacingM(minictl))
        #expect(outcome.code == 1)
        #expect(outcome.output.contains("FAIL  user namespaces") && outcome.output.contains("sysctl -w user.max_user_namespaces="))
    }

    @Test("JSON has a line for each thing")
    func json() throws {
        let lines = try Root()("doctor --format json").lines
        for line in lines {
            let value = try JSONDecoder().decode(JSONValue.self, from: Array(line.utf8))
            #expect(["ok", "note", "fails"].contains(value["State"]?.string ?? ""))
        }
        #expect(lines.count > 20)
    }
}

extension String {
    /// Names the program itself, for scripts within scripts.
    fileprivate func replacingM(_ minictl: Root) -> String {
        split(separator: "$M", omittingEmptySubsequences: false).joined(separator: "\(Root.program) --root \(minictl.path)")
    }
}
