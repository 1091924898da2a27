// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
package import OCI

extension ImageStore {
    /// The table of contents; empty where the layout has not been made yet.
    func readIndex() throws(ImageError) -> Index {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read("index.json", at: directory.place)
        } catch {
            guard error.errno == ENOENT else { throw .system(error) }
            return Index()
        }
        do throws(JSONError) {
            return try JSONDecoder().decode(Index.self, from: bytes)
        } catch {
            throw .invalid("images/index.json", why: error.description)
        }
    }

    /// Changes the table of contents. The new table is on the disk when this returns.
    /// Every other change of the store that a killed process must not leave half done happens inside too.
    func changeIndex<Result>(_ change: (inout Index) throws(ImageError) -> Result) throws(ImageError) -> Result {
        let lock = try Lock(self)
        var index = try readIndex()
        let before = index
        let result = try change(&index)
        if index != before { try lock.write(index) }
        return result
    }

    /// The right to change the store, held until it goes away. Whoever gets it first clears away what the dead left.
    struct Lock: ~Copyable {
        private let directory: FileDescriptor

        init(_ store: borrowing ImageStore) throws(ImageError) {
            // A descriptor of its own: one that is shared would share the lock.
            let place = store.directory.place
            let lock = try attempt { () throws(SystemError) in
                let directory = try FileDescriptor(opening: ".", at: place, .directory)
                _ = try directory.lock(wait: true)
                return directory
            }
            try store.makeLayout()
            try store.sweep()
            directory = lock
        }

        func write(_ index: Index) throws(ImageError) {
            let bytes = try encoded(index, "images/index.json")
            try attempt { () throws(SystemError) in
                try File.replace("index.json", at: directory.place, with: bytes, durable: true)
            }
        }
    }

    /// Makes what an image layout must have (image-spec, image-layout.md).
    private func makeLayout() throws(ImageError) {
        let layout = try encoded(ImageLayout(), "oci-layout")
        let index = try encoded(Index(), "images/index.json")
        try attempt { [place = directory.place] () throws(SystemError) in
            for name in ["blobs", "blobs/sha256", "unpacked", "unpacked/sha256"] { try Directory.make(name, at: place) }
            for (name, bytes) in [("index.json", index), ("oci-layout", layout)] where try place.status(of: name) == nil {
                try File.replace(name, at: place, with: bytes, durable: true)
            }
        }
    }
}

func encoded(_ value: some JSONCoded, _ what: String) throws(ImageError) -> [UInt8] {
    do throws(JSONError) {
        return try JSONEncoder().encode(value)
    } catch {
        throw .invalid(what, why: error.description)
    }
}

extension Descriptor {
    private static var key: String { "org.opencontainers.image.ref.name" }

    /// The name under which the layout lists it.
    package var name: String? {
        get { annotations?[Self.key] }
        set {
            annotations = annotations ?? [:]
            annotations?[Self.key] = newValue
            if annotations?.isEmpty == true { annotations = nil }
        }
    }

    /// The name as docker reads it.
    var reference: Reference? {
        guard let name else { return nil }
        do throws(ReferenceError) {
            return try Reference(name)
        } catch {
            return nil
        }
    }
}

extension Reference {
    /// The name it gets in an image layout: docker's short form, without the tag that goes without saying,
    /// so that `skopeo inspect oci:images:alpine` and `oci:images:alpine:3.20` find it.
    var layoutName: String {
        digest == nil && tag == "latest" ? String(familiar.dropLast(":latest".utf8.count)) : familiar
    }
}

extension Index {
    /// The entry of that name, or of that reference however it is spelled. The later of two wins, as other tools append.
    func entry(named text: String) -> Descriptor? {
        if let exact = manifests.last(where: { $0.name == text }) { return exact }
        guard let wanted = try? Reference(text) else { return nil }
        if let digest = wanted.digest {
            return manifests.last { $0.digest == digest && $0.reference?.name == wanted.name }
        }
        return manifests.last { $0.reference == wanted }
    }

    /// Lists a manifest without a name, unless it is listed already.
    mutating func add(_ descriptor: Descriptor) {
        if !manifests.contains(where: { $0.digest == descriptor.digest }) { manifests.append(descriptor) }
    }

    /// Gives a name to a manifest; the one that had it stays without, unless it has another.
    mutating func name(_ descriptor: Descriptor, _ reference: Reference) {
        var descriptor = descriptor
        descriptor.name = reference.layoutName
        for index in manifests.indices where manifests[index].reference == reference { manifests[index].name = nil }
        manifests.append(descriptor)
        var seen = Set(manifests.filter { $0.name != nil }.map(\.digest))
        manifests.removeAll { $0.name == nil && !seen.insert($0.digest).inserted }
    }

    /// Names that a person may have meant.
    func names(near text: String) -> [String] {
        let text = text.lowercased()
        guard !text.isEmpty else { return [] }
        // Only names that docker accepts: others might not be fit for a terminal.
        let names = manifests.filter { $0.reference != nil }.compactMap(\.name)
        return Array(
            names.filter { name in
                let name = name.lowercased()
                return name.hasPrefix(text) || text.hasPrefix(name) || name.hasSuffix("/" + text)
                    || name.isOneSlip(from: text)
            }.prefix(3))
    }
}
