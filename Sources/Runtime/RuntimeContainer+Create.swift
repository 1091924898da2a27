// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JSON
package import Linux
import OCI

/// How a container is created, beside what its bundle says.
package struct CreateOptions: Sendable {
    package var bundle = "."
    /// The spec's file, absolute or in the bundle.
    package var config = "config.json"
    package var cgroups = CgroupStyle.filesystem
    /// Gives the container a session keyring of its own in place of the caller's.
    package var hasKeyring = true
    /// Descriptors from 3 on that the container gets beside its standard streams.
    package var preservedDescriptors: Int32 = 0
    /// Where the master of the container's terminal is sent.
    package var consoleSocket: String?
    package var pidFile: String?
    /// Where a pidfd of its first process is sent.
    package var pidfdSocket: String?
    /// Added to the process's environment.
    package var environment: [String] = []
    package var windowSize: WindowSize?
    /// The caller takes the terminal and waits for the container's end.
    package var isForeground = false

    package init() {}
}

/// How `linux.cgroupsPath` is meant, and whether there are cgroups at all.
package enum CgroupStyle: Sendable {
    case filesystem, systemd, disabled
}

/// A container that has just been created, and what only its creator can have of it.
package struct CreatedContainer: ~Copyable {
    package var container: RuntimeContainer
    package let process: ProcessHandle
    /// The master of its terminal, unless it was sent away.
    package var terminal: FileDescriptor?
    /// What was asked for and could not be had, where the runtime spec wants no more than a warning.
    package let warnings: [String]
}

extension StateDirectory {
    /// Creates a container: everything but the program is there, and its first process waits for `start`.
    /// What fails leaves nothing behind.
    package func create(_ id: RuntimeID, _ options: CreateOptions) throws(RuntimeError) -> CreatedContainer {
        let bundle = try Bundle(options.bundle, config: options.config)
        let console = try Console(options.consoleSocket, for: bundle.spec.process, isForeground: options.isForeground)
        let pidfds = try PIDFDSocket(options.pidfdSocket)
        var container = try reserve(id, bundle)
        do throws(RuntimeError) {
            var launched = try container.launch(bundle, options, filterStore())
            do throws(RuntimeError) {
                try console.take(&launched.terminal)
                try pidfds.send(launched.handle, .first)
                if let file = options.pidFile { try PIDFile(path: file).write(launched.pid) }
            } catch {
                launched.handle.abandon()
                throw error
            }
            return CreatedContainer(
                container: container, process: launched.handle, terminal: launched.terminal.take(), warnings: bundle.spec.warnings)
        } catch {
            container.discard(bundle.spec)
            throw error
        }
    }

    /// Makes the container's directory, locked, with what is known so far. The directory of a `create` that was killed before it
    /// wrote down anything is taken over.
    private func reserve(_ id: RuntimeID, _ bundle: Bundle) throws(RuntimeError) -> RuntimeContainer {
        var state = RuntimeState()
        state.id = id.text
        state.bundle = bundle.path
        state.rootfs = bundle.rootfs
        state.created = "\(Timestamp.now)"
        state.owner = geteuid()
        state.annotations = bundle.spec.annotations
        do throws(SystemError) {
            try Directory.make(id.text, at: descriptor.place)
            let directory = try FileDescriptor(opening: id.text, at: descriptor.place, [.directory, .noFollow])
            guard try directory.lock(wait: false), try directory.status().links > 0,
                faccessat(directory.raw, "state.json", F_OK, AT_SYMLINK_NOFOLLOW) != 0
            else { throw SystemError(call: "mkdir", errno: EEXIST) }
            let container = RuntimeContainer(id: id, path: "\(path)/\(id.text)", directory: directory, state: state, isLocked: true)
            do throws(SystemError) {
                try File.replace("config.json", at: container.directory.place, with: bundle.config)
                try container.save()
            } catch {
                try? container.remove()
                throw error
            }
            return container
        } catch {
            throw error.errno == EEXIST ? .exists(id) : .system(doing: "make a directory for container \(id.text)", error)
        }
    }
}

extension RuntimeContainer {
    /// From the bundle to a first process that waits, written down.
    fileprivate mutating func launch(
        _ bundle: Bundle, _ options: CreateOptions, _ filters: consuming FileDescriptor?
    ) throws(RuntimeError) -> Launched {
        var spec = bundle.spec
        if !options.environment.isEmpty { spec.process?.env = (bundle.spec.process?.env ?? []) + options.environment }
        state.hasKeyring = options.hasKeyring
        let cgroup = try makeCgroup(spec, options.cgroups)
        let boot = try RuntimeError.attempt("tell this boot from others") { () throws(SystemError) in try Machine.bootID() }
        let socket = try RuntimeError.attempt("make the socket where container \(id.text) waits") { () throws(SystemError) in
            try LocalSocket.listen("\(path)/start", type: CInt(SOCK_SEQPACKET.rawValue))
        }
        var launch = LaunchOptions(bundle: bundle.path)
        launch.stdio = Stdio(inheritedFor: spec.process?.user.uid ?? 0, in: spec)
        launch.windowSize = options.windowSize
        launch.keepsNewlines = options.isForeground && !FileDescriptor.isTerminal(1)
        launch.diesWithParent = options.isForeground
        launch.startSocket = socket.raw
        launch.parentDescriptors = [directory.raw]
        launch.keyring = keyringName
        launch.isForEngine = true
        launch.preservedDescriptors = options.preservedDescriptors
        launch.filter = try Self.filter(spec, filters?.place)
        launch.cgroup = cgroup.paths
        launch.hookState = ociState(.creating)
        let hooks =
            [HookPlan](spec.hooks?.prestart, "prestart", launch.hookState, .creating)
            + [HookPlan](spec.hooks?.createRuntime, "createRuntime", launch.hookState, .creating)
        do throws(LaunchError) {
            return try Launch.container(
                spec, launch, in: cgroup,
                hooks: { pid throws(LaunchError) in
                    for hook in hooks { try hook.runByParent(of: pid) }
                },
                record: { identity throws(LaunchError) in
                    state.process = RuntimeState.Process(identity, boot: boot)
                    do throws(SystemError) { try save() } catch { throw .system(doing: "write down the container's first process", error) }
                })
        } catch {
            throw .launch(error)
        }
    }

    var keyringName: String? { state.hasKeyring ? "_ses.\(id.text)" : nil }

    static func filter(_ spec: Spec, _ store: Place?) throws(RuntimeError) -> SeccompFilter? {
        guard let profile = spec.linux?.seccomp else { return nil }
        do throws(SeccompFilterError) {
            guard let store else { return try SeccompFilter(compiling: profile) }
            return try SeccompFilter(profile, storedIn: store)
        } catch {
            throw .seccomp(error)
        }
    }

    /// Takes back a creation that failed. Its process is dead already.
    fileprivate func discard(_ spec: Spec) {
        // Whatever of this fails now, `delete --force` will say.
        try? cgroup.remove()
        for hook in [HookPlan](spec.hooks?.poststop, "poststop", ociState(.stopped), .stopped) { try? hook.run(of: nil) }
        try? remove()
    }

    /// Removes the container's directory: the end of its life.
    func remove() throws(SystemError) {
        // The state goes last, so that a removal that was interrupted can be taken up again.
        for name in ["start", "config.json", "state.json"] { unlinkat(directory.raw, name, 0) }
        try Directory.removeAll(path)
    }
}

extension HookPlan {
    func runByParent(of pid: pid_t?) throws(LaunchError) {
        do throws(SystemError) { try run(of: pid) } catch { throw .system(doing: "run a hook", error) }
    }
}
