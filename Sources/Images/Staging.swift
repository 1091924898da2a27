// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// The folder `unpacked/.tmp-…` that one import or unpacking works in, locked as long as its process lives.
///
///     tree/           the layer being unpacked
///     blobs/<hex>     blobs on their way into the layout, linked there, so that a dead import's are known by name
///     trees/<hex>     one empty file for each tree that was moved into place
///
/// The first writer to find it without a living owner undoes what the index does not mention, and removes it.
struct Staging: ~Copyable {
    let directory: FileDescriptor
    private let parent: FileDescriptor
    private let name: String

    init(in store: borrowing ImageStore) throws(ImageError) {
        // Under the store's lock, or a sweep might come between making the folder and locking it.
        let lock = try ImageStore.Lock(store)
        let place = store.directory.place
        let parent = try attempt { () throws(SystemError) in try FileDescriptor(opening: "unpacked", at: place, .directory) }
        var number: UInt64 = 0
        getentropy(&number, 8)
        let name = ".tmp-" + String(number, radix: 16)
        let directory = try attempt { [parent = parent.place] () throws(SystemError) in
            try parent.makeDirectory(name)
            let directory = try FileDescriptor(opening: name, at: parent, .directory)
            _ = try directory.lock(wait: false)
            for name in ["tree", "blobs", "trees"] { try directory.place.makeDirectory(name) }
            // The root of a layer that says nothing about it; whoever runs in the container must get through.
            try directory.place.setPermissions(of: "tree", 0o755)
            return directory
        }
        _ = consume lock
        self.parent = parent
        self.name = name
        self.directory = directory
    }

    deinit {
        // Where this fails, the next writer's sweep takes over.
        do throws(SystemError) { try Directory.removeAll(name, at: parent.place) } catch {}
    }

    /// The layer's root.
    func openTree() throws(ImageError) -> FileDescriptor {
        try attempt { [place = directory.place] () throws(SystemError) in try FileDescriptor(opening: "tree", at: place, .directory) }
    }

    /// Stores a small blob, to be moved into the layout.
    func add(_ bytes: [UInt8]) throws(ImageError) -> Digest {
        let digest = SHA256.digest(of: bytes)
        try attempt { [place = directory.place] () throws(SystemError) in
            let blobs = try FileDescriptor(opening: "blobs", at: place, .directory)
            try File.replace(digest.hex, at: blobs.place, with: bytes)
        }
        return digest
    }

    /// Moves what was made into the store, which must be locked. Whatever is there already is the same, and stays.
    func commit(tree diffID: Digest, to store: Place, durable: Bool) throws(ImageError) {
        let place = directory.place
        try attempt { () throws(SystemError) in
            if durable { try directory.synchronizeFileSystem() }
            for blob in try FileDescriptor(opening: "blobs", at: place, .directory).entries() {
                do throws(SystemError) {
                    try place.link("blobs/\(blob.name)", to: store, "blobs/sha256/\(blob.name)")
                } catch  where error.errno == EEXIST {
                    try place.unlink("blobs/\(blob.name)")
                }
            }
            guard try store.status(of: "unpacked/sha256/\(diffID.hex)") == nil else { return }
            _ = try FileDescriptor(opening: "trees/\(diffID.hex)", at: place, [.writeOnly, .create, .exclusive], mode: 0o600)
            try place.rename("tree", to: store, "unpacked/sha256/\(diffID.hex)")
        }
    }
}

extension ImageStore {
    /// Clears away what killed processes left. The store is locked.
    func sweep() throws(ImageError) {
        let unpacked = try attempt { [place = directory.place] () throws(SystemError) in
            try FileDescriptor(opening: "unpacked", at: place, .directory)
        }
        let names = try attempt { () throws(SystemError) in try unpacked.entries() }.map(\.name).filter { $0.hasPrefix(".tmp-") }
        for name in names {
            let place = unpacked.place
            let found = try attempt { () throws(SystemError) -> FileDescriptor? in
                do throws(SystemError) {
                    return try FileDescriptor(opening: name, at: place, [.directory, .noFollow])
                } catch  where error.errno == ENOENT {
                    return nil
                }
            }
            // Its owner may have been done with it just now.
            guard let staging = found else { continue }
            guard try attempt({ () throws(SystemError) in try staging.lock(wait: false) }) else { continue }
            try undo(staging)
            try attempt { () throws(SystemError) in try Directory.removeAll(name, at: place) }
        }
    }

    /// Removes what a staging folder names and the index does not mention. The store is locked.
    func undo(_ staging: borrowing FileDescriptor) throws(ImageError) {
        let blobs = try names(in: "blobs", of: staging)
        let trees = try names(in: "trees", of: staging)
        guard !blobs.isEmpty || !trees.isEmpty else { return }
        let used = try usage(of: readIndex())
        try attempt { [place = directory.place] () throws(SystemError) in
            for hex in blobs where !used.blobs.contains(hex) {
                // The same file and not one of the same name that somebody else is about to mention.
                let mine = try staging.place.status(of: "blobs/\(hex)")
                let stored = try place.status(of: "blobs/sha256/\(hex)")
                if let mine, let stored, mine.inode == stored.inode { try place.unlink("blobs/sha256/\(hex)") }
            }
            // Out of the store at once; from the disk with the folder.
            for hex in trees where !used.trees.contains(hex) {
                do throws(SystemError) {
                    try place.rename("unpacked/sha256/\(hex)", to: staging.place, "gone-\(hex)")
                } catch  where error.errno == ENOENT {} catch  where error.errno == EXDEV {
                    // On an overlay, whose lower directories cannot be renamed.
                    try Directory.removeAll("unpacked/sha256/\(hex)", at: place)
                }
            }
        }
    }

    private func names(in folder: String, of staging: borrowing FileDescriptor) throws(ImageError) -> [String] {
        try attempt { [place = staging.place] () throws(SystemError) in
            do throws(SystemError) {
                // Only what is a digest can name a file of the store.
                return try FileDescriptor(opening: folder, at: place, .directory).entries().map(\.name).filter { Digest(hex: $0) != nil }
            } catch  where error.errno == ENOENT {
                return []
            }
        }
    }
}
