// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
package import OCI

extension ImageStore {
    /// Gives an image one more name; an image that had that name loses it.
    package func tag(_ source: String, _ target: Reference) throws(ImageError) {
        guard target.digest == nil else { throw .invalid("image name \(target)", why: "a name to give cannot have a digest") }
        try changeIndex { (index) throws(ImageError) in
            if let entry = try entries(named: source, in: index).first { index.name(entry, target) }
        }
    }

    /// Takes a name from an image, or by id all it has; an image without a name goes, with what no other image has in common with it.
    /// An image that a container runs on stays, unless forced: then the trees of its layers stay all the same.
    package func remove(_ name: String, users: [LayerUser], force: Bool = false) throws(ImageError) -> [Removal] {
        let staging = try Staging(in: self)
        let lock = try Lock(self)
        var index = try readIndex()
        let doomed = try entries(named: name, in: index)
        guard doomed.count == 1 || force else {
            let names = doomed.compactMap(\.name).joined(separator: ", ")
            throw .invalid("image \(name)", why: "it has several names (\(names)): remove it by these, or use --force")
        }
        index.manifests.removeAll { doomed.contains($0) }
        let gone = doomed.filter { entry in !index.manifests.contains { $0.digest == entry.digest } }
        if !force, let user = try user(of: gone, users) { throw .inUse(name: name, by: user) }

        let ids = try Set(gone.map { (entry) throws(ImageError) in try readable(entry)?.id ?? entry.digest })
        try mark(gone, keeping: index, users, in: staging)
        try lock.write(index)
        try undo(staging.directory)
        return doomed.compactMap(\.name).map(Removal.untagged) + ids.map(Removal.deleted)
    }

    /// Notes in the staging folder what only these entries need. If this process dies later, the next writer finishes the removal.
    private func mark(
        _ gone: [Descriptor], keeping index: Index, _ users: [LayerUser], in staging: borrowing Staging
    ) throws(ImageError) {
        let kept = try usage(of: index)
        let lost = try usage(of: Index(manifests: gone))
        let running = Set(users.flatMap(\.layers).map(\.hex))
        try attempt { [store = directory.place, place = staging.directory.place] () throws(SystemError) in
            for hex in lost.blobs.subtracting(kept.blobs) {
                do throws(SystemError) {
                    try store.link("blobs/sha256/\(hex)", to: place, "blobs/\(hex)")
                } catch  where error.errno == ENOENT {}
            }
            for hex in lost.trees.subtracting(kept.trees).subtracting(running) {
                _ = try FileDescriptor(opening: "trees/\(hex)", at: place, [.writeOnly, .create], mode: 0o600)
            }
        }
    }

    /// A container that runs on one of these images.
    private func user(of entries: [Descriptor], _ users: [LayerUser]) throws(ImageError) -> String? {
        for entry in entries {
            guard let image = try readable(entry) else { continue }
            if let user = users.first(where: { $0.layers == image.layers }) { return user.name }
        }
        return nil
    }

    /// The entries a person means: the one of that name, else all of the one image with that id.
    private func entries(named name: String, in index: Index) throws(ImageError) -> [Descriptor] {
        if let entry = index.entry(named: name) { return [entry] }
        let matches = try entries(in: index, withPrefix: name)
        let ids = Set(matches.map(\.id))
        guard ids.count <= 1 else { throw .ambiguous(prefix: name, ids: ids.map { String($0.hex.prefix(12)) }.sorted()) }
        guard !ids.isEmpty else { throw .notFound(name: name, near: index.names(near: name)) }
        return matches.map(\.entry)
    }
}

extension ImageStore {
    /// What images are made of, by digest.
    struct Usage {
        var blobs: Set<String> = []
        /// Diff ids of layers.
        var trees: Set<String> = []
    }

    /// Everything that the entries of a table lead to, for any platform. What is missing leads nowhere.
    func usage(of index: Index) throws(ImageError) -> Usage {
        var usage = Usage()
        var pending = index.manifests
        while let entry = pending.popLast() {
            guard usage.blobs.insert(entry.digest.hex).inserted else { continue }
            if entry.isList {
                if let list = try readable(entry, as: Index.self) { pending += list.manifests }
            } else if let manifest = try readable(entry, as: Manifest.self) {
                usage.blobs.insert(manifest.config.digest.hex)
                usage.blobs.formUnion(manifest.layers.map(\.digest.hex))
                if let config = try readable(manifest.config, as: ImageConfig.self) {
                    usage.trees.formUnion(config.rootfs.diffIDs.map(\.hex))
                }
            }
        }
        return usage
    }

    private func readable<Value: JSONCoded>(_ descriptor: Descriptor, as type: Value.Type) throws(ImageError) -> Value? {
        do throws(ImageError) {
            return try read(descriptor, of: "image")
        } catch .invalid {
            return nil
        } catch .system(let error) where error.errno == ENOENT {
            return nil
        }
    }
}
