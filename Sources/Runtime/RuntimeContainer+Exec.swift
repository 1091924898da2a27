// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
package import Linux
package import OCI

/// How a further process is run in a container, beside what its `Spec.Process` says.
package struct ExecOptions: Sendable {
    package var preservedDescriptors: Int32 = 0
    package var consoleSocket: String?
    package var pidFile: String?
    package var pidfdSocket: String?
    package var windowSize: WindowSize?
    /// The caller takes the terminal and waits for the process's end.
    package var isForeground = false
    /// Runs it in a paused container, where it stands still too until that is resumed.
    package var ignoresPause = false
    /// Cgroups below the container's, which must exist. The first that names a controller of a hierarchy, or none, counts there.
    package var cgroups: [SubCgroup] = []

    package init() {}
}

/// `[CONTROLLER[,…]:]PATH`: a place below the container's cgroup, in all hierarchies or in those of some controllers.
package struct SubCgroup: Sendable {
    let controllers: [String]
    /// Nil for the container's own.
    let path: String?

    package init(_ text: String) throws(RuntimeError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        controllers = parts.count > 1 ? parts[0].split(separator: ",").map(String.init) : []
        let rest = parts.last.map { String($0.drop { $0 == "/" }) } ?? ""
        if rest.isEmpty {
            path = nil
            return
        }
        do throws(CgroupPath.Invalid) { path = try CgroupPath(rest).text } catch {
            throw .refused("\(rest) is not a sub cgroup path: \(error)")
        }
    }
}

/// A process that runs in a container beside the first.
package struct JoinedProcess: ~Copyable {
    package let handle: ProcessHandle
    /// The master of its terminal, unless it was sent away.
    package var terminal: FileDescriptor?
}

extension RuntimeContainer {
    /// Runs a further process, and returns once it executes its program.
    package func exec(
        _ process: Spec.Process, of spec: Spec, _ options: ExecOptions, in root: borrowing StateDirectory
    ) throws(RuntimeError) -> JoinedProcess {
        let status = status()
        guard let first = self.process(), status != .stopped else { throw .notAllowed(.exec, id, .stopped) }
        guard status != .paused || options.ignoresPause else { throw .notAllowed(.exec, id, status) }
        do throws(SpecError) { try process.validate() } catch { throw .invalid("the process", error) }
        let console = try Console(options.consoleSocket, for: process, isForeground: options.isForeground)
        let pidfds = try PIDFDSocket(options.pidfdSocket)
        var launch = LaunchOptions(bundle: state.bundle)
        launch.stdio = Stdio(inheritedFor: process.user.uid, in: spec)
        launch.windowSize = options.windowSize
        launch.keepsNewlines = options.isForeground && !FileDescriptor.isTerminal(1)
        launch.diesWithParent = options.isForeground
        launch.keyring = keyringName
        launch.isForEngine = true
        launch.preservedDescriptors = options.preservedDescriptors
        let filters = root.filterStore()
        launch.filter = try Self.filter(spec, filters?.place)
        let place = try execCgroup(options.cgroups)
        var launched: Launched
        do throws(LaunchError) {
            let target: ProcessHandle
            do throws(SystemError) { target = try ProcessHandle(first) } catch { throw .system(doing: "reach container \(id.text)", error) }
            launched = try Launch.exec(process, beside: target, first.pid, of: spec, launch, in: place)
        } catch {
            throw .launch(error)
        }
        do throws(RuntimeError) {
            try hand(launched.listener.take(), to: spec, for: launched.pid)
            try console.take(&launched.terminal)
            try pidfds.send(launched.handle, .joined)
            if let file = options.pidFile { try PIDFile(path: file).write(launched.pid) }
        } catch {
            launched.handle.abandon()
            throw error
        }
        return JoinedProcess(handle: launched.handle, terminal: launched.terminal.take())
    }

    private func execCgroup(_ choices: [SubCgroup]) throws(RuntimeError) -> Cgroup {
        let entries = cgroup.paths.entries
        let known = entries.flatMap { $0.label.split(separator: ",").map(String.init) }
        if let name = choices.flatMap(\.controllers).first(where: { !known.contains($0) }) {
            throw .refused("unknown controller \(name) in --cgroup")
        }
        return Cgroup(
            CgroupPaths(
                entries.map { entry in
                    let names = entry.label.split(separator: ",").map(String.init)
                    let choice = choices.first { $0.controllers.isEmpty || $0.controllers.contains(where: names.contains) }
                    guard let path = choice?.path else { return entry }
                    return CgroupPaths.Entry(label: entry.label, directory: "\(entry.directory)/\(path)")
                }))
    }

    private func hand(_ listener: consuming FileDescriptor?, to spec: Spec, for pid: Int32) throws(RuntimeError) {
        guard let descriptor = listener.take() else { return }
        do throws(SystemError) {
            try SeccompListener(owning: descriptor, of: spec.linux?.seccomp).send(process: pid, ociState())
        } catch {
            throw .system(doing: "send the filter's listener", error)
        }
    }
}
