// SPDX-License-Identifier: Apache-2.0
import Linux
package import OCI

/// An image as a container needs it: how to run it, and the layers to run it on.
package struct Image: Sendable {
    /// The digest of its configuration, as docker counts images.
    package let id: Digest
    /// The name it was found by; nil if it has none, or one that docker would not accept.
    package let reference: Reference?
    /// The digest of its manifest.
    package let manifestDigest: Digest
    package let config: ImageConfig
    /// Diff ids, lowest layer first.
    package let layers: [Digest]
    /// Where the layers' trees are once unpacked, lowest first.
    package let layerPaths: [String]
    /// The layers as stored, in the order of `layers`.
    let blobs: [Descriptor]

    /// What it says that its programs run on.
    package var platform: Platform { Platform(architecture: config.architecture, os: config.os, variant: config.variant) }

    /// Bytes of the layers as stored.
    package var size: Int64 { size { _ in true } }

    /// The same of those layers alone.
    package func size(ofLayers isCounted: (Digest) -> Bool) -> Int64 {
        zip(layers, blobs).reduce(into: 0) { if isCounted($1.0) { $0.add(size: $1.1.size) } }
    }
}

/// A name in the store, or an image without one: one row of `minictl images`.
package struct ImageListing: Sendable {
    /// Nil for an image that lost its name to another.
    package let name: String?
    package let reference: Reference?
    package let manifestDigest: Digest
    /// Nil where the image's files are damaged or of another machine.
    package let image: Image?
}

/// A container, as far as the image store must know it.
package struct LayerUser: Sendable {
    package let name: String
    /// Diff ids of the layers it runs on.
    package let layers: [Digest]

    package init(name: String, layers: [Digest]) {
        self.name = name
        self.layers = layers
    }
}

/// What a removal did, in docker's words.
package enum Removal: Equatable, Sendable {
    case untagged(String)
    case deleted(Digest)
}
