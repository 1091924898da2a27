// SPDX-License-Identifier: Apache-2.0

/// A reference to content by what it is (image-spec 1.1, descriptor.md).
package struct Descriptor: Equatable, Sendable {
    package var mediaType: String
    package var digest: Digest
    /// Bytes. From a stranger it may be negative.
    package var size: Int64
    package var urls: [String]?
    package var annotations: [String: String]?
    /// The content itself, in base64.
    package var data: String?
    package var platform: Platform?
    package var artifactType: String?

    package init(
        mediaType: String, digest: Digest, size: Int64, urls: [String]? = nil, annotations: [String: String]? = nil, data: String? = nil,
        platform: Platform? = nil, artifactType: String? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.urls = urls
        self.annotations = annotations
        self.data = data
        self.platform = platform
        self.artifactType = artifactType
    }
}

/// A list of manifests: one image for several platforms, or the table of contents of an image layout.
package struct Index: Equatable, Sendable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var artifactType: String?
    package var manifests: [Descriptor]
    package var subject: Descriptor?
    package var annotations: [String: String]?

    package init(
        schemaVersion: Int = 2, mediaType: String? = nil, artifactType: String? = nil, manifests: [Descriptor] = [],
        subject: Descriptor? = nil, annotations: [String: String]? = nil
    ) {
        self.schemaVersion = schemaVersion
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.manifests = manifests
        self.subject = subject
        self.annotations = annotations
    }
}

/// One image: its configuration and its layers, lowest first.
package struct Manifest: Equatable, Sendable {
    package var schemaVersion: Int
    package var mediaType: String?
    package var artifactType: String?
    package var config: Descriptor
    package var layers: [Descriptor]
    package var subject: Descriptor?
    package var annotations: [String: String]?

    package init(
        schemaVersion: Int = 2, mediaType: String? = nil, artifactType: String? = nil, config: Descriptor, layers: [Descriptor] = [],
        subject: Descriptor? = nil, annotations: [String: String]? = nil
    ) {
        self.schemaVersion = schemaVersion
        self.mediaType = mediaType
        self.artifactType = artifactType
        self.config = config
        self.layers = layers
        self.subject = subject
        self.annotations = annotations
    }
}

/// The file `oci-layout` that marks an image layout.
package struct ImageLayout: Equatable, Sendable {
    package var imageLayoutVersion: String

    package init(imageLayoutVersion: String = "1.0.0") {
        self.imageLayoutVersion = imageLayoutVersion
    }
}

extension Descriptor {
    /// Whether it leads to a list of images, one for each platform, or of other lists.
    package var isList: Bool { mediaType == MediaType.index || mediaType == MediaType.dockerManifestList }
}

/// The media types of the image specification, and docker's for the same things.
package enum MediaType {
    package static var index: String { "application/vnd.oci.image.index.v1+json" }
    package static var manifest: String { "application/vnd.oci.image.manifest.v1+json" }
    package static var config: String { "application/vnd.oci.image.config.v1+json" }
    package static var layer: String { "application/vnd.oci.image.layer.v1.tar" }
    package static var layerGzip: String { "application/vnd.oci.image.layer.v1.tar+gzip" }
    package static var dockerManifestList: String { "application/vnd.docker.distribution.manifest.list.v2+json" }
}
