// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The name of an image as people write it, completed as docker does: `alpine` is `docker.io/library/alpine:latest`.
/// Every part keeps to docker's grammar, so none can leave the place in a path or a URL it is put into.
package struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// A host, with its port if it has one.
    package let registry: String
    package let repository: String
    /// `latest` if the text had neither tag nor digest.
    package let tag: String?
    package let digest: Digest?

    package init(_ text: String) throws(ReferenceError) {
        do {
            self = try Self(parsing: text[...])
        } catch {
            throw ReferenceError(text: text, reason: error.rawValue)
        }
    }

    /// The same repository at other content.
    package init(_ other: Reference, digest: Digest) {
        registry = other.registry
        repository = other.repository
        tag = nil
        self.digest = digest
    }

    package var name: String { "\(registry)/\(repository)" }

    package var description: String { name + suffix }

    /// The shortest text that reads back as the same reference, which is how docker shows it.
    package var familiar: String {
        guard registry == Self.hub else { return description }
        let isOfficial = repository.hasPrefix(Self.official) && !repository.dropFirst(Self.official.count).contains("/")
        return (isOfficial ? String(repository.dropFirst(Self.official.count)) : repository) + suffix
    }

    private var suffix: String {
        (tag.map { ":" + $0 } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    private static var hub: String { "docker.io" }
    private static var official: String { "library/" }
}

/// Why a text is not an image reference.
package struct ReferenceError: Error, Equatable, CustomStringConvertible {
    package let text: String
    package let reason: String

    package var description: String { "\(quoted(text)) is not an image reference: \(reason)" }
}

// MARK: - grammar

/// The parts a text can fail in.
private enum Fault: String, Error {
    case empty = "it is empty"
    case length = "the name may have 255 characters"
    case registry = "the registry must be a host name or address, with a port from 0 to 65535 or none"
    case upperCase = "the repository must be lower case"
    case repository = "the repository's parts are lower-case letters and digits, separated by one '.', one or two '_', or '-'"
    case identifier = "64 hexadecimal digits are an id, not a name"
    case tag = "a tag is at most 128 letters, digits, '_', '.' and '-', and starts with none of the last two"
    case digest = "what follows '@' must be sha256: and 64 lower-case hexadecimal digits"
}

extension Reference {
    private init(parsing text: Substring) throws(Fault) {
        guard !text.isEmpty else { throw .empty }
        // 255 for the name, 129 with the tag, 136 with the longest digest.
        guard text.utf8.count <= 255 + 129 + 136 else { throw .length }
        var name = text
        var tag: String?
        digest = try Self.cutDigest(from: &name)
        if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
            tag = String(name[name.index(after: colon)...])
            name = name[..<colon]
        }
        if let tag, !isTag(tag) { throw .tag }
        self.tag = tag ?? (digest == nil ? "latest" : nil)
        (registry, repository) = try Self.split(name)
        guard registry.utf8.count + 1 + repository.utf8.count <= 255 else { throw .length }
    }

    private static func cutDigest(from name: inout Substring) throws(Fault) -> Digest? {
        guard let at = name.firstIndex(of: "@") else { return nil }
        guard let digest = Digest(String(name[name.index(after: at)...])) else { throw .digest }
        name = name[..<at]
        return digest
    }

    /// The first part is a registry if it could not be part of a repository, or is `localhost`.
    private static func split(_ name: Substring) throws(Fault) -> (registry: String, repository: String) {
        var registry = hub
        var repository = String(name)
        if let slash = name.firstIndex(of: "/") {
            let first = name[..<slash]
            if first == "localhost" || first.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") || isUpperCase($0) })
            {
                guard isRegistry(first) else { throw .registry }
                registry = first == "index.docker.io" ? hub : String(first)
                repository = String(name[name.index(after: slash)...])
            }
        }
        guard !repository.utf8.contains(where: isUpperCase) else { throw .upperCase }
        guard repository.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isPathComponent) else {
            throw .repository
        }
        guard Digest(hex: String(name)) == nil else { throw .identifier }
        if registry == hub, !repository.utf8.contains(UInt8(ascii: "/")) { repository = official + repository }
        return (registry, repository)
    }
}

private func isUpperCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
private func isLowerCaseOrDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || isDigit(byte) }
private func isAlphanumeric(_ byte: UInt8) -> Bool { isLowerCaseOrDigit(byte) || isUpperCase(byte) }

private func isTag(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 128, isAlphanumeric(first) || first == UInt8(ascii: "_") else { return false }
    return text.utf8.allSatisfy {
        isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-")
    }
}

/// Lower-case letters and digits, between them `.`, `_`, `__` or any number of `-`.
private func isPathComponent(_ text: Substring.UTF8View) -> Bool {
    var rest = text[...]
    while let end = rest.firstIndex(where: { !isLowerCaseOrDigit($0) }) {
        guard end > rest.startIndex, let next = rest[end...].firstIndex(where: isLowerCaseOrDigit) else { return false }
        let separator = rest[end..<next]
        guard
            ["." as Substring, "_", "__"].contains(where: { $0.utf8.elementsEqual(separator) })
                || separator.allSatisfy({ $0 == UInt8(ascii: "-") })
        else { return false }
        rest = rest[next...]
    }
    return !rest.isEmpty
}

/// `host`, `host:5000`, `[::1]:5000`.
private func isRegistry(_ text: Substring) -> Bool {
    if text.first == "[" {
        guard let bracket = text.firstIndex(of: "]") else { return false }
        let address = text[text.index(after: text.startIndex)..<bracket]
        let isAddress =
            !address.isEmpty
            && address.utf8.allSatisfy {
                isDigit($0) || $0 == UInt8(ascii: ":") || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
            }
        let port = text[text.index(after: bracket)...]
        return isAddress && (port.isEmpty || port.first == ":" && isPort(port.dropFirst()))
    }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard let host = parts.first, parts.count == 1 || isPort(parts[1]) else { return false }
    return host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
        guard let first = label.first, let last = label.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }
}

private func isPort(_ text: Substring) -> Bool { text.utf8.allSatisfy(isDigit) && UInt16(text) != nil }

// MARK: - JSON

extension Reference: JSONCoded {
    package init(json: JSONNode) throws(JSONError) {
        do {
            try self.init(String(json: json))
        } catch let error as JSONError {
            throw error
        } catch {
            throw .mismatch(path: json.path, reason: "\(error)")
        }
    }

    package func write(to text: inout JSONText) { text.string(description) }
}
