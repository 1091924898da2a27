// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI
import Testing

@testable import Images

@Suite struct RecipeTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    // MARK: - recipes

    @Test func aWordThatMeansNothingIsRefused() {
        #expect(throws: ImageError.self) { try Recipe(json: Array(#"{"command": ["bash"]}"#.utf8)) }
        #expect(throws: ImageError.self) { try Recipe(json: Array(#"{"commands": "bash"}"#.utf8)) }
    }

    @Test func whatTheMachineLacksIsLeftOutOnlyWhereTheRecipeSaysSo() throws {
        for missing in [Recipe(commands: ["no-such-command"]), Recipe(commands: ["sh"], files: ["/no/such/file"])] {
            #expect(throws: ImageError.self) { try HostFiles(missing) }
        }
        let files = try HostFiles(Recipe(commands: ["sh", "no-such-command?"], files: ["/no/such/file?"])).files
        #expect(files.keys.contains { $0.hasSuffix("/sh") })
    }

    @Test func aScriptBringsItsInterpreter() throws {
        try scratch.write("tool", "#!/usr/bin/env -S sed -f\n")
        chmod(scratch.path + "/tool", 0o755)
        let files = try HostFiles(Recipe(commands: [scratch.path + "/tool"])).files
        #expect(files.keys.contains { $0.hasSuffix("/env") } && files.keys.contains { $0.hasSuffix("/sed") })
    }

    @Test func linksToDirectoriesAreKeptAndLinksToFilesBecomeFiles() throws {
        try Directory.makeAll(scratch.path + "/victim/real/deep")
        let real = try FileDescriptor(opening: scratch.path + "/victim/real/deep", .directory)
        try File.replace("file", at: real.place, with: [1])
        symlink("real", scratch.path + "/victim/alias")
        symlink("file", scratch.path + "/victim/real/deep/other")
        let files = try HostFiles(
            Recipe(commands: [], files: [scratch.path + "/victim/alias/deep/other", scratch.path + "/victim/real/deep/file"])
        ).files
        #expect(files[scratch.path + "/victim/alias"] == .link(target: "real"))
        guard case .copy = files[scratch.path + "/victim/real/deep/other"] else {
            Issue.record("the link stayed a link")
            return
        }
        #expect(files[scratch.path + "/victim/real/deep/file"] == .hardLink(to: scratch.path + "/victim/real/deep/other"))
    }

    @Test func aLinkSaysWhatItsFileSays() throws {
        // docker gives the file what its last name says.
        try scratch.write("tool", "#!/bin/sh\n")
        chmod(scratch.path + "/tool", 0o755)
        let archive = TreeArchive([
            "/a": .copy(of: scratch.path + "/tool", 0o755, size: 10, modified: 77), "/b": .hardLink(to: "/a"),
        ])
        var headers: [[UInt8]] = []
        var bytes: [UInt8] = []
        while case let piece = try archive.next(), !piece.isEmpty { bytes += piece }
        for start in [0, 1024] { headers.append(Array(bytes[start + 100..<start + 108] + bytes[start + 136..<start + 148])) }
        #expect(bytes[1024 + 156] == UInt8(ascii: "1") && headers[0] == headers[1])
    }

    @Test func whatARecipeMakesIsInTheImage() throws {
        var recipe = Recipe(commands: ["sh"], files: [scratch.path + "/canary"])
        recipe.directories = ["/tmp": "1777", "/srv/deep": "0700"]
        recipe.links = ["/etc/mtab": "/proc/self/mounts"]
        recipe.texts = ["/etc/hosts": ["127.0.0.1 localhost", "# end"]]
        let image = try scratch.store().assemble(Reference("mine"), recipe)
        #expect(try image.status("tmp").permissions == 0o1777)
        #expect(try image.status("srv/deep").permissions == 0o700)
        #expect(try image.text("etc/hosts") == "127.0.0.1 localhost\n# end\n")
        #expect(try image.text(scratch.path + "/canary") == "alive")
        #expect(try image.status("etc/mtab").kind == .symlink)
        #expect(image.config.config?.cmd == ["sh"])
        #expect(run("chroot \(image.tree) sh -c 'echo works'").output == "works\n")
    }

    @Test func anEditedRecipeMakesTheBaseAnew() throws {
        let store = try scratch.store()
        func write(_ text: String) throws {
            let images = try FileDescriptor(opening: scratch.images, .directory)
            try File.replace("base.json", at: images.place, with: Array(text.utf8))
        }
        try write(#"{"texts": {"/version": ["1"]}}"#)
        let first = try store.imageOrBase(named: "base")
        #expect(try store.imageOrBase(named: "base:latest").id == first.id)
        try write(#"{"texts": {"/version": ["2"]}}"#)
        let second = try store.imageOrBase(named: "base")
        #expect(try second.text("version") == "2\n")
        // A container may still run on the old one.
        #expect(try first.text("version") == "1\n")
    }

    @Test func somebodysOwnBaseIsLeftAlone() throws {
        var tar = Tar()
        tar.file("mine")
        let own = try scratch.add(tar.closed, as: "base")
        #expect(try scratch.store().imageOrBase(named: "base").id == own.id)
    }

    // MARK: - tar

    @Test func longNamesAndTargetsSurvive() throws {
        let long = "/" + Array(repeating: "directory", count: 30).joined(separator: "/")
        let image = try scratch.store().add(
            TreeArchive([long: .text(Array("text".utf8), 0o640), "/link": .link(target: long), "/again": .hardLink(to: long)]),
            as: Reference("long"), config: nil, comment: "", progress: { _ in })
        #expect(try image.text(long) == "text")
        #expect(try image.text("again") == "text")
        #expect(try Place.current.readLink(image.tree + "/link") == Array(long.utf8))
        #expect(try image.status(long).permissions == 0o640)
    }

    // MARK: - ELF and the loader's cache

    @Test func aProgramSaysWhatItNeeds() throws {
        let bash = try FileDescriptor(opening: "/bin/bash")
        let elf = try #require(try ELF(bash))
        #expect(elf.interpreter?.contains("ld-") == true)
        #expect(elf.needed.contains { $0.hasPrefix("libc.") })
        #expect(try LibrarySearch().path(of: "libc.so.6", for: elf, at: "/bin") != nil)
        #expect(try LibrarySearch().path(of: "libno-such.so.1", for: elf, at: "/bin") == nil)
        let text = try FileDescriptor(opening: "/etc/passwd")
        #expect(try ELF(text) == nil)
    }

    @Test func damagedProgramsAndCachesNeverTrap() throws {
        let original = try FileDescriptor(opening: "/bin/sh").read(atMost: 100_000)
        let cache = try File.read("/etc/ld.so.cache", limit: 16 << 20)
        #expect(LibrarySearch.parse(cache).contains { $0.name == "libc.so.6" })
        let file = try FileDescriptor(opening: scratch.path, [.temporary, .readWrite], mode: 0o600)
        var state: UInt64 = 7
        for round in 0..<300 {
            var elf = original
            var table = cache
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                elf[5 + Int(state >> 33) % 1000] = UInt8(truncatingIfNeeded: state >> 20)
                table[11 + Int(state >> 35) % 200] = UInt8(truncatingIfNeeded: state >> 12)
            }
            let short = round % 3 == 0 ? Array(elf.prefix(Int(state >> 40) % 1000)) : elf
            try file.setSize(0)
            try short.withUnsafeBytes { try file.write($0, at: 0) }
            _ = try ELF(file)
            _ = LibrarySearch.parse(round % 3 == 0 ? Array(table.prefix(Int(state >> 40) % 200)) : table)
        }
    }
}
