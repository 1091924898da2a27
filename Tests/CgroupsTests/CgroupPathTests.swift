// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Cgroups

@Suite struct CgroupPathTests {
    @Test(arguments: [
        ("/minictl/4f5e", "/minictl/4f5e"), ("a/b", "a/b"), ("//a//./b/", "/a/b"), ("./a", "a"), ("/machine.slice/x", "/machine.slice/x"),
    ])
    func `a path is kept without what means nothing`(text: String, clean: String) throws {
        #expect(try CgroupPath(text).text == clean)
    }

    @Test(arguments: ["../../x", "/a/../b", "..", "a\nb", "a\u{0}b", "/a/\u{7f}", String(repeating: "x", count: 256)])
    func `a component that leads away or cannot be a name is refused`(text: String) {
        #expect { try CgroupPath(text) } throws: { if case CgroupPath.Invalid.component = $0 { true } else { false } }
    }

    @Test(arguments: ["", "/", "///", "./."])
    func `a path without a component is refused, for it would be the root or our own cgroup`(text: String) {
        #expect(throws: CgroupPath.Invalid.empty) { try CgroupPath(text) }
    }

    @Test func `a very long path is refused`() {
        #expect(throws: CgroupPath.Invalid.self) { try CgroupPath(String(repeating: "/abcdefg", count: 500)) }
    }

    @Test(arguments: [
        ("system.slice:docker:4f5e", "/system.slice/docker-4f5e.scope"),
        ("user-1000-app.slice:crio:x", "/user.slice/user-1000.slice/user-1000-app.slice/crio-x.scope"),
        (":minictl:x", "/system.slice/minictl-x.scope"),
        ("-.slice::x", "/x.scope"),
        ("machine.slice:libpod:pod.slice", "/machine.slice/pod.slice"),
    ])
    func `slice, prefix and name become nested directories`(text: String, path: String) throws {
        #expect(try CgroupPath(systemd: text).text == path)
    }

    @Test func `without a slice a user's units lie in user.slice`() throws {
        #expect(try CgroupPath(systemd: ":p:x", rootless: true).text == "/user.slice/p-x.scope")
    }

    @Test(arguments: [
        "", "a:b", "a.slice:b:c:d", "system.slice:p:", "noslice:p:x", ".slice:p:x", "a--b.slice:p:x", "a/b.slice:p:x", "a.slice:p:../x",
        "-a.slice:p:x",
    ])
    func `anything else is not a unit`(text: String) {
        #expect(throws: CgroupPath.Invalid.self) { try CgroupPath(systemd: text) }
    }
}
