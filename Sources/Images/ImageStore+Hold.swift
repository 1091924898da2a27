// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

extension ImageStore {
    /// The right to what is unpacked, on `unpacked/`. Many may make containers of it at once; until one is written down nobody could know
    /// what it needs, so whoever takes trees away does it alone. Who only adds some takes part in neither.
    ///
    /// It goes with its process and with all that were forked from it meanwhile. Taken before the store's own lock.
    package struct Hold: ~Copyable {
        private let directory: FileDescriptor

        fileprivate init(_ store: borrowing ImageStore, exclusive: Bool) throws(ImageError) {
            directory = try attempt { [place = store.directory.place] () throws(SystemError) in
                let directory = try FileDescriptor(opening: "unpacked", at: place, [.directory, .noFollow])
                _ = try directory.lock(exclusive: exclusive, wait: true)
                return directory
            }
        }

        fileprivate func has(_ image: Image) -> Bool {
            image.layers.allSatisfy { faccessat(directory.raw, "sha256/\($0.hex)", F_OK, 0) == 0 }
        }

        /// Lets go, for the forks too.
        package consuming func end() { directory.unlock() }
    }

    /// Holds an image that was unpacked just now, to make a container of it. One that was removed since is not found.
    package func hold(_ image: Image, named name: String) throws(ImageError) -> Hold {
        let hold = try Hold(self, exclusive: false)
        guard hold.has(image) else { throw .notFound(name: name, near: []) }
        return hold
    }

    /// Waits until no container is in the making. Nil where there never was anything unpacked.
    package func holdAlone() throws(ImageError) -> Hold? {
        do throws(ImageError) {
            return try Hold(self, exclusive: true)
        } catch .system(let error) where error.errno == ENOENT {
            return nil
        }
    }
}
