// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux
import OCI

/// What a container may do.
struct SecurityOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .heading("Security"),
            .text("--cap-add NAME", "a capability more, or ALL; may be repeated") { $0.added.append($1) },
            .text("--cap-drop NAME", "a capability less, or ALL; may be repeated") { $0.dropped.append($1) },
            .flag("--privileged", "all capabilities but those dropped, no filter, no masks, within its user namespace") {
                $0.isPrivileged = $1
            },
            .text(
                "--security-opt OPTION", "no-new-privileges, seccomp=FILE|builtin|unconfined, mask=PATHS, unmask=PATHS|ALL; may be repeated"
            ) {
                try $0.read($1)
            },
            .text("--userns auto|host|keep-id|UID:SIZE", "whose ids (default auto: a range of its own)") { $0.users = try UserWord($1) },
            .text("--uidmap CONTAINER:HOST:SIZE", "user ids one by one; may be repeated") {
                $0.userMaps.append(try Spec.IDMapping(word: $1))
            },
            .text("--gidmap CONTAINER:HOST:SIZE", "group ids one by one; may be repeated") {
                $0.groupMaps.append(try Spec.IDMapping(word: $1))
            },
            .text("--sysctl NAME=VALUE", "a kernel parameter of the container's namespaces; may be repeated") {
                let pair = try KeyValue($1, requiresValue: true)
                $0.sysctls[pair.key] = pair.value ?? ""
            },
        ]
    }

    var added: [String] = []
    var dropped: [String] = []
    var isPrivileged = false
    var noNewPrivileges = false
    var seccomp = Request.SeccompChoice.standard
    var masked: [String] = []
    var unmasked: [String] = []
    var appArmor: String?
    var label: String?
    var users = UserWord.automatic
    var userMaps: [Spec.IDMapping] = []
    var groupMaps: [Spec.IDMapping] = []
    var sysctls: [String: String] = [:]

    private mutating func read(_ text: String) throws(UsageError) {
        let separator = text.firstIndex { $0 == "=" || $0 == ":" }
        let key = separator.map { String(text[..<$0]) } ?? text
        let value = separator.map { String(text[text.index(after: $0)...]) } ?? ""
        switch key {
        case "no-new-privileges":
            guard ["", "true", "false"].contains(value) else { throw UsageError("no-new-privileges is true or false, not '\(value)'") }
            noNewPrivileges = value != "false"
        case "seccomp":
            guard !value.isEmpty else { throw UsageError("seccomp= needs a file or unconfined") }
            seccomp =
                switch value {
                case "unconfined": .unconfined
                case "builtin": .standard
                default: .file(try Self.absolute(value))
                }
        case "mask": masked += try paths(value)
        case "unmask": unmasked += value.uppercased() == "ALL" ? ["ALL"] : try paths(value)
        case "systempaths" where value == "unconfined": unmasked.append("ALL")
        case "apparmor": appArmor = value
        case "label": label = value == "disable" ? nil : value
        default:
            throw UsageError(
                "unknown security option '\(text)', known are no-new-privileges, seccomp, mask, unmask, systempaths=unconfined, apparmor, label"
            )
        }
    }

    private static func absolute(_ path: String) throws(UsageError) -> String {
        do throws(SystemError) { return try path.absolutePath() } catch {
            throw UsageError("there is no working directory to find '\(path)' in: \(error)")
        }
    }

    private func paths(_ text: String) throws(UsageError) -> [String] {
        let paths = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        for path in paths {
            guard path.isAbsolutePath else { throw UsageError("'\(path)' is not an absolute path") }
            guard path.pathComponents.contains(where: { $0 != "." && $0 != ".." }) else {
                throw UsageError("'\(path)' is the root, which cannot be masked")
            }
        }
        return paths
    }

    func apply(to request: inout Request) throws(UsageError) {
        request.addedCapabilities = added
        request.droppedCapabilities = dropped
        request.isPrivileged = isPrivileged
        request.noNewPrivileges = noNewPrivileges
        request.seccomp = seccomp
        request.masked = masked
        request.unmasked = unmasked
        request.appArmorProfile = appArmor
        request.selinuxLabel = label
        request.sysctls = sysctls
        request.users = try choice()
    }

    private func choice() throws(UsageError) -> Request.UserNamespaceChoice {
        if !userMaps.isEmpty || !groupMaps.isEmpty {
            guard case .automatic = users else {
                throw UsageError("--userns says whose ids it has, so --uidmap and --gidmap cannot be given with it")
            }
            do throws(SpecError) {
                try Spec.IDMapping.validate(userMaps, "--uidmap")
                try Spec.IDMapping.validate(groupMaps, "--gidmap")
            } catch { throw UsageError("\(error)") }
            // One map given stands for both, as podman has it.
            return .maps(users: userMaps.isEmpty ? groupMaps : userMaps, groups: groupMaps.isEmpty ? userMaps : groupMaps)
        }
        switch users {
        case .automatic: return .automatic
        case .host: return .host
        case .keepID: return .keepID
        case .range(let first, let size):
            let map = [Spec.IDMapping(containerID: 0, hostID: first, size: size)]
            return .maps(users: map, groups: map)
        }
    }
}

/// `--userns`.
enum UserWord {
    case automatic
    case host
    case keepID
    case range(UInt32, UInt32)

    init(_ text: String) throws(UsageError) {
        switch text {
        case "", "auto", "private": self = .automatic
        case "host": self = .host
        case "keep-id": self = .keepID
        default:
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let first = UInt32(parts[0]), let size = UInt32(parts[1]), size > 0,
                !first.addingReportingOverflow(size).overflow
            else { throw UsageError("'\(text)' is not auto, host, keep-id or FIRST:SIZE") }
            self = .range(first, size)
        }
    }
}

extension Spec.IDMapping {
    init(word text: String) throws(UsageError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let container = UInt32(parts[0]), let host = UInt32(parts[1]),
            let size = parts.count > 2 ? UInt32(parts[2]) : 1, size > 0,
            !container.addingReportingOverflow(size).overflow, !host.addingReportingOverflow(size).overflow
        else { throw UsageError("'\(text)' is not CONTAINER:HOST:SIZE") }
        self.init(containerID: container, hostID: host, size: size)
    }
}
