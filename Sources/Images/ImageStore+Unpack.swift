// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

extension ImageStore {
    /// Sees to it that every layer's tree is there. For an image that ran before this costs one system call a layer.
    /// A layer whose blob or contents do not have the digests they are listed under is refused, and nothing of it stays.
    package func unpack(_ image: Image, progress: (String) -> Void = { _ in }) throws(ImageError) {
        guard !image.layers.isEmpty else {
            let name = image.reference?.familiar ?? image.id.description
            throw .invalid("image \(name)", why: "has no layers: there is nothing in it to run")
        }
        var missing = zip(image.layers, image.blobs).filter { layer, _ in
            faccessat(directory.raw, "unpacked/sha256/\(layer.hex)", F_OK, 0) != 0
        }
        if missing.isEmpty { return }
        // An image may have a layer twice.
        var seen: Set<String> = []
        missing.removeAll { !seen.insert($0.0.hex).inserted }
        progress(missing.count == 1 ? "unpacking one layer" : "unpacking \(missing.count) layers")
        for (layer, blob) in missing { try unpack(blob, layer) }
    }

    private func unpack(_ blob: Descriptor, _ layer: Digest) throws(ImageError) {
        let what = "layer \(blob.digest)"
        guard blob.digest.algorithm == .sha256 else { throw .invalid(what, why: "is not named by a sha256 digest") }
        let file = try open(blob, what)
        let staging = try Staging(in: self)
        let source = DescriptorSource(file, hashing: true)
        let (diffID, _) = try extract(source, into: staging, blob: nil)
        // The decompressor may stop before the file ends.
        try source.drain()
        guard source.digest == blob.digest else { throw .invalid(what, why: "does not have the contents it is named for") }
        guard diffID == layer else { throw .invalid(what, why: "unpacks to \(diffID), but the image says \(layer)") }
        try changeIndex { (_) throws(ImageError) in try staging.commit(tree: layer, to: directory.place, durable: isDurable) }
    }

    private func open(_ blob: Descriptor, _ what: String) throws(ImageError) -> FileDescriptor {
        let name = "blobs/sha256/\(blob.digest.hex)"
        guard try attempt({ () throws(SystemError) in try directory.place.status(of: name) }) != nil else {
            throw .invalid(what, why: "is missing from images/blobs; copy or import the image again")
        }
        let file = try attempt { () throws(SystemError) in
            try FileDescriptor(opening: name, at: directory.place, [.noFollow, .nonBlocking])
        }
        let status = try attempt { () throws(SystemError) in try file.status() }
        guard status.kind == .regular, status.size == blob.size else {
            throw .invalid(what, why: "has \(status.size) bytes and not \(blob.size)")
        }
        return file
    }

    /// Writes a layer's tree into `staging/tree`, and its compressed form to `blob` if wanted. One pass, whatever the size.
    func extract(
        _ source: any ByteSource, into staging: borrowing Staging, blob: BlobWriter?, watching inspector: ArchiveInspector? = nil
    ) throws(ImageError) -> (diffID: Digest, skipped: Int) {
        let stream = LayerStream(try Decompressor(source, budget: budget), blob: blob)
        let reader = try TarReader(stream, budget: budget)
        let writer = try TreeWriter(at: staging.openTree(), staging: staging.directory.place, budget: budget)
        while let entry = try reader.next() {
            try inspector?.inspect(entry)
            try writer.write(entry, from: reader)
        }
        try writer.finish()
        // What follows the end of the tar counts for its digest.
        try stream.drain()
        return (stream.digest, writer.skipped)
    }
}

/// Tells archives of images, which hold layers, from archives of a root file system by their top-level names.
final class ArchiveInspector {
    private var names: Set<String> = []

    func inspect(_ entry: LayerEntry) throws(ImageError) {
        let name = entry.path.name.text
        if entry.path.parent == LayerPath.dot {
            guard ["oci-layout", "index.json", "manifest.json"].contains(name) || Self.isLayer(name) else { return }
            names.insert(Self.isLayer(name) ? "layer" : name)
        } else if name == "layer.tar" {
            names.insert("layer")
        }
        if names.isSuperset(of: ["oci-layout", "index.json"]) {
            throw .invalid("archive", why: Self.advice("an OCI archive", "oci-archive"))
        }
        if names.isSuperset(of: ["manifest.json", "layer"]) {
            throw .invalid("archive", why: Self.advice("what 'docker save' writes", "docker-archive"))
        }
    }

    private static func isLayer(_ name: String) -> Bool {
        let stem = name.split(separator: ".", maxSplits: 1)
        return stem.count == 2 && (stem[1] == "json" || stem[1] == "tar") && Digest(hex: String(stem[0])) != nil
    }

    private static func advice(_ what: String, _ transport: String) -> String {
        "this is \(what), an image and not a root file system: use 'skopeo copy \(transport):FILE oci:images:NAME'"
    }
}
