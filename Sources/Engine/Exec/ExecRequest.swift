// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

/// Another process in a running container, as it is asked for.
package struct ExecRequest: Sendable {
    package var command: [String]
    package var environment: [String] = []
    package var workingDirectory: String?
    package var user: String?
    package var terminal = false
    package var interactive = false
    package var detached = false
    package var isPrivileged = false
    /// Those that leave its terminal.
    package var keys: DetachKeys?
    /// It is killed when the process that asks for it is.
    var diesWithCaller = false
    /// In milliseconds: then it is killed, with all that it has started in its session.
    var timeout: Int64?

    package init(_ command: [String]) { self.command = command }
}

extension ExecRequest {
    var streams: AttachOptions {
        var options = AttachOptions()
        options.takesInput = interactive
        return options
    }

    /// The container's own process, with another command and what else was asked for.
    func process(_ spec: Spec, pid: Int32) throws(EngineError) -> Spec.Process {
        guard var process = spec.process else { throw .refused("the container's config.json has no process") }
        guard let first = command.first, !first.isEmpty else { throw .refused("there is no command to execute") }
        process.args = command
        process.terminal = terminal ? true : nil
        if let workingDirectory {
            guard workingDirectory.isAbsolutePath else {
                throw .refused("the working directory \(workingDirectory) must be an absolute path")
            }
            process.cwd = workingDirectory
        }
        if let user {
            let root: FileDescriptor
            do throws(SystemError) { root = try FileDescriptor(opening: "/proc/\(pid)/root", [.path, .directory]) } catch {
                throw .system(doing: "look into the container", error)
            }
            let identity = try UserLookup(root: root.place, isRunning: true).identity(user)
            process.user = Spec.Process.User(
                uid: identity.user, gid: identity.group, umask: process.user.umask,
                additionalGids: identity.groups.isEmpty ? nil : identity.groups)
            process.env = (process.env ?? []).filter { !$0.hasPrefix("HOME=") } + ["HOME=\(identity.home)"]
        }
        var names = (process.env ?? []) + (terminal ? ["TERM=\(SpecBuilder.terminalType)"] : [])
        for entry in environment where !entry.utf8.contains(0) {
            let name = entry.utf8.prefix { $0 != UInt8(ascii: "=") }
            names.removeAll { $0.utf8.prefix { $0 != UInt8(ascii: "=") }.elementsEqual(name) }
            if entry.utf8.contains(UInt8(ascii: "=")) { names.append(entry) }
        }
        process.env = names
        if isPrivileged {
            let all = ProcessCapabilities.available.names
            process.capabilities = Spec.Process.Capabilities(bounding: all, effective: all, inheritable: [], permitted: all, ambient: [])
        }
        return process
    }
}
