// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux
package import OCI

extension ImageStore {
    /// Makes an image of one layer out of a tar of a root file system, plain or compressed, read once and from any descriptor.
    /// - Parameter reference: its name; nil for an image that is known by its id alone.
    package func importRootFileSystem(
        from archive: borrowing FileDescriptor, as reference: Reference?, config: ImageConfig.Config? = nil, comment: String = "imported",
        meter: ByteMeter? = nil, progress: (String) -> Void = { _ in }
    ) throws(ImageError) -> Image {
        let source = DescriptorSource(archive, hashing: false, meter: meter)
        return try add(source, as: reference, config: config, comment: comment, progress: progress)
    }

    /// Makes an image of another one with one more layer above it.
    /// - Parameter tree: the layer, in the `isLayer` style.
    package func commit(
        _ tree: TreeTar, over base: Image, as reference: Reference?, config: ImageConfig.Config?, author: String? = nil,
        comment: String = ""
    ) throws(ImageError) -> Image {
        try add(tree, over: base, as: reference, config: config, author: author, comment: comment, progress: { _ in })
    }

    /// The way of every new layer into the store: extracted and compressed in one pass, then named.
    func add(
        _ source: any ByteSource, over base: Image? = nil, as reference: Reference?, config: ImageConfig.Config?, author: String? = nil,
        comment: String, progress: (String) -> Void
    ) throws(ImageError) -> Image {
        if let reference, reference.digest != nil { throw .invalid("image name \(reference)", why: "a digest cannot be given, it follows") }
        let staging = try Staging(in: self)
        let file = try attempt { [place = staging.directory.place] () throws(SystemError) in
            try FileDescriptor(opening: "layer", at: place, [.writeOnly, .create, .exclusive], mode: 0o600)
        }
        let blob = try BlobWriter(to: file)
        let (diffID, skipped) = try extract(source, into: staging, blob: blob, watching: ArchiveInspector())
        if skipped > 0 { progress("left out \(skipped) device nodes, sockets and foreign attributes") }
        let digest = try blob.finish()
        try attempt { [place = staging.directory.place] () throws(SystemError) in
            try place.rename("layer", to: place, "blobs/\(digest.hex)")
        }
        let layer = Descriptor(mediaType: MediaType.layerGzip, digest: digest, size: blob.size)
        var description = ImageConfig(
            created: Timestamp.now.description, author: author, architecture: Platform.current.architecture, os: Platform.current.os,
            config: config,
            rootfs: ImageConfig.RootFS(diffIDs: (base?.layers ?? []) + [diffID]))
        description.history =
            (base?.config.history ?? [])
            + [ImageConfig.History(created: description.created, author: author, createdBy: "minictl", comment: comment)]
        let manifest = try describe(description, layers: (base?.blobs ?? []) + [layer], in: staging)
        try changeIndex { (index) throws(ImageError) in
            for blob in base?.blobs ?? [] where try !has(blob) {
                throw .invalid("image", why: "the image it stands on was removed meanwhile")
            }
            try staging.commit(tree: diffID, to: directory.place, durable: isDurable)
            if let reference { index.name(manifest, reference) } else { index.add(manifest) }
        }
        guard let reference else { return try image(manifest) }
        return try image(named: reference.layoutName)
    }

    private func has(_ blob: Descriptor) throws(ImageError) -> Bool {
        try attempt { [place = directory.place] () throws(SystemError) in try place.status(of: "blobs/sha256/\(blob.digest.hex)") } != nil
    }

    /// Writes configuration and manifest of an image.
    private func describe(_ config: ImageConfig, layers: [Descriptor], in staging: borrowing Staging) throws(ImageError) -> Descriptor {
        let configBytes = try encoded(config, "image configuration")
        let manifest = Manifest(
            mediaType: MediaType.manifest,
            config: Descriptor(mediaType: MediaType.config, digest: try staging.add(configBytes), size: Int64(configBytes.count)),
            layers: layers)
        let bytes = try encoded(manifest, "image manifest")
        return Descriptor(mediaType: MediaType.manifest, digest: try staging.add(bytes), size: Int64(bytes.count))
    }
}
