// SPDX-License-Identifier: Apache-2.0

package import JSON

extension Descriptor: JSONRecord {
    package init(_: JSONBlank) { self.init(mediaType: "", digest: .blank, size: 0) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("mediaType", &mediaType)
        try json("digest", &digest)
        try json("size", &size)
        try json("urls", &urls)
        try json("annotations", &annotations)
        try json("data", &data)
        try json("platform", &platform)
        try json("artifactType", &artifactType)
    }
}

extension Platform: JSONRecord {
    package init(_: JSONBlank) { self.init(architecture: "", os: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("architecture", &architecture)
        try json("os", &os)
        try json("os.version", &osVersion)
        try json("os.features", &osFeatures)
        try json("variant", &variant)
    }
}

extension Index: JSONRecord {
    package init(_: JSONBlank) { self.init(schemaVersion: 0, manifests: []) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("schemaVersion", &schemaVersion)
        try json("mediaType", &mediaType)
        try json("artifactType", &artifactType)
        try json("manifests", &manifests)
        try json("subject", &subject)
        try json("annotations", &annotations)
    }
}

extension Manifest: JSONRecord {
    package init(_ blank: JSONBlank) { self.init(schemaVersion: 0, config: Descriptor(blank), layers: []) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("schemaVersion", &schemaVersion)
        try json("mediaType", &mediaType)
        try json("artifactType", &artifactType)
        try json("config", &config)
        try json("layers", &layers)
        try json("subject", &subject)
        try json("annotations", &annotations)
    }
}

extension ImageLayout: JSONRecord {
    package init(_: JSONBlank) { self.init(imageLayoutVersion: "") }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("imageLayoutVersion", &imageLayoutVersion)
    }
}

extension ImageConfig: JSONRecord {
    package init(_ blank: JSONBlank) { self.init(architecture: "", os: "", rootfs: RootFS(blank)) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("created", &created)
        try json("author", &author)
        try json("architecture", &architecture)
        try json("os", &os)
        try json("os.version", &osVersion)
        try json("os.features", &osFeatures)
        try json("variant", &variant)
        try json("config", &config)
        try json("rootfs", &rootfs)
        try json("history", &history)
    }
}

extension ImageConfig.Config: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("User", &user)
        try json("ExposedPorts", &exposedPorts)
        try json("Env", &env)
        try json("Entrypoint", &entrypoint)
        try json("Cmd", &cmd)
        try json("Volumes", &volumes)
        try json("WorkingDir", &workingDir)
        try json("Labels", &labels)
        try json("StopSignal", &stopSignal)
        try json("Shell", &shell)
        try json("Healthcheck", &healthcheck)
        try json("OnBuild", &onBuild)
        try json("ArgsEscaped", &argsEscaped)
    }
}

extension ImageConfig.Healthcheck: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("Test", &test)
        try json("Interval", &interval)
        try json("Timeout", &timeout)
        try json("StartPeriod", &startPeriod)
        try json("StartInterval", &startInterval)
        try json("Retries", &retries)
    }
}

extension ImageConfig.RootFS: JSONRecord {
    package init(_: JSONBlank) { self.init(type: "", diffIDs: []) }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("type", &type)
        try json("diff_ids", &diffIDs)
    }
}

extension ImageConfig.History: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    package mutating func members(_ json: inout JSONMembers) throws(JSONError) {
        try json("created", &created)
        try json("author", &author)
        try json("created_by", &createdBy)
        try json("comment", &comment)
        try json("empty_layer", &emptyLayer)
    }
}

extension ImageConfig.Empty: JSONRecord {
    package init(_: JSONBlank) { self.init() }

    /// Whatever stands behind the name, Go reads it as a member of the set.
    package init(json: JSONNode) { self.init() }

    package func members(_ json: inout JSONMembers) {}
}
