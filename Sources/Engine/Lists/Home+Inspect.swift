// SPDX-License-Identifier: Apache-2.0
import Images
package import JSON
import OCI

/// What a word given to `inspect` may be.
package enum ObjectKind: String, CaseIterable, Sendable { case container, image, volume, network }

extension Home {
    /// What is known of the thing of that name: of one kind, or the first kind that has it.
    package func description(of word: String, as kind: ObjectKind?, withSize: Bool = false) throws(EngineError) -> JSONValue {
        var reason: EngineError?
        var near: String?
        for candidate in kind.map({ [$0] }) ?? ObjectKind.allCases {
            do throws(EngineError) {
                switch candidate {
                case .container: return try container(named: word).description(in: self, withSize: withSize)
                case .image: return try imageDescription(word)
                case .volume: return try volume(named: word).description
                case .network: return try description(of: network(named: word))
                }
            } catch {
                guard error.isAbsence else { throw error }
                near = near ?? error.near
                reason = error
            }
        }
        throw kind == nil ? .notFound(word, near: near, kind: "container, image, volume or network") : reason ?? .notFound(word)
    }

    private func imageDescription(_ word: String) throws(EngineError) -> JSONValue {
        do throws(ImageError) {
            let store = try ImageStore(root: path)
            let image = try store.image(named: word)
            return image.description(names: try store.list().filter { $0.image?.id == image.id })
        } catch {
            throw .image(error)
        }
    }
}

extension EngineError {
    /// Whether a thing is not there, as against one that cannot be read.
    package var isAbsence: Bool {
        switch self {
        case .notFound, .image(.notFound): true
        default: false
        }
    }

    /// A name that may have been meant.
    fileprivate var near: String? {
        switch self {
        case .notFound(_, let near, _): near
        case .image(.notFound(_, let near)): near.first
        default: nil
        }
    }
}

extension Image {
    /// In the shape of docker's API.
    func description(names: [ImageListing]) -> JSONValue {
        let references = names.compactMap(\.reference)
        let layers = layerPaths.reversed().map { $0 }
        var data = JSONObject()
        if let top = layers.first { data["UpperDir"] = .string(top) }
        if layers.count > 1 { data["LowerDir"] = .string(layers.dropFirst().joined(separator: ":")) }
        return [
            "Id": .string(id.description),
            "RepoTags": .texts(references.filter { $0.digest == nil }.map(\.familiar)),
            "RepoDigests": .texts(references.map { "\(Reference($0, digest: manifestDigest).familiar)" }),
            "Comment": .string(config.history?.last?.comment ?? ""),
            "Created": .string(config.created ?? ""),
            "Author": .string(config.author ?? ""),
            "Architecture": .string(config.architecture),
            "Os": .string(config.os),
            "Size": .int(size),
            "Config": configDescription,
            "GraphDriver": ["Name": "overlay", "Data": .object(data)],
            "RootFS": ["Type": "layers", "Layers": .texts(self.layers.map(\.description))],
            "Metadata": ["ManifestDigest": .string(manifestDigest.description)],
        ]
    }

    /// As it stands in the image, and what it leaves out empty, as docker shows it.
    private var configDescription: JSONValue {
        guard let coded = config.config.flatMap(JSONValue.init(coded:)), case .object(var object) = coded else { return [:] }
        for name in ["User", "WorkingDir"] where object[name] == nil { object[name] = "" }
        for name in ["Env", "Cmd", "Volumes", "Entrypoint", "OnBuild", "Labels"] where object[name] == nil { object[name] = .null }
        return .object(object)
    }
}

extension JSONValue {
    /// The value as it would be written.
    init?(coded value: some JSONCoded) {
        guard let bytes = try? JSONEncoder().encode(value), let document = try? JSONDocument(bytes),
            let read = try? JSONValue(document.root)
        else {
            return nil
        }
        self = read
    }
}
