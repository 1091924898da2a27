// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@Suite struct PathTests {
    @Test("A path is cut at every slash, with whatever mark the next letter begins")
    func components() {
        #expect("/a//b/".pathComponents == ["a", "b"])
        #expect("/a/..\u{2F}\u{301}b".pathComponents == ["a", "..", "\u{301}b"])
        #expect("\u{600}/b".pathComponents == ["\u{600}", "b"])
        #expect("/\u{301}".isAbsolutePath && !"a/".isAbsolutePath)
        #expect("".pathComponents.isEmpty && "//".pathComponents.isEmpty)
    }

    @Test("A relative path is said from the root, without what leads nowhere")
    func absolute() throws {
        let here = try Machine.workingDirectory()
        #expect(try "/a/./b".absolutePath() == "/a/./b")
        #expect(try ".".absolutePath() == here && "./".absolutePath() == here)
        #expect(try "./a/../b".absolutePath() == (here == "/" ? "" : here) + "/a/../b")
    }

    @Test(
        "A path's last component and the directory it lies in",
        arguments: [
            ("/a/b", "/a", "b"), ("/a", "/", "a"), ("a", ".", "a"), ("a/b", "a", "b"), ("/", "/", ""), ("a/", "a", ""), ("", ".", ""),
            ("/a/\u{301}b", "/a", "\u{301}b"), ("/a\u{600}/b", "/a\u{600}", "b"),
        ])
    func last(_ path: String, _ folder: String, _ name: String) {
        let parts = path.folderAndName
        #expect(parts.folder == folder && parts.name == name)
    }
}
