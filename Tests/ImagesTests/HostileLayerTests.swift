// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Linux
import OCI
import Testing

/// Layers as published attacks have them. Whatever a test expects, what lies outside the store must be as it was.
@Suite struct HostileLayerTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    // MARK: - names

    @Test(arguments: ["../canary", "a/../../canary", "./../canary", "/../../canary", ".."])
    func aPathThatLeadsUpwardsIsRefused(_ path: String) throws {
        let message = try scratch.refuse { $0.file(path, "dead") }
        #expect(message.contains("leads upwards"))
    }

    @Test func anAbsolutePathStaysInside() throws {
        let image = try scratch.add { $0.file(scratch.path + "/canary", "dead") }
        #expect(try image.text(scratch.path + "/canary") == "dead")
        try scratch.expectUnharmed()
    }

    @Test(arguments: ["/proc/self/root", "/proc/self/cwd", "../../../../../../../../../..", "../../../../../../victim", "/", "."])
    func aLinkLeadsNowhereOutside(_ target: String) throws {
        do {
            let image = try scratch.add { tar in
                tar.symlink("link", to: target)
                tar.file("link/tmp/planted", "dead")
                tar.file("link" + scratch.path + "/canary", "dead")
                tar.file("link/victim/planted", "dead")
            }
            #expect(try image.status("link").kind == .symlink)
        } catch is ImageError {}
        #expect(access("/tmp/planted", F_OK) != 0)
        #expect(access(scratch.path + "/victim/planted", F_OK) != 0)
        try scratch.expectUnharmed()
    }

    @Test func aLinkToAnOutsideDirectoryIsNotFollowed() throws {
        for chain in [[scratch.path + "/victim"], ["second", scratch.path + "/victim"]] {
            let message = try scratch.refuse { tar in
                tar.symlink("link", to: chain[0])
                if chain.count > 1 { tar.symlink("second", to: chain[1]) }
                tar.file("link/planted", "dead")
            }
            #expect(message.contains("link/planted"))
        }
    }

    @Test func aLinkInsideIsFollowedAsAMergedUsrNeeds() throws {
        let image = try scratch.add { tar in
            tar.directory("usr/bin")
            tar.symlink("bin", to: "usr/bin")
            tar.symlink("sbin", to: "/usr/bin")
            tar.file("bin/a", "a")
            tar.file("sbin/b", "b")
        }
        #expect(try image.text("usr/bin/a") == "a")
        #expect(try image.text("usr/bin/b") == "b")
    }

    @Test func linksThatChaseEachOtherAreRefused() throws {
        _ = try scratch.refuse { tar in
            tar.symlink("a", to: "b")
            tar.symlink("b", to: "a")
            tar.file("a/file")
        }
    }

    // MARK: - hard links

    @Test func aHardLinkReachesNoFileOutside() throws {
        for target in [scratch.path + "/canary", "/etc/passwd", "missing"] {
            let message = try scratch.refuse { tar in
                tar.hardLink("file", to: target)
                tar.file("file", "dead")
            }
            #expect(message.contains("not there") || message.contains("No such file"))
        }
        #expect(try scratch.refuse { $0.hardLink("file", to: "../../../../canary") }.contains("leads upwards"))
    }

    @Test func aHardLinkThroughALinkReachesNoFileOutside() throws {
        _ = try scratch.refuse { tar in
            tar.symlink("out", to: scratch.path)
            tar.hardLink("file", to: "out/canary")
            tar.file("file", "dead")
        }
        // The link itself gets a second name; writing under that name writes a new file.
        let image = try scratch.add { tar in
            tar.symlink("out", to: scratch.path + "/canary")
            tar.hardLink("again", to: "out")
            tar.file("again", "new", mode: 0o777)
        }
        #expect(try image.text("again") == "new")
        #expect(try image.status("out").kind == .symlink)
        try scratch.expectUnharmed()
    }

    @Test func aLaterEntryDoesNotWriteThroughAHardLink() throws {
        let image = try scratch.add { tar in
            tar.file("one", "one", mode: 0o600)
            tar.hardLink("two", to: "one")
            tar.hardLink("three", to: "one")
            tar.file("two", "changed", mode: 0o777)
            tar.hardLink("one", to: "one")
        }
        #expect(try image.text("one") == "one")
        #expect(try image.text("two") == "changed")
        #expect(try image.status("one").permissions == 0o600)
        #expect(try image.status("one").inode == image.status("three").inode)
    }

    @Test func aDirectoryHasNoHardLinks() throws {
        let message = try scratch.refuse { tar in
            tar.directory("folder")
            tar.hardLink("again", to: "folder")
        }
        #expect(message.contains("not a file"))
    }

    // MARK: - the root

    @Test(arguments: [".", "/", "./", "./."])
    func theRootStaysADirectory(_ path: String) throws {
        #expect(try scratch.refuse { $0.symlink(path, to: scratch.path + "/victim") }.contains("root is not a directory"))
        #expect(try scratch.refuse { $0.device(path, type: "6") }.contains("root is not a directory"))
        if !path.hasSuffix("/") {
            #expect(try scratch.refuse { $0.file(path, "x") }.contains("root is not a directory"))
        }
        let image = try scratch.add { $0.directory(path, mode: 0o711, modified: 77) }
        #expect(try image.status("").permissions == 0o711)
        #expect(FileTime(try image.status("").modified).seconds == 77)
        try scratch.expectUnharmed()
    }

    // MARK: - whiteouts

    @Test(arguments: [".wh.", ".wh..", ".wh...", "a/.wh.", "a/.wh..", ".wh.b/c"])
    func aWhiteoutOfNothingIsRefused(_ path: String) throws {
        _ = try scratch.refuse { $0.file(path, "") }
    }

    @Test func whiteoutsBecomeOverlaysOwn() throws {
        let image = try scratch.add { tar in
            tar.file("a/.wh.gone", "")
            tar.file("b/.wh..wh..opq", "")
            tar.file("b/kept")
            tar.file(".wh..wh.plnk/x")
            tar.file(".wh..wh.aufs", "")
        }
        let gone = try image.status("a/gone")
        #expect(gone.kind == .character && gone.rawDevice == 0)
        #expect(try image.attribute("trusted.overlay.opaque", of: "b") == "y")
        #expect(try scratch.names("root/images/unpacked/sha256/\(image.layers[0].hex)") == ["a", "b"])
    }

    @Test func aWhiteoutHidesOnlyLowerLayers() throws {
        let image = try scratch.add { tar in
            tar.file("file", "mine")
            tar.file(".wh.file", "")
            tar.file("folder/inner", "mine")
            tar.file(".wh.folder", "")
            tar.file(".wh.later", "")
            tar.directory("later")
            tar.file("later/inner", "mine")
        }
        #expect(try image.text("file") == "mine")
        #expect(try image.text("folder/inner") == "mine")
        #expect(try image.attribute("trusted.overlay.opaque", of: "folder") == "y")
        #expect(try image.attribute("trusted.overlay.opaque", of: "later") == "y")
    }

    @Test func anOpaqueMarkUnderALinkStaysInside() throws {
        _ = try scratch.refuse { tar in
            tar.symlink("link", to: scratch.path + "/victim")
            tar.file("link/.wh..wh..opq", "")
        }
    }

    // MARK: - attributes and devices

    @Test func onlyHarmlessAttributesAreKept() throws {
        let capability: [UInt8] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        let image = try scratch.add { tar in
            tar.pax([
                ("SCHILY.xattr.trusted.overlay.redirect", Array("/etc".utf8)), ("SCHILY.xattr.trusted.overlay.metacopy", []),
                ("SCHILY.xattr.user.overlay.opaque", Array("y".utf8)), ("SCHILY.xattr.security.selinux", Array("x".utf8)),
                ("SCHILY.xattr.security.capability", capability), ("SCHILY.xattr.user.note", Array("kept".utf8)),
            ])
            tar.file("file")
        }
        #expect(try image.attribute("user.note", of: "file") == "kept")
        #expect(try image.attribute("security.capability", of: "file") != nil)
        for name in ["trusted.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.opaque", "security.selinux"] {
            #expect(try image.attribute(name, of: "file") == nil)
        }
    }

    @Test(arguments: ["3", "4"] as [Character])
    func deviceNodesAreLeftOut(_ type: Character) throws {
        let image = try scratch.add { tar in
            tar.device("disk", type: type)
            tar.file("after")
        }
        #expect(try scratch.names("root/images/unpacked/sha256/\(image.layers[0].hex)") == ["after"])
    }

    @Test func directoriesThatALayerLeavesOutAreOpenToAll() throws {
        let image = try scratch.add { $0.file("a/b/file") }
        for path in ["", "a", "a/b"] { #expect(try image.status(path).permissions == 0o755) }
    }

    @Test func modesOwnersAndTimesAreKept() throws {
        let image = try scratch.add { tar in
            tar.directory("folder", mode: 0o1777, modified: 1000)
            tar.file("folder/tool", mode: 0o4755, owner: 12, modified: 2000)
            tar.symlink("folder/link", to: "tool")
            tar.device("folder/fifo", type: "6")
        }
        #expect(try image.status("folder").permissions == 0o1777)
        #expect(FileTime(try image.status("folder").modified).seconds == 1000)
        let tool = try image.status("folder/tool")
        #expect(tool.permissions == 0o4755 && tool.owner == 12 && tool.group == 12 && FileTime(tool.modified).seconds == 2000)
        #expect(try image.status("folder/fifo").kind == .fifo)
    }

    // MARK: - one name, two files

    @Test func aFileTakesTheTurnOfADirectoryAndBack() throws {
        let image = try scratch.add { tar in
            tar.file("name/inner/deep")
            tar.file("name", "file")
            tar.file("other", "file")
            tar.directory("other")
            tar.file("other/inner", "inner")
        }
        #expect(try image.text("name") == "file")
        #expect(try image.text("other/inner") == "inner")
    }

    @Test func namesAreKeptByteForByte() throws {
        let image = try scratch.add { tar in
            tar.pax([("path", "caf\u{e9}")])
            tar.file("x", "composed")
            tar.pax([("path", "cafe\u{301}")])
            tar.file("x", "decomposed")
            tar.pax([("path", [0x66, 0xff, 0xfe, 0x0a, 0x1b])])
            tar.file("x", "not text")
        }
        let directory = try FileDescriptor(opening: image.tree, .directory)
        let composed: [CChar] = Array("caf\u{e9}".utf8CString)
        let decomposed: [CChar] = Array("cafe\u{301}".utf8CString)
        let odd: [CChar] = [0x66, -1, -2, 0x0a, 0x1b, 0]
        for (name, text) in [(composed, "composed"), (decomposed, "decomposed"), (odd, "not text")] {
            #expect(try directory.place.open(name).readAll() == Array(text.utf8))
        }
    }
}
