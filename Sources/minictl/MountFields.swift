// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

/// What `--mount` says, field by field.
struct MountFields {
    private(set) var type = "volume"
    private(set) var source: String?
    private(set) var target: String?
    private(set) var isReadOnly = false
    private(set) var options: [String] = []
    private(set) var copiesUp = true
    private(set) var definition = VolumeDefinition()
    /// Types that options are for, as their names begin with them.
    private var kinds: [String] = []

    init(_ text: String) throws(UsageError) {
        for field in try CommaFields(text).fields {
            let equals = field.firstIndex(of: "=")
            try read(String(field[..<(equals ?? field.endIndex)]), equals.map { String(field[field.index(after: $0)...]) })
        }
        if let kind = kinds.first(where: { $0 != type }) { throw UsageError("cannot mix '\(kind)-*' options with mount type '\(type)'") }
        if type == "tmpfs", source != nil { throw UsageError("type=tmpfs has no source") }
    }

    private mutating func read(_ key: String, _ value: String?) throws(UsageError) {
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
        case "volume-label": definition.labels.add(try KeyValue(value ?? ""))
        case "volume-opt": definition.options.add(try KeyValue(value ?? "", requiresValue: true))
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
                "unknown key '\(key)', known are type, source, target, readonly, bind-propagation, volume-nocopy, volume-label, volume-opt, tmpfs-size, tmpfs-mode"
            )
        }
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
}
