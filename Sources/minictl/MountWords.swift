// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

extension MountRequest {
    /// `-v`: `DIR`, `SOURCE:DIR`, `SOURCE:DIR:OPTIONS`. A source with a slash is a folder, any other a volume's name.
    init(volume text: String) throws(UsageError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 3, !parts.contains("") else { throw UsageError("'\(text)' is not [SOURCE:]DIR[:OPTIONS]") }
        if parts.count == 1 {
            self.init(kind: .volume(name: nil), destination: parts[0])
        } else if parts[0].contains("/") || parts[0] == "." || parts[0] == ".." {
            self.init(kind: .bind(source: parts[0], createsSource: true), destination: parts[1])
        } else {
            self.init(kind: .volume(name: parts[0]), destination: parts[1])
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
        let isPath = source.contains("/") || source == "." || source == ".."
        self.init(kind: isPath ? .bind(source: source, createsSource: false) : .volume(name: source), destination: directory)
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
        var type = "volume"
        var source: String?
        var target: String?
        var isReadOnly = false
        var options: [String] = []
        var copiesUp = true
        var definition = VolumeDefinition()
        // Those that the options are for, as their names begin with them.
        var kinds: [String] = []
        for field in try CommaFields(text).fields {
            let equals = field.firstIndex(of: "=")
            let key = String(field[..<(equals ?? field.endIndex)])
            let value = equals.map { String(field[field.index(after: $0)...]) }
            if let hyphen = key.firstIndex(of: "-") { kinds.append(String(key[..<hyphen])) }
            switch key {
            case "type": type = value ?? ""
            case "source", "src": source = value
            case "target", "destination", "dst": target = value
            case "readonly", "ro": isReadOnly = try Self.flag(value, key)
            case "rw": isReadOnly = try !Self.flag(value, key)
            case "bind-propagation": options.append(value ?? "")
            case "volume-nocopy": copiesUp = try !Self.flag(value, key)
            case "volume-driver": try VolumeDriver.check(value ?? "")
            case "volume-label": definition.addLabel(try KeyValue(value ?? ""))
            case "volume-opt": definition.addOption(try KeyValue(value ?? "", requiresValue: true))
            case "volume-subpath":
                throw UsageError("a part of a volume cannot be mounted: what is in it is its containers' and may change under way")
            case "tmpfs-size": options.append("size=\(try ByteSize(value ?? "").bytes)")
            case "tmpfs-mode":
                guard let mode = UInt32(value ?? "", radix: 8), mode <= 0o7777 else {
                    throw UsageError("tmpfs-mode '\(value ?? "")' is not an octal mode")
                }
                options.append("mode=\(String(mode, radix: 8))")
            case "bind-nonrecursive": if try Self.flag(value, key) { options.append("bind") }
            case "bind-recursive": if try !Self.isRecursive(value ?? "") { options.append("bind") }
            case "consistency": break
            default:
                throw UsageError(
                    "unknown key '\(key)' in --mount, known are type, source, target, readonly, bind-propagation, volume-nocopy, volume-label, volume-opt, tmpfs-size, tmpfs-mode"
                )
            }
        }
        guard let target, !target.isEmpty else { throw UsageError("--mount needs target=DIR") }
        if let kind = kinds.first(where: { $0 != type }) {
            throw UsageError("cannot mix '\(kind)-*' options with mount type '\(type)'")
        }
        switch type {
        case "bind":
            guard let source, !source.isEmpty else { throw UsageError("--mount type=bind needs source=") }
            self.init(kind: .bind(source: source, createsSource: false), destination: target)
        case "volume": self.init(kind: .volume(name: source), destination: target)
        case "tmpfs":
            guard source == nil else { throw UsageError("--mount type=tmpfs has no source") }
            self.init(kind: .tmpfs, destination: target)
        default: throw UsageError("'\(type)' is no type of mount, known are bind, volume and tmpfs")
        }
        self.isReadOnly = isReadOnly
        self.options = options
        self.copiesUp = copiesUp
        self.definition = definition
        try checkDestination()
    }

    private static func flag(_ value: String?, _ key: String) throws(UsageError) -> Bool {
        switch value {
        case nil, "true", "1": return true
        case "false", "0": return false
        default: throw UsageError("\(key) is true or false, not '\(value ?? "")'")
        }
    }

    private static func isRecursive(_ value: String) throws(UsageError) -> Bool {
        switch value {
        case "enabled", "readonly": return true
        case "disabled": return false
        case "writable":
            throw UsageError("bind-recursive=writable cannot be had: whatever lies below a read-only mount is read-only here")
        default: throw UsageError("bind-recursive is enabled, disabled or readonly, not '\(value)'")
        }
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
            case "size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "noatime",
                "relatime":
                options.append(word)
            default: throw UsageError("unknown tmpfs option '\(word)'")
            }
        }
    }

    private func checkDestination() throws(UsageError) {
        let parts = destination.pathComponents
        guard destination.isAbsolutePath, !destination.utf8.contains(0) else {
            throw UsageError("the destination '\(destination)' is not an absolute path")
        }
        guard !parts.isEmpty, !parts.contains("..") else { throw UsageError("nothing can be mounted at '\(destination)'") }
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

extension VolumeDefinition {
    mutating func addLabel(_ pair: KeyValue) { labels = (labels ?? [:]).merging([pair.key: pair.value ?? ""]) { $1 } }

    mutating func addOption(_ pair: KeyValue) { options = (options ?? [:]).merging([pair.key: pair.value ?? ""]) { $1 } }
}
