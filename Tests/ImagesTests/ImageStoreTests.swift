// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import JSON
import Linux
import OCI
import Testing

@Suite struct ImageStoreTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func layer(_ text: String) -> [UInt8] {
        var tar = Tar()
        tar.file("file", text)
        return tar.closed
    }

    // MARK: - import

    @Test(arguments: ["cat", "gzip", "bzip2", "xz", "zstd"])
    func anArchiveIsReadInAnyCompressionAndThroughAPipe(_ program: String) throws {
        guard run("command -v \(program)").code == 0 else { return print("skipped: no \(program) here") }
        let plain = try scratch.add(layer("text"), as: "plain")
        let file = try FileDescriptor(opening: scratch.path + "/layer", [.writeOnly, .create], mode: 0o600)
        try file.write(layer("text"))
        #expect(run("\(program) < \(scratch.path)/layer > \(scratch.path)/packed").code == 0)
        let packed = try File.read(scratch.path + "/packed")
        var ends: [CInt] = [-1, -1]
        try check("pipe") { pipe(&ends) }
        let reader = FileDescriptor(owning: ends[0])
        do {
            let writer = FileDescriptor(owning: ends[1])
            try writer.write(packed)
        }
        let image = try scratch.store().importRootFileSystem(from: reader, as: Reference("packed"))
        #expect(image.layers == plain.layers)
        #expect(try image.text("file") == "text")
    }

    @Test func anImportedLayerCanBeUnpackedAgain() throws {
        let image = try scratch.add(layer("text"))
        try Directory.removeAll(image.tree)
        try scratch.store().unpack(image)
        #expect(try image.text("file") == "text")
    }

    @Test func theStoreIsClosedToOthers() throws {
        _ = try scratch.add(layer("text"))
        #expect(try FileStatus(of: scratch.images).permissions == 0o700)
    }

    @Test func anImageWhoseFilesAreGoneIsToldOfByItsName() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        try Directory.removeAll("\(scratch.images)/blobs/sha256/\(image.id.hex)")
        let error = #expect(throws: ImageError.self) { _ = try scratch.store().image(named: "tool") }
        #expect(
            "\(error.map { "\($0)" } ?? "")".hasPrefix("image tool: blobs/sha256/\(image.id.hex) is missing; remove"),
            "\(String(describing: error))")
    }

    // MARK: - names

    @Test func anImageIsFoundByEachOfItsNamesAndByItsId() throws {
        let image = try scratch.add(layer("text"), as: "tool:1.0")
        let store = try scratch.store()
        try store.tag("tool:1.0", Reference("ghcr.io/owner/tool"))
        let hex = image.id.hex
        for name in [
            "tool:1.0", "docker.io/library/tool:1.0", "ghcr.io/owner/tool", "ghcr.io/owner/tool:latest", hex, String(hex.prefix(4)),
            "sha256:" + hex, "tool@\(image.manifestDigest)", "docker.io/library/tool:1.0@\(image.manifestDigest)",
        ] {
            #expect(try store.image(named: name).id == image.id, "\(name)")
        }
        for name in ["tool", "tool:2.0", String(hex.prefix(3)), "", "../tool", "TOOL:1.0", "sha256:", "other@\(image.manifestDigest)"] {
            #expect(throws: ImageError.self, "\(name)") { try store.image(named: name) }
        }
    }

    @Test func anUnknownNameIsAnsweredWithNamesLikeIt() throws {
        _ = try scratch.add(layer("text"), as: "alpine")
        for name in ["alpin", "alpnie", "alpine:3.20", "apline"] {
            do {
                _ = try scratch.store().image(named: name)
                Issue.record("\(name) was found")
            } catch {
                #expect("\(error)".contains("did you mean alpine?"), "\(error)")
            }
        }
    }

    @Test func skopeoFindsNamesAsWritten() throws {
        guard run("command -v skopeo").code == 0 else { return print("skipped: no skopeo here") }
        _ = try scratch.add(layer("text"), as: "tool:1.0")
        try scratch.store().tag("tool:1.0", Reference("ghcr.io/owner/tool:2"))
        for name in ["tool:1.0", "ghcr.io/owner/tool:2"] {
            let result = run("skopeo inspect oci:\(scratch.images):\(name)")
            #expect(result.code == 0, "\(result.output)")
        }
    }

    @Test func whatSkopeoCopiesInRuns() throws {
        guard run("command -v skopeo").code == 0 else { return print("skipped: no skopeo here") }
        _ = try scratch.add(layer("text"), as: "tool:1.0")
        let other = try Scratch()
        let store = try other.store()
        #expect(run("skopeo copy --insecure-policy oci:\(scratch.images):tool:1.0 oci:\(other.images):copied:latest").code == 0)
        let image = try store.image(named: "copied")
        try store.unpack(image)
        #expect(try image.text("file") == "text")
        #expect(try store.list().map(\.name) == ["copied:latest"])
        #expect(
            run("umoci unpack --rootless --image \(other.images):copied:latest \(other.path)/bundle || command -v umoci || true").code == 0)
    }

    @Test func aNameThatMovesLeavesTheOldImageNameless() throws {
        let old = try scratch.add(layer("old"), as: "tool")
        let new = try scratch.add(layer("new"), as: "tool")
        let store = try scratch.store()
        #expect(try store.image(named: "tool").id == new.id)
        #expect(try store.list().map(\.name) == [nil, "tool"])
        #expect(try store.image(named: String(old.id.hex.prefix(12))).id == old.id)
    }

    // MARK: - remove

    @Test func removingTheLastNameRemovesAllOfTheImage() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        let store = try scratch.store()
        try store.tag("tool", Reference("again"))
        #expect(try store.remove("tool", users: []) == [.untagged("tool")])
        #expect(try image.text("file") == "text")
        #expect(try store.remove("again", users: []) == [.untagged("again"), .deleted(image.id)])
        #expect(try scratch.names("root/images/blobs/sha256").isEmpty)
        #expect(try scratch.names("root/images/unpacked/sha256").isEmpty)
        #expect(try scratch.names("root/images/unpacked") == ["sha256"])
    }

    @Test func whatAnotherImageNeedsStays() throws {
        let one = try scratch.add(layer("same"), as: "one")
        _ = try scratch.add(layer("same"), as: "two")
        _ = try scratch.store().remove("one", users: [])
        let two = try scratch.store().image(named: "two")
        #expect(two.layers == one.layers)
        try scratch.store().unpack(two)
        #expect(try two.text("file") == "same")
    }

    @Test func anImageThatAContainerRunsOnIsRemovedOnlyByForce() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        let store = try scratch.store()
        let users = [LayerUser(name: "web", layers: image.layers)]
        do {
            _ = try store.remove("tool", users: users)
            Issue.record("the image was removed")
        } catch {
            #expect("\(error)" == "image tool is used by container web: remove the container first or use --force")
        }
        _ = try store.remove("tool", users: users, force: true)
        #expect(try image.text("file") == "text")
        #expect(try store.list().isEmpty)
    }

    @Test func anIdWithSeveralNamesIsRemovedOnlyByForce() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        let store = try scratch.store()
        try store.tag("tool", Reference("again"))
        let id = String(image.id.hex.prefix(12))
        #expect(throws: ImageError.self) { try store.remove(id, users: []) }
        #expect(try store.remove(id, users: [], force: true).count == 3)
        #expect(try store.list().isEmpty)
    }

    // MARK: - hostile layouts

    /// Puts an image into the layout as another tool might, true or not.
    private func plant(layer: [UInt8], size: Int64? = nil, diffID: Digest? = nil, digest: Digest? = nil) throws -> String {
        let root = scratch.images
        try Directory.makeAll(root + "/blobs/sha256")
        let blobs = try FileDescriptor(opening: root + "/blobs/sha256", .directory)
        func blob(_ bytes: [UInt8]) throws -> Digest {
            let digest = SHA256.digest(of: bytes)
            try File.replace(digest.hex, at: blobs.place, with: bytes)
            return digest
        }
        let real = try blob(layer)
        if let digest { try File.replace(digest.hex, at: blobs.place, with: layer) }
        let config = try JSONEncoder().encode(
            ImageConfig(architecture: "amd64", os: "linux", rootfs: .init(diffIDs: [diffID ?? real])))
        let manifest = try JSONEncoder().encode(
            Manifest(
                config: Descriptor(mediaType: MediaType.config, digest: blob(config), size: Int64(config.count)),
                layers: [Descriptor(mediaType: MediaType.layer, digest: digest ?? real, size: size ?? Int64(layer.count))]))
        let entry = Descriptor(
            mediaType: MediaType.manifest, digest: try blob(manifest), size: Int64(manifest.count),
            annotations: ["org.opencontainers.image.ref.name": "planted"])
        let directory = try FileDescriptor(opening: root, .directory)
        try File.replace("index.json", at: directory.place, with: JSONEncoder().encode(Index(manifests: [entry])))
        return root
    }

    @Test func aLayerThatIsNotWhatItsDigestSaysIsRefused() throws {
        let wrong = SHA256.digest(of: [1])
        let cases: [(diffID: Digest?, digest: Digest?, size: Int64?, message: String)] = [
            (nil, wrong, nil, "does not have the contents"), (wrong, nil, nil, "but the image says"), (nil, nil, 5, "bytes and not 5"),
        ]
        for attempt in cases {
            _ = try plant(layer: layer("text"), size: attempt.size, diffID: attempt.diffID, digest: attempt.digest)
            let store = try scratch.store()
            let image = try store.image(named: "planted")
            do {
                try store.unpack(image)
                Issue.record("it was unpacked: \(attempt.message)")
            } catch {
                #expect("\(error)".contains(attempt.message), "\(error)")
            }
            #expect(try access(image.tree, F_OK) != 0 && scratch.names("root/images/unpacked/sha256").isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func listsThatNameOneListAThousandTimesAreReadOnce() throws {
        _ = try plant(layer: layer("text"))
        let directory = try FileDescriptor(opening: scratch.images, .directory)
        let blobs = try FileDescriptor(opening: scratch.images + "/blobs/sha256", .directory)
        var index = try JSONDecoder().decode(Index.self, from: File.read("index.json", at: directory.place))
        for _ in 0..<3 {
            let list = try JSONEncoder().encode(Index(manifests: (0..<1000).flatMap { _ in index.manifests }))
            let digest = SHA256.digest(of: list)
            try File.replace(digest.hex, at: blobs.place, with: list)
            index.manifests = [Descriptor(mediaType: MediaType.index, digest: digest, size: Int64(list.count))]
        }
        try File.replace("index.json", at: directory.place, with: JSONEncoder().encode(index))
        var faults: [String] = []
        try scratch.store().audit(deep: true, mends: false) { faults.append($0.sentence) }
        #expect(faults.isEmpty, "\(faults)")
        #expect(throws: ImageError.self) { try scratch.store().image(named: String(index.manifests[0].digest.hex.prefix(12))) }
    }

    @Test func aBlobThatChangedIsNoticed() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        for digest in [image.id, image.manifestDigest] {
            let path = scratch.images + "/blobs/sha256/" + digest.hex
            let bytes = try File.read(path)
            let file = try FileDescriptor(opening: path, .writeOnly)
            try file.write([UInt8(ascii: " ")])
            #expect(throws: ImageError.self) { try scratch.store().image(named: "tool") }
            #expect(try scratch.store().list().first?.image == nil)
            lseek(file.raw, 0, SEEK_SET)
            try file.write(bytes)
        }
        #expect(try scratch.store().image(named: "tool").id == image.id)
    }

    @Test func linksAndPipesInTheLayoutAreNotFollowed() throws {
        let image = try scratch.add(layer("text"), as: "tool")
        let path = scratch.images + "/blobs/sha256/" + image.id.hex
        unlink(path)
        symlink("/dev/zero", path)
        #expect(throws: ImageError.self) { try scratch.store().image(named: "tool") }
        unlink(path)
        mkfifo(path, 0o600)
        #expect(throws: ImageError.self) { try scratch.store().image(named: "tool") }
    }

    // MARK: - several processes

    @Test func twoImportsAtOnceBothSucceed() async throws {
        let path = scratch.path
        let bytes = layer("same")
        try scratch.write("layer", "")
        let file = try FileDescriptor(opening: path + "/layer", .writeOnly)
        try file.write(bytes)
        try await withThrowingTaskGroup(of: Digest.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let archive = try FileDescriptor(opening: path + "/layer")
                    let store = try Scratch.store(at: path + "/root")
                    return try store.importRootFileSystem(from: archive, as: Reference("image\(number % 4)")).layers[0]
                }
            }
            for try await layer in group { #expect(layer == SHA256.digest(of: bytes)) }
        }
        #expect(try Set(scratch.store().list().compactMap(\.name)) == ["image0", "image1", "image2", "image3"])
        #expect(try scratch.names("root/images/unpacked") == ["sha256"])
    }

    @Test func twoUnpackingsAtOnceBothSucceed() async throws {
        let image = try scratch.add(layer("same"))
        try Directory.removeAll(image.tree)
        let root = scratch.root
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { try Scratch.store(at: root).unpack(image) }
            }
            try await group.waitForAll()
        }
        #expect(try image.text("file") == "same")
        #expect(try scratch.names("root/images/unpacked") == ["sha256"])
    }

    @Test func theNextWriterClearsAwayWhatTheDeadLeft() throws {
        let image = try scratch.add(layer("kept"), as: "kept")
        let orphan = SHA256.digest(of: [1]).hex
        let foreign = SHA256.digest(of: [2]).hex
        let unpacked = scratch.images + "/unpacked"
        for folder in ["/.tmp-dead/tree/inner", "/.tmp-dead/blobs", "/.tmp-dead/trees", "/.tmp-live", "/sha256/" + orphan] {
            try Directory.makeAll(unpacked + folder)
        }
        for (name, path) in [(orphan, "blobs/sha256"), (foreign, "blobs/sha256"), (orphan, "unpacked/.tmp-dead/trees")] {
            let directory = try FileDescriptor(opening: scratch.images + "/" + path, .directory)
            try File.replace(name, at: directory.place, with: [])
        }
        link(scratch.images + "/blobs/sha256/" + orphan, unpacked + "/.tmp-dead/blobs/" + orphan)
        for (digest, folder) in [(image.manifestDigest, "blobs"), (image.layers[0], "trees")] {
            let directory = try FileDescriptor(opening: unpacked + "/.tmp-dead/" + folder, .directory)
            try File.replace(digest.hex, at: directory.place, with: [])
        }
        let live = try FileDescriptor(opening: unpacked + "/.tmp-live", .directory)
        _ = try live.lock(wait: false)

        try scratch.store().tag("kept", Reference("again"))
        #expect(try scratch.names("root/images/unpacked") == [".tmp-live", "sha256"])
        #expect(try scratch.names("root/images/unpacked/sha256") == [image.layers[0].hex])
        let blobs = try scratch.names("root/images/blobs/sha256")
        #expect(!blobs.contains(orphan))
        // What another tool has put there and not listed yet is none of ours.
        #expect(blobs.contains(foreign))
        #expect(try scratch.store().image(named: "again").id == image.id)
    }
}
