// SPDX-License-Identifier: Apache-2.0

import JSON

extension Spec {
    /// What every runtime must refuse before it acts: what the specification forbids, and what the kernel would misunderstand
    /// rather than reject. It looks at no file and no kernel.
    package func validate() throws(SpecError) {
        try validateVersion()
        guard let root else { throw .missing(field: "root") }
        guard !root.path.isEmpty else { throw .invalid(field: "root.path", reason: "is empty") }
        try check(root.path, "root.path")
        try process?.validate()
        for (index, mount) in (mounts ?? []).enumerated() { try mount.validate("mounts[\(index)]") }
        try hooks?.validate()
        for (name, value) in annotations ?? [:] {
            guard !name.isEmpty else { throw .invalid(field: "annotations", reason: "a name is empty") }
            try check(name, "annotations")
            try check(value, "annotations[\(quoted(name))]")
        }
        try validateNames()
        try linux?.validate()
    }

    /// Major version 1 promises that a later minor version only adds.
    private func validateVersion() throws(SpecError) {
        let release = ociVersion.prefix { $0 != "-" && $0 != "+" }
        let numbers = release.split(separator: ".", omittingEmptySubsequences: false)
        let isVersion = numbers.count == 3 && numbers.allSatisfy { UInt16($0) != nil && $0.first != "+" }
        guard isVersion, numbers.first == "1" else { throw .unsupportedVersion(ociVersion) }
    }

    /// Without a uts namespace the host's own name would be changed.
    private func validateNames() throws(SpecError) {
        let hasNamespace = linux?.namespaces?.contains { $0.type == .uts } ?? false
        for (field, name) in [("hostname", hostname), ("domainname", domainname)] {
            guard let name, !name.isEmpty else { continue }
            guard hasNamespace else { throw .invalid(field: field, reason: "needs a uts namespace in linux.namespaces") }
            // __NEW_UTS_LEN
            guard name.utf8.count <= 64 else { throw .invalid(field: field, reason: "is longer than 64 bytes") }
            try check(name, field)
        }
    }
}

extension Spec.Process {
    package func validate(_ field: String = "process") throws(SpecError) {
        guard let args, let first = args.first else { throw .missing(field: "\(field).args") }
        guard !first.isEmpty else { throw .invalid(field: "\(field).args[0]", reason: "is empty") }
        try check(args, "\(field).args")
        try check(env, "\(field).env")
        try check(absolute: cwd, "\(field).cwd")
        try validateUser(field)
        try check(consoleSize?.height, in: 0...UInt(UInt16.max), "\(field).consoleSize.height")
        try check(consoleSize?.width, in: 0...UInt(UInt16.max), "\(field).consoleSize.width")
        try checkUnique((rlimits ?? []).map(\.type), "\(field).rlimits")
        for (index, limit) in (rlimits ?? []).enumerated() where limit.soft > limit.hard {
            throw .invalid(field: "\(field).rlimits[\(index)].soft", reason: "\(limit.soft) is more than the hard limit \(limit.hard)")
        }
        try check(oomScoreAdj, in: -1000...1000, "\(field).oomScoreAdj")
        try check(ioPriority?.priority, in: 0...7, "\(field).ioPriority.priority")
        try check(scheduler?.nice, in: -20...19, "\(field).scheduler.nice")
        try check(apparmorProfile, "\(field).apparmorProfile")
        try check(selinuxLabel, "\(field).selinuxLabel")
    }

    /// setresuid(2) and setgroups(2) read the highest id as "leave it as it is": the process would stay what it was, root.
    private func validateUser(_ field: String) throws(SpecError) {
        let ids: ClosedRange<UInt32> = 0...UInt32.max - 1
        try check(user.uid, in: ids, "\(field).user.uid")
        try check(user.gid, in: ids, "\(field).user.gid")
        for (index, id) in (user.additionalGids ?? []).enumerated() { try check(id, in: ids, "\(field).user.additionalGids[\(index)]") }
        try check(user.umask, in: 0...0o777, "\(field).user.umask")
    }
}

extension Spec.Mount {
    fileprivate func validate(_ field: @autoclosure () -> String) throws(SpecError) {
        // A relative one starts at the root: "deprecated", but to be understood (config.md, "Mounts").
        guard !destination.isEmpty else { throw .invalid(field: "\(field()).destination", reason: "is empty") }
        try check(destination, "\(field()).destination")
        try check(type, "\(field()).type")
        try check(source, "\(field()).source")
        for (index, option) in (options ?? []).enumerated() { try check(option, "\(field()).options[\(index)]") }
        let (uids, gids) = (uidMappings ?? [], gidMappings ?? [])
        guard uids.isEmpty == gids.isEmpty else {
            throw .invalid(field: field(), reason: "uidMappings and gidMappings must be given together")
        }
        try Spec.IDMapping.validate(uids, "\(field()).uidMappings")
        try Spec.IDMapping.validate(gids, "\(field()).gidMappings")
    }
}

extension Spec.IDMapping {
    /// No id may be mapped twice, in either direction, and no range may run past the last id.
    package static func validate(_ mappings: [Self], _ field: @autoclosure () -> String) throws(SpecError) {
        guard !mappings.isEmpty else { return }
        // user_namespaces(7): at most 340 lines since Linux 4.15.
        guard mappings.count <= 340 else { throw .invalid(field: field(), reason: "has more than 340 ranges") }
        for (index, mapping) in mappings.enumerated() {
            guard mapping.size > 0 else { throw .invalid(field: "\(field())[\(index)].size", reason: "is 0") }
            let room = UInt32.max - max(mapping.containerID, mapping.hostID)
            guard mapping.size <= room else { throw .invalid(field: "\(field())[\(index)]", reason: "the range runs past the last id") }
        }
        for start in [\Self.containerID, \Self.hostID] {
            let sorted = mappings.sorted { $0[keyPath: start] < $1[keyPath: start] }
            // The sums fit: they were checked above.
            for (lower, upper) in zip(sorted, sorted.dropFirst()) where upper[keyPath: start] - lower[keyPath: start] < lower.size {
                let which = start == \Self.containerID ? "containerID" : "hostID"
                throw .invalid(field: field(), reason: "ranges overlap at \(which) \(upper[keyPath: start])")
            }
        }
    }
}

extension Spec.Hooks {
    fileprivate func validate() throws(SpecError) {
        let all = [
            ("prestart", prestart), ("createRuntime", createRuntime), ("createContainer", createContainer),
            ("startContainer", startContainer), ("poststart", poststart), ("poststop", poststop),
        ]
        for (name, hooks) in all {
            for (index, hook) in (hooks ?? []).enumerated() {
                let field = "hooks.\(name)[\(index)]"
                try check(absolute: hook.path, "\(field).path")
                try check(hook.args, "\(field).args")
                try check(hook.env, "\(field).env")
                try check(hook.timeout, in: 1...Int(Int32.max), "\(field).timeout")
            }
        }
    }
}
