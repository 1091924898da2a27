// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

extension MountRequest {
    /// `-v`: `DIR`, `SOURCE:DIR`, `SOURCE:DIR:OPTIONS`.
    init(volume text: String) throws(UsageError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, !parts.contains("") else { throw UsageError("'\(text)' is not [SOURCE:]DIR[:OPTIONS]") }
        if parts.count == 1 {
            self.init(kind: .volume(name: nil), destination: parts[0])
        } else {
            self.init(kind: try Kind(word: parts[0], createsSource: true), destination: parts[1])
        }
        try checkDestination()
        for word in parts.count > 2 ? parts[2].split(separator: ",").map(String.init) : [] { try readVolumeOption(word) }
    }

    /// `mount add`: a source and `DIR[:OPTIONS]`. What is not there is not made: nobody means that of a container that runs.
    init(source: String, target: String) throws(UsageError) {
        let parts = target.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let directory = parts.first, parts.count <= 2, !parts.contains(""), !source.isEmpty else {
            throw UsageError("'\(target)' is not DIR[:OPTIONS]")
        }
        self.init(kind: try Kind(word: source, createsSource: false), destination: directory)
        try checkDestination()
        for word in parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : [] { try readVolumeOption(word) }
    }

    private mutating func readVolumeOption(_ word: String) throws(UsageError) {
        switch word {
        case "ro": isReadOnly = true
        case "rw", "rbind", "z", "Z", "idmap", "consistent", "cached", "delegated": break
        case "nocopy": copiesUp = false
        case "private", "rprivate", "slave", "rslave", "shared", "rshared", "bind", "noexec", "nosuid", "nodev", "exec", "suid", "dev":
            options.append(word)
        default: throw UsageError("unknown volume option '\(word)'")
        }
    }

    /// `--mount`: comma-separated keys and values.
    init(mount text: String) throws(UsageError) {
        let fields = try MountFields(text)
        guard let target = fields.target, !target.isEmpty else { throw UsageError("'\(text)' has no target=DIR") }
        switch fields.type {
        case "bind":
            guard let source = fields.source, !source.isEmpty else { throw UsageError("type=bind needs source=PATH") }
            self.init(kind: .bind(source: source, createsSource: false), destination: target)
        case "volume": self.init(kind: .volume(name: fields.source), destination: target)
        case "tmpfs": self.init(kind: .tmpfs, destination: target)
        default: throw UsageError("'\(fields.type)' is no type of mount, known are bind, volume and tmpfs")
        }
        isReadOnly = fields.isReadOnly
        options = fields.options
        copiesUp = fields.copiesUp
        definition = fields.definition
        try checkDestination()
    }

    /// `--tmpfs`: `DIR` or `DIR:OPTIONS`.
    init(tmpfs text: String) throws(UsageError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        self.init(kind: .tmpfs, destination: parts[0])
        try checkDestination()
        for word in parts.count > 1 ? parts[1].split(separator: ",").map(String.init) : [] {
            switch word.prefix(while: { $0 != "=" }) {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            case "size" where !Self.isSize(word.dropFirst(5)): throw UsageError("'\(word)' is no size, such as size=64m or size=50%")
            case "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "noatime",
                "relatime":
                options.append(word)
            default: throw UsageError("unknown tmpfs option '\(word)'")
            }
        }
    }

    /// tmpfs(5): a number with k, m or g, or a share of the machine's memory.
    private static func isSize(_ text: Substring) -> Bool {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        return !digits.isEmpty && ["", "k", "m", "g", "t", "p", "e", "%"].contains(text.dropFirst(digits.count).lowercased())
    }

    var isInMemory: Bool {
        switch kind {
        case .tmpfs: true
        default: false
        }
    }

    private func checkDestination() throws(UsageError) {
        let parts = destination.pathComponents
        guard destination.isAbsolutePath, !destination.utf8.contains(0) else {
            throw UsageError("the destination '\(destination)' is not an absolute path")
        }
        guard !parts.isEmpty else { throw UsageError("nothing can be mounted at '\(destination)'") }
        guard !parts.contains("..") else { throw UsageError("the destination '\(destination)' leads upwards; write it without '..'") }
    }
}

extension MountRequest.Kind {
    /// A word with a slash is a folder or file, any other a volume's name. One that is made if it is missing has to begin as a path, as with
    /// docker: a slip of the pen, or a `~` that no shell has read, would else be a new folder somewhere.
    fileprivate init(word: String, createsSource: Bool) throws(UsageError) {
        let begins = word.isAbsolutePath || word.pathComponents.first == "." || word.pathComponents.first == ".."
        let isPath = begins || word.utf8.contains(UInt8(ascii: "/"))
        guard begins || !isPath || !createsSource else {
            throw UsageError("'\(word)' is no volume's name, and a path of this machine's begins with / or ./")
        }
        self = isPath ? .bind(source: word, createsSource: createsSource) : .volume(name: word)
    }
}

extension Lender {
    /// `--volumes-from`: `CONTAINER` or `CONTAINER:OPTIONS`.
    init(word text: String) throws(UsageError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard let container = parts.first, !container.isEmpty, parts.count <= 2 else {
            throw UsageError("'\(text)' is not CONTAINER[:ro|rw]")
        }
        self.init(container: container, isReadOnly: false)
        for word in parts.count > 1 ? parts[1].split(separator: ",", omittingEmptySubsequences: false) : [] {
            switch word {
            case "ro": isReadOnly = true
            case "rw": isReadOnly = false
            case "z", "Z", "nocopy": break
            default: throw UsageError("unknown option '\(word)' in '\(text)': a container's mounts are lent ro or rw")
            }
        }
    }
}
