// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
import OCI

/// Something in the store that does not fit the rest.
package struct StoreFault: Sendable {
    /// Below the root, `images/blobs/sha256/…`.
    package let place: String
    package let sentence: String
    /// What is done about it; nil where nothing can be.
    package let mending: String?
}

extension ImageStore {
    /// Compares the table of contents and the blobs with each other.
    /// - Parameters:
    ///   - deep: reads every blob to its end and compares it with its digest.
    ///   - mends: does what each fault says about mending it.
    package func audit(deep: Bool, mends: Bool, found: (StoreFault) -> Void) throws(ImageError) {
        if try directory.isEmptyStore() { return }
        let isLost = try checkIndex(mends: mends, found)
        // With its table of contents lost, everything would seem to belong to nobody.
        if isLost, !mends { return }
        let lock = try Lock(self)
        var index = try readIndex()
        let before = index
        try checkImages(&index, deep: deep, found)
        try checkStrays(usage(of: index).blobs, "blobs/sha256", "no image needs this blob", patience: Self.patience, found) {
            name throws(SystemError) in
            if mends { try directory.place.unlink("blobs/sha256/\(name)") }
        }
        if mends, index != before { try lock.write(index) }
    }

    /// Looks for unpacked trees that nobody needs, after the rest; see `holdAlone`.
    /// - Parameter users: containers, whose layers are in use.
    package func auditTrees(users: [LayerUser], mends: Bool, found: (StoreFault) -> Void) throws(ImageError) {
        // Without a table that can be read, they would all seem to be nobody's.
        guard try hasIndex() else { return }
        let staging = try Staging(in: self)
        let lock = try Lock(self)
        let trees = try usage(of: readIndex()).trees.union(users.flatMap(\.layers).map(\.hex))
        try checkStrays(trees, "unpacked/sha256", "no image and no container needs this unpacked layer", patience: 0, found) {
            name throws(SystemError) in
            // Out of the store at once, so that nobody ever takes half a tree for a whole one; from the disk with the folder.
            if mends { try directory.place.rename("unpacked/sha256/\(name)", to: staging.directory.place, "gone-\(name)") }
        }
        _ = consume lock
    }

    private func hasIndex() throws(ImageError) -> Bool {
        do throws(ImageError) { _ = try readIndex() } catch .invalid { return false }
        return try attempt { [place = directory.place] () throws(SystemError) in try place.status(of: "index.json") } != nil
    }

    /// Finds images whose files are not all there, and takes them out of the table.
    private func checkImages(_ index: inout Index, deep: Bool, _ found: (StoreFault) -> Void) throws(ImageError) {
        var whole: Set<String> = []
        for entry in index.manifests {
            guard let sentence = try fault(of: entry, deep: deep, level: 0, &whole) else { continue }
            let name = entry.name ?? String(entry.digest.hex.prefix(12))
            index.manifests.removeAll { $0 == entry }
            found(
                StoreFault(
                    place: "images/index.json", sentence: "image \(name) is not whole: \(sentence)",
                    mending: "take it out of the table; import or fetch it again"))
        }
    }

    /// What is wrong with an image, if something is.
    /// - Parameter whole: what was found to be whole before. Images share layers, and a list may name one other list a thousand times,
    ///   which does the same: each is read once.
    private func fault(of entry: Descriptor, deep: Bool, level: Int, _ whole: inout Set<String>) throws(ImageError) -> String? {
        let key = "\(entry.mediaType) \(entry.digest) \(entry.size)"
        if whole.contains(key) { return nil }
        let sentence = try faultOnce(of: entry, deep: deep, level: level, &whole)
        if sentence == nil { whole.insert(key) }
        return sentence
    }

    private func faultOnce(of entry: Descriptor, deep: Bool, level: Int, _ whole: inout Set<String>) throws(ImageError) -> String? {
        if let sentence = try fault(ofBlob: entry, deep: true) { return sentence }
        guard level < 4 else { return "lists lead to lists without end" }
        do throws(ImageError) {
            if entry.isList {
                let list: Index = try read(entry, of: "image")
                // A list names images for other machines too, which need not be here.
                for part in list.manifests where try status(part) != nil {
                    if let sentence = try fault(of: part, deep: deep, level: level + 1, &whole) { return sentence }
                }
                return nil
            }
            let manifest: Manifest = try read(entry, of: "image")
            if let sentence = try fault(ofBlob: manifest.config, deep: true) { return sentence }
            for layer in manifest.layers where !whole.contains("\(layer.digest) \(layer.size)") {
                if let sentence = try fault(ofBlob: layer, deep: deep) { return sentence }
                whole.insert("\(layer.digest) \(layer.size)")
            }
            let config: ImageConfig = try read(manifest.config, of: "image")
            guard config.rootfs.diffIDs.count == manifest.layers.count else { return "it has not as many layers as diff ids" }
            return nil
        } catch .invalid(_, let why) {
            return why
        }
    }

    private func status(_ descriptor: Descriptor) throws(ImageError) -> FileStatus? {
        try attempt { [place = directory.place] () throws(SystemError) in try place.status(of: "blobs/sha256/\(descriptor.digest.hex)") }
    }

    private func fault(ofBlob descriptor: Descriptor, deep: Bool) throws(ImageError) -> String? {
        let digest = descriptor.digest
        guard digest.algorithm == .sha256 else { return "\(digest) is not a sha256 digest" }
        guard let status = try status(descriptor) else { return "blob \(digest) is missing" }
        guard status.kind == .regular, status.size == descriptor.size else {
            return "blob \(digest) has \(status.size) bytes and not \(descriptor.size)"
        }
        guard deep else { return nil }
        let actual = try attempt { [place = directory.place] () throws(SystemError) in
            let file = try FileDescriptor(opening: "blobs/sha256/\(digest.hex)", at: place, [.noFollow, .nonBlocking])
            var hash = SHA256()
            while true {
                let bytes = try file.read(atMost: 1 << 20)
                if bytes.isEmpty { return hash.finalize() }
                hash.update(bytes)
            }
        }
        return actual == digest ? nil : "blob \(digest) does not have the contents it is named for"
    }

    /// How old, in seconds, a blob must be to belong to nobody: other tools copy into the layout blob by blob, and write the table last.
    /// Trees are made under the lock together with the table.
    private static let patience: Int64 = 600

    private func checkStrays(
        _ kept: Set<String>, _ folder: String, _ sentence: String, patience: Int64, _ found: (StoreFault) -> Void,
        remove: (String) throws(SystemError) -> Void
    ) throws(ImageError) {
        let place = directory.place
        let now = Timestamp.now.nanoseconds
        do throws(SystemError) {
            let names = try FileDescriptor(opening: folder, at: place, [.directory, .noFollow]).entries().map(\.name).sorted()
            for name in names where Digest(hex: name) != nil && !kept.contains(name) {
                guard let status = try place.status(of: "\(folder)/\(name)") else { continue }
                if patience > 0, now &- status.modificationTime.nanoseconds < patience * 1_000_000_000 { continue }
                found(StoreFault(place: "images/\(folder)/\(name)", sentence: sentence, mending: "remove it"))
                try remove(name)
            }
        } catch { throw .system(error) }
    }
}

// MARK: the table of contents

extension ImageStore {
    /// True if there is no table that can be read. It is made anew from the manifests there are; names are lost with it.
    private func checkIndex(mends: Bool, _ found: (StoreFault) -> Void) throws(ImageError) -> Bool {
        let place = directory.place
        let why: String
        do throws(ImageError) {
            _ = try readIndex()
            if try attempt({ () throws(SystemError) in try place.status(of: "index.json") }) != nil { return false }
            why = "is missing"
        } catch .invalid(_, let reason) {
            why = "cannot be understood: \(reason)"
        }
        found(
            StoreFault(
                place: "images/index.json", sentence: "the table of images \(why)",
                mending: "make it anew from the manifests that are there, without their names; the old one is kept as index.json.damaged"))
        guard mends else { return true }
        let index = Index(manifests: try manifests())
        let bytes = try encoded(index, "images/index.json")
        try attempt { () throws(SystemError) in
            if try place.status(of: "index.json") != nil { try place.rename("index.json", to: place, "index.json.damaged") }
            try File.replace("index.json", at: place, with: bytes, durable: true)
        }
        return true
    }

    /// Every blob that is a manifest.
    private func manifests() throws(ImageError) -> [Descriptor] {
        let place = directory.place
        let names = try attempt { () throws(SystemError) in
            try FileDescriptor(opening: "blobs/sha256", at: place, [.directory, .noFollow]).entries().map(\.name).sorted()
        }
        var found: [Descriptor] = []
        for name in names {
            guard let digest = Digest(hex: name), let bytes = try? File.read("blobs/sha256/\(name)", at: place, limit: 1 << 20),
                bytes.first == UInt8(ascii: "{"), SHA256.digest(of: bytes) == digest,
                let manifest = try? JSONDecoder().decode(Manifest.self, from: bytes), !manifest.layers.isEmpty
            else { continue }
            found.append(Descriptor(mediaType: manifest.mediaType ?? MediaType.manifest, digest: digest, size: Int64(bytes.count)))
        }
        return found
    }
}

extension FileDescriptor {
    /// Nothing was ever kept here.
    fileprivate func isEmptyStore() throws(ImageError) -> Bool {
        try attempt { () throws(SystemError) in
            for name in ["index.json", "blobs", "unpacked"] where try place.status(of: name) != nil { return false }
            return true
        }
    }
}
