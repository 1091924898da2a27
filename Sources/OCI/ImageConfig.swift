// SPDX-License-Identifier: Apache-2.0

/// How to run an image, and what it is made of (image-spec 1.1, config.md), with the fields docker adds.
package struct ImageConfig: Equatable, Sendable {
    /// RFC 3339.
    package var created: String?
    package var author: String?
    package var architecture: String
    package var os: String
    package var osVersion: String?
    package var osFeatures: [String]?
    package var variant: String?
    package var config: Config?
    package var rootfs: RootFS
    package var history: [History]?

    package init(
        created: String? = nil, author: String? = nil, architecture: String, os: String, osVersion: String? = nil,
        osFeatures: [String]? = nil, variant: String? = nil, config: Config? = nil, rootfs: RootFS = RootFS(), history: [History]? = nil
    ) {
        self.created = created
        self.author = author
        self.architecture = architecture
        self.os = os
        self.osVersion = osVersion
        self.osFeatures = osFeatures
        self.variant = variant
        self.config = config
        self.rootfs = rootfs
        self.history = history
    }
}

extension ImageConfig {
    /// Defaults for containers of this image.
    package struct Config: Equatable, Sendable {
        package var user: String?
        package var exposedPorts: [String: Empty]?
        package var env: [String]?
        package var entrypoint: [String]?
        package var cmd: [String]?
        package var volumes: [String: Empty]?
        package var workingDir: String?
        package var labels: [String: String]?
        package var stopSignal: String?
        package var shell: [String]?
        package var healthcheck: Healthcheck?
        package var onBuild: [String]?
        package var argsEscaped: Bool?

        package init(
            user: String? = nil, exposedPorts: [String: Empty]? = nil, env: [String]? = nil, entrypoint: [String]? = nil,
            cmd: [String]? = nil, volumes: [String: Empty]? = nil, workingDir: String? = nil, labels: [String: String]? = nil,
            stopSignal: String? = nil, shell: [String]? = nil, healthcheck: Healthcheck? = nil, onBuild: [String]? = nil,
            argsEscaped: Bool? = nil
        ) {
            self.user = user
            self.exposedPorts = exposedPorts
            self.env = env
            self.entrypoint = entrypoint
            self.cmd = cmd
            self.volumes = volumes
            self.workingDir = workingDir
            self.labels = labels
            self.stopSignal = stopSignal
            self.shell = shell
            self.healthcheck = healthcheck
            self.onBuild = onBuild
            self.argsEscaped = argsEscaped
        }
    }

    /// The `{}` behind every name in a set that Go writes as a map.
    package struct Empty: Equatable, Sendable {
        package init() {}
    }

    /// docker's `HEALTHCHECK`; times are nanoseconds.
    package struct Healthcheck: Equatable, Sendable {
        package var test: [String]?
        package var interval: Int64?
        package var timeout: Int64?
        package var startPeriod: Int64?
        package var startInterval: Int64?
        package var retries: Int?

        package init(
            test: [String]? = nil, interval: Int64? = nil, timeout: Int64? = nil, startPeriod: Int64? = nil, startInterval: Int64? = nil,
            retries: Int? = nil
        ) {
            self.test = test
            self.interval = interval
            self.timeout = timeout
            self.startPeriod = startPeriod
            self.startInterval = startInterval
            self.retries = retries
        }
    }

    /// The layers by the digests of their uncompressed tars, lowest first.
    package struct RootFS: Equatable, Sendable {
        package var type: String
        package var diffIDs: [Digest]

        package init(type: String = "layers", diffIDs: [Digest] = []) {
            self.type = type
            self.diffIDs = diffIDs
        }
    }

    /// One step of a build.
    package struct History: Equatable, Sendable {
        package var created: String?
        package var author: String?
        package var createdBy: String?
        package var comment: String?
        package var emptyLayer: Bool?

        package init(
            created: String? = nil, author: String? = nil, createdBy: String? = nil, comment: String? = nil, emptyLayer: Bool? = nil
        ) {
            self.created = created
            self.author = author
            self.createdBy = createdBy
            self.comment = comment
            self.emptyLayer = emptyLayer
        }
    }
}
