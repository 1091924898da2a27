// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI

/// The images of one root: an OCI image layout as other tools read and write it, and beside it one unpacked tree per layer.
///
///     index.json  oci-layout  blobs/sha256/…     the layout
///     unpacked/sha256/<diff id>/                 a layer's tree, a lower directory for overlayfs; never changed once there
///     unpacked/.tmp-…/                           what an import or unpacking works in; see `Staging`
///
/// Readers take no lock: every file is replaced whole. Writers hold the lock on the directory while they change the index.
package struct ImageStore: ~Copyable {
    let directory: FileDescriptor
    let path: String
    /// What a layer may cost before it is refused.
    package var budget = Budget()
    /// Whether a layer is on the disk before it has its name. A store that may be lost can do without.
    package var isDurable = true

    /// Opens the store below a root, made if missing. Only its owner may enter: the trees hold set-id programs for other worlds.
    package init(root: String) throws(ImageError) {
        path = root + "/images"
        let directory = try attempt { [path] () throws(SystemError) in
            do throws(SystemError) {
                return try FileDescriptor(opening: path, .directory)
            } catch  where error.errno == ENOENT {
                try Directory.makeAll(path)
                return try FileDescriptor(opening: path, .directory)
            }
        }
        try attempt { () throws(SystemError) in
            if try directory.status().permissions & 0o077 != 0 { try directory.setPermissions(0o700) }
        }
        self.directory = directory
    }

    /// Finds an image by reference (`alpine`, `alpine:3.20`, `ghcr.io/a/b@sha256:…`) or by the start of its id.
    /// Reads the index, the manifest and the configuration, each checked against its digest, and nothing else.
    package func image(named name: String) throws(ImageError) -> Image {
        var index = try readIndex()
        while true {
            do throws(ImageError) { return try image(named: name, in: index) } catch .system(let error) where error.errno == ENOENT {
                // Removed while it was read, perhaps for another one of that name; or its files have gone by another hand.
                let now = try readIndex()
                guard now != index else {
                    throw .invalid("image \(name)", why: "\(error.subject) is missing; remove the image, and copy or import it again")
                }
                index = now
            }
        }
    }

    private func image(named name: String, in index: Index) throws(ImageError) -> Image {
        if let entry = index.entry(named: name) { return try image(entry) }
        let matches = try entries(in: index, withPrefix: name)
        guard let first = matches.first else { throw .notFound(name: name, near: index.names(near: name)) }
        guard matches.allSatisfy({ $0.id == first.id }) else {
            throw .ambiguous(prefix: name, ids: Set(matches.map { String($0.id.hex.prefix(12)) }).sorted())
        }
        return try image(first.entry)
    }

    /// Every name and every nameless image, in the order they came.
    package func list() throws(ImageError) -> [ImageListing] {
        try readIndex().manifests.map { (entry) throws(ImageError) in
            ImageListing(name: entry.name, reference: entry.reference, manifestDigest: entry.digest, image: try readable(entry))
        }
    }

    /// The entries of images whose id starts with that, or whose manifest's digest does. Four digits make it an id.
    func entries(in index: Index, withPrefix text: String) throws(ImageError) -> [(entry: Descriptor, id: Digest)] {
        let hex = text.hasPrefix("sha256:") ? text.dropFirst(7) : Substring(text)
        guard hex.utf8.count >= 4, hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return [] }
        var matches: [(entry: Descriptor, id: Digest)] = []
        for entry in index.manifests {
            // A damaged image has no id to be known by, but must be removable.
            let id = try readable(entry)?.id ?? entry.digest
            if id.hex.hasPrefix(hex) || entry.digest.hex.hasPrefix(hex) { matches.append((entry, id)) }
        }
        return matches
    }

    /// The image behind an entry, or nil if its files are damaged or of another machine.
    func readable(_ entry: Descriptor) throws(ImageError) -> Image? {
        do throws(ImageError) {
            return try image(entry)
        } catch .invalid {
            return nil
        } catch .system(let error) where error.errno == ENOENT {
            return nil
        }
    }

    /// The image behind an entry of the index, for this machine where there are several.
    func image(_ entry: Descriptor) throws(ImageError) -> Image {
        let descriptor = try manifest(for: entry)
        let what = "image \(entry.name ?? entry.digest.description)"
        let manifest: Manifest = try read(descriptor, of: what)
        let config: ImageConfig = try read(manifest.config, of: what)
        let layers = config.rootfs.diffIDs
        guard manifest.layers.count == layers.count else {
            throw .invalid(what, why: "has \(manifest.layers.count) layers but diff ids for \(layers.count)")
        }
        guard layers.allSatisfy({ $0.algorithm == .sha256 }) else { throw .invalid(what, why: "has a diff id that is not sha256") }
        return Image(
            id: manifest.config.digest, reference: entry.reference, manifestDigest: descriptor.digest, config: config, layers: layers,
            layerPaths: layers.map { "\(path)/unpacked/sha256/\($0.hex)" }, blobs: manifest.layers)
    }

    /// Goes down from lists for several platforms to the one manifest for this machine.
    private func manifest(for entry: Descriptor) throws(ImageError) -> Descriptor {
        var entry = entry
        let what = "image \(entry.name ?? entry.digest.description)"
        for _ in 0..<4 {
            guard entry.isList else { return entry }
            let list: Index = try read(entry, of: what)
            let here = Platform.current
            guard
                let match = list.manifests.first(where: {
                    $0.platform?.architecture == here.architecture && $0.platform?.os == here.os
                })
            else { throw .invalid(what, why: "is not made for \(here.os)/\(here.architecture)") }
            entry = match
        }
        throw .invalid(what, why: "lists lead to lists without end")
    }

    /// A small blob, checked against its size and digest.
    func read<Value: JSONCoded>(_ descriptor: Descriptor, of what: String) throws(ImageError) -> Value {
        guard descriptor.digest.algorithm == .sha256 else { throw .invalid(what, why: "\(descriptor.digest) is not a sha256 digest") }
        let bytes = try attempt { () throws(SystemError) in
            try File.read("blobs/sha256/\(descriptor.digest.hex)", at: directory.place)
        }
        guard bytes.count == descriptor.size, SHA256.digest(of: bytes) == descriptor.digest else {
            throw .invalid(what, why: "blob \(descriptor.digest) does not have the contents it is named for")
        }
        do throws(JSONError) {
            return try JSONDecoder().decode(Value.self, from: bytes)
        } catch {
            throw .invalid(what, why: "blob \(descriptor.digest): \(error)")
        }
    }
}
