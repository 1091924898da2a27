// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON
package import Linux
package import OCI

/// A profile in the format docker and podman share, for `--security-opt seccomp=FILE`: like the OCI one, but its rules say for
/// which capabilities, architectures and kernels they are. A member that neither of them defines is an error.
package struct SeccompProfileFile {
    private let fallback: (action: Spec.Seccomp.Action, errno: UInt?)
    private let architectures: [Spec.Seccomp.Architecture]?
    private let families: [Family]
    private let flags: [Spec.Seccomp.Flag]?
    private let listener: (path: String?, metadata: String?)
    private let rules: [Rule]

    /// An architecture and those it also runs.
    fileprivate struct Family {
        let native: Spec.Seccomp.Architecture
        let others: [Spec.Seccomp.Architecture]
    }

    fileprivate struct Rule {
        let call: Spec.Seccomp.Syscall
        let includes: SeccompProfileCondition
        let excludes: SeccompProfileCondition
    }
}

/// Why a profile file cannot be used.
package enum SeccompProfileError: Error, Equatable, CustomStringConvertible {
    case unreadable(SystemError)
    case malformed(JSONError)

    package var description: String {
        switch self {
        case .unreadable(let error): "cannot read the seccomp profile: \(error)"
        case .malformed(let error): "not a seccomp profile: \(error)"
        }
    }
}

extension SeccompProfileFile {
    /// Reads a regular file of at most 1 MiB; a FIFO or device in its place neither blocks nor is read.
    package init(path: String) throws(SeccompProfileError) {
        var bytes: [UInt8] = []
        do throws(SystemError) {
            let file = try FileDescriptor(opening: path, [.nonBlocking, .noControllingTerminal])
            guard try file.status().kind == .regular else { throw SystemError(call: "open", subject: path, errno: EINVAL) }
            bytes = try file.readAll(limit: 1 << 20)
        } catch {
            throw .unreadable(error.about(path))
        }
        do throws(JSONError) { try self.init(bytes) } catch { throw .malformed(error) }
    }

    package init(_ bytes: [UInt8]) throws(JSONError) {
        let root = try JSONDocument(bytes, limits: JSONLimits(bytes: 1 << 20)).root
        try root.requireOnly([
            "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags", "listenerPath",
            "listenerMetadata", "syscalls",
        ])
        guard let action: Spec.Seccomp.Action = try root.optional("defaultAction") else { throw .missing(path: "defaultAction") }
        fallback = (action, try root.errno(number: "defaultErrnoRet", name: "defaultErrno"))
        architectures = try root.optional("architectures")
        families = try root.list("archMap") { node throws(JSONError) in try Family(node) }
        flags = try root.optional("flags")
        listener = (try root.optional("listenerPath"), try root.optional("listenerMetadata"))
        rules = try root.list("syscalls") { node throws(JSONError) in try Rule(node) }
        if let both = root["archMap"], !families.isEmpty, architectures?.isEmpty == false {
            throw .mismatch(path: both.path, reason: "use either archMap or architectures")
        }
    }

    /// The OCI profile for a container with these capabilities, on this machine. `kernel` is major and minor version.
    package func profile(
        capabilities: [String], architecture: Spec.Seccomp.Architecture = .native, kernel: KernelVersion
    ) -> Spec.Seccomp {
        let calls = rules.filter { rule in
            rule.includes.allHold(capabilities, architecture, kernel) && !rule.excludes.oneHolds(capabilities, architecture, kernel)
        }
        let family = families.first { $0.native == architecture }.map { [$0.native] + $0.others }
        return Spec.Seccomp(
            defaultAction: fallback.action, defaultErrnoRet: fallback.errno, architectures: family ?? architectures, flags: flags,
            listenerPath: listener.path, listenerMetadata: listener.metadata, syscalls: calls.map(\.call))
    }
}

// MARK: - one entry

extension SeccompProfileFile.Family {
    fileprivate init(_ node: JSONNode) throws(JSONError) {
        try node.requireOnly(["architecture", "subArchitectures"])
        guard let native: Spec.Seccomp.Architecture = try node.optional("architecture") else {
            throw .mismatch(path: node.path, reason: "architecture: missing")
        }
        self.init(native: native, others: try node.optional("subArchitectures") ?? [])
    }
}

extension SeccompProfileFile.Rule {
    fileprivate init(_ node: JSONNode) throws(JSONError) {
        try node.requireOnly(["name", "names", "action", "args", "comment", "includes", "excludes", "errnoRet", "errno"])
        var names: [String] = try node.optional("names") ?? []
        if let name: String = try node.optional("name"), !name.isEmpty {
            guard names.isEmpty else { throw .mismatch(path: node.path, reason: "use either name or names") }
            names = [name]
        }
        guard let action: Spec.Seccomp.Action = try node.optional("action") else {
            throw .mismatch(path: node.path, reason: "action: missing")
        }
        let arguments = try node.list("args") { argument throws(JSONError) in
            try argument.requireOnly(["index", "value", "valueTwo", "op"])
            return try JSONDecoder().decode(Spec.Seccomp.Argument.self, from: argument)
        }
        self.init(
            call: Spec.Seccomp.Syscall(
                names: names, action: action, errnoRet: try node.errno(number: "errnoRet", name: "errno"), args: arguments),
            includes: try SeccompProfileCondition(node["includes"]), excludes: try SeccompProfileCondition(node["excludes"]))
    }
}

// MARK: - reading

extension JSONNode {
    /// Unknown members would be restrictions silently not applied.
    func requireOnly(_ known: [StaticString]) throws(JSONError) {
        guard isObject else { throw .mismatch(path: path, reason: "expected an object") }
        for (name, value) in members where !known.contains(where: { name == "\($0)" }) {
            throw .mismatch(path: value.path, reason: "unknown member")
        }
    }

    /// Nil if the member is absent or null, as Go writes empty values.
    func optional<Value: JSONCoded>(_ name: String) throws(JSONError) -> Value? {
        guard let node = self[name], !node.isNull else { return nil }
        return try JSONDecoder().decode(Value.self, from: node)
    }

    func list<Value>(_ name: String, _ element: (JSONNode) throws(JSONError) -> Value) throws(JSONError) -> [Value] {
        guard let node = self[name], !node.isNull else { return [] }
        guard node.isArray else { throw .mismatch(path: node.path, reason: "expected a list") }
        var values: [Value] = []
        for item in node.elements { values.append(try element(item)) }
        return values
    }

    /// containers/common writes the number and the name; the number says it all, and a name alone must be one we know.
    fileprivate func errno(number: String, name: String) throws(JSONError) -> UInt? {
        let word: String? = try optional(name)
        if let code: UInt = try optional(number) { return code }
        guard let word, !word.isEmpty else { return nil }
        let known: [(String, CInt)] = [
            ("EPERM", EPERM), ("ENOSYS", ENOSYS), ("EINVAL", EINVAL), ("EACCES", EACCES), ("ENOENT", ENOENT), ("EIO", EIO),
            ("ENOTTY", ENOTTY), ("EAFNOSUPPORT", EAFNOSUPPORT), ("EPROTONOSUPPORT", EPROTONOSUPPORT), ("EOPNOTSUPP", EOPNOTSUPP),
            ("ENOTSUP", ENOTSUP),
        ]
        guard let code = known.first(where: { $0.0 == word })?.1 else {
            throw .mismatch(path: self[name]?.path ?? path, reason: "unknown errno \(quoted(word)), give it as a number in \(number)")
        }
        return UInt(code)
    }
}
