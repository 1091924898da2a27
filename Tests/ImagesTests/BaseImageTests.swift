// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Linux
import OCI
import Testing

@Suite struct BaseImageTests {
    /// One base image for all tests here: making it is the expensive part.
    static let shared = Result {
        let scratch = try Scratch()
        var lines: [String] = []
        let image = try ImageStore(root: scratch.root).imageOrBase(named: "base") { lines.append($0) }
        atexit { BaseImageTests.removeShared() }
        return Base(scratch: scratch, image: image, lines: lines)
    }

    /// What is shared outlives every test.
    static func removeShared() {
        guard case .success(let base) = shared else { return }
        do { try Directory.removeAll(base.scratch.path) } catch { print("left behind: \(base.scratch.path)") }
    }

    struct Base: @unchecked Sendable {
        let scratch: Scratch
        let image: Image
        let lines: [String]
    }

    let base: Base

    init() throws { base = try Self.shared.get() }

    @Test func programsRunInsideTheirTree() {
        for command in [
            "bash -c 'echo from bash'", "sh -c 'echo from sh'", "ls /", "ip -V", "tput -T xterm-256color colors",
            "grep root /etc/passwd", "awk 'BEGIN { print 1 }'", "id",
        ] {
            let result = run("chroot \(base.image.tree) \(command)")
            #expect(result.code == 0, "\(command): \(result.output)")
        }
    }

    @Test func everyProgramFindsItsLibraries() {
        let result = run(
            "for f in \(base.image.tree)/usr/bin/* \(base.image.tree)/usr/sbin/*; do chroot \(base.image.tree) /bin/bash -c "
                + "'LD_TRACE_LOADED_OBJECTS=1 exec \"$0\"' \"${f#\(base.image.tree)}\"; done | grep 'not found'")
        #expect(result.output == "")
    }

    @Test func aProgressLineSaysWhatIsMade() {
        #expect(base.lines.count == 1)
        #expect(base.lines.first?.hasPrefix("assembling base: ") == true)
    }

    @Test func skopeoAndUmociReadTheLayout() {
        guard run("command -v skopeo").code == 0, run("command -v umoci").code == 0 else {
            return print("skipped: no skopeo or umoci here")
        }
        let images = base.scratch.images
        let inspected = run("skopeo inspect oci:\(images):base")
        #expect(inspected.code == 0 && inspected.output.contains(base.image.manifestDigest.description), "\(inspected.output)")
        #expect(run("umoci ls --layout \(images)").output == "base\n")
        #expect(run("umoci stat --image \(images):base").code == 0)
    }

    @Test func usingItAgainMakesNothing() throws {
        var lines: [String] = []
        let again = try base.scratch.store().imageOrBase(named: "base") { lines.append($0) }
        #expect(again.id == base.image.id)
        #expect(lines.isEmpty)
    }

    @Test func theSameFilesGiveTheSameLayer() throws {
        let other = try Scratch()
        let image = try other.store().imageOrBase(named: "base")
        #expect(image.layers == base.image.layers)
        #expect(try base.scratch.names("root/images/blobs/sha256").contains(image.layers[0].hex) == false)
    }

    @Test func theRecipeInTheProgramIsTheOneInTheSourceTree() throws {
        let tracked = #filePath.replacing("Tests/ImagesTests/BaseImageTests.swift", with: "images/base.json")
        #expect(try File.read(tracked) == Array(baseRecipeText.utf8))
        #expect(try base.scratch.text("root/images/base.json") == baseRecipeText)
    }
}
