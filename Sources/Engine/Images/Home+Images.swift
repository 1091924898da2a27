// SPDX-License-Identifier: Apache-2.0
package import Images
import Linux
package import OCI

extension Home {
    /// Does something with the images; their errors become the engine's.
    package func withImages<Result>(_ body: (borrowing ImageStore) throws(ImageError) -> Result) throws(EngineError) -> Result {
        do throws(ImageError) { return try body(ImageStore(root: path)) } catch { throw .image(error) }
    }

    /// What containers need of images.
    func layerUsers() throws(EngineError) -> [LayerUser] {
        try listings().compactMap { listing in
            guard let layers = listing.record.layers else { return nil }
            return LayerUser(name: listing.record.name, layers: layers.compactMap { Digest(hex: $0) })
        }
    }

    /// Does something that may take unpacked layers away, told what containers need of them. None is in the making meanwhile.
    func whileNoneIsMade<Result>(_ body: ([LayerUser]) throws(EngineError) -> Result) throws(EngineError) -> Result {
        let hold: ImageStore.Hold?
        do throws(ImageError) { hold = try ImageStore(root: path).holdAlone() } catch { throw .image(error) }
        let result = try body(layerUsers())
        _ = consume hold
        return result
    }

    /// Takes a name from an image, or an image away.
    package func removeImage(_ word: String, force: Bool) throws(EngineError) -> [Removal] {
        let known = try? withImages { (store) throws(ImageError) in try store.image(named: word).id.description }
        let removals = try whileNoneIsMade { users throws(EngineError) in
            try withImages { (store) throws(ImageError) in try store.remove(word, users: users, force: force) }
        }
        for removal in removals {
            switch removal {
            case .untagged(let name): tell(.image, "untag", known ?? name, ["name": name])
            case .deleted(let digest): tell(.image, "delete", "\(digest)", ["name": "\(digest)"])
            }
        }
        return removals
    }

    /// Tells that an image came to be, or got a name.
    package func tellImage(_ action: String, _ id: Digest, _ reference: Reference?) {
        tell(.image, action, "\(id)", ["name": reference?.familiar ?? "\(id)"])
    }

    /// Removes the images that have no name, or with `all` those that no container runs on. Gives back what went, and how many bytes.
    package func pruneImages(all: Bool, _ filter: PruneFilter = PruneFilter()) throws(EngineError) -> (removals: [Removal], bytes: Int64) {
        let users = try layerUsers()
        let candidates = try withImages { (store) throws(ImageError) in try store.list() }.filter { all || $0.name == nil }
        var removals: [Removal] = []
        var bytes: Int64 = 0
        for listing in candidates {
            if let image = listing.image, users.contains(where: { $0.layers == image.layers }) { continue }
            guard filter.holds(for: listing.image) else { continue }
            do throws(EngineError) {
                let gone = try removeImage(listing.name ?? listing.manifestDigest.description, force: listing.name == nil)
                removals += gone
                if gone.contains(where: { if case .deleted = $0 { true } else { false } }) { bytes.add(size: listing.image?.size ?? 0) }
            } catch .image(.inUse) {
                // By a container that was made just now.
            } catch {
                // Several nameless entries of one image go together.
                guard error.isAbsence else { throw error }
            }
        }
        tellPrune(.image, bytes: bytes)
        return (removals, bytes)
    }
}
