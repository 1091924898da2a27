// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import OCI
import Runtime

struct Exec: Command {
    static let name: StaticString = "exec"
    static let summary: StaticString = "run a further process in a container"
    static let operands: Operands = "CONTAINER [COMMAND] [ARG...]"
    static let isInterspersed = false
    /// runc's: 1 would look like the status of the process.
    static let failureStatus: Int32 = 255
    static var options: [CommandOption<Self>] {
        [
            .text("-p, --process FILE", "the process as in config.json, instead of COMMAND and the options on it") { $0.file = $1 },
            .flag("-d, --detach", "do not wait") { $0.isDetached = $1 },
            .text("--cgroup [CONTROLLERS:]PATH", "a cgroup below the container's to run in") { $0.cgroups.append(try SubCgroup($1)) },
            .flag("--ignore-paused", "start it in a paused container, to run when that is resumed") { $0.ignoresPause = $1 },
        ] + Inheritance.options.lifted { try $1(&$0.inheritance) } + [.heading("The process")]
            + ProcessChanges.options.lifted { try $1(&$0.changes) }
    }
    var file: String?
    var isDetached = false
    var cgroups: [SubCgroup] = []
    var ignoresPause = false
    var inheritance = Inheritance()
    var changes = ProcessChanges()

    mutating func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try Inheritance.seal()
        // Before descriptors are closed: engines name `/dev/fd/N` too.
        let given = try readFile()
        try inheritance.closeOthers()
        let directory = try globals.directory()
        let container = try directory.container(RuntimeID(arguments[0]), locked: false)
        let spec = try container.spec()
        var process = try given ?? changes.process(arguments.dropFirst(), of: spec)
        process.env = (process.env ?? []) + inheritance.environment
        if changes.hasTerminal { process.terminal = true }
        var options = ExecOptions()
        options.preservedDescriptors = inheritance.total
        options.consoleSocket = inheritance.consoleSocket
        options.pidFile = inheritance.pidFile
        options.pidfdSocket = inheritance.pidfdSocket
        options.isForeground = !isDetached
        options.windowSize = isDetached ? nil : FileDescriptor.windowSize(of: 0)
        options.ignoresPause = ignoresPause
        options.cgroups = cgroups
        var joined = try container.exec(process, of: spec, options, in: directory)
        if isDetached { return 0 }
        return try joined.handle.waitInForeground(terminal: joined.terminal.take()).exitCode
    }

    private func readFile() throws -> Spec.Process? {
        guard let file else { return nil }
        let bytes = try FileDescriptor(opening: file).readAll()
        do { return try JSONDecoder().decode(Spec.Process.self, from: bytes) } catch { throw RuntimeError.malformed(file, error) }
    }
}

/// How a process differs from the container's own.
struct ProcessChanges: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .flag("-t, --tty", "give it a terminal") { $0.hasTerminal = $1 },
            .text("-e, --env NAME=VALUE", "add to its environment") { $0.environment.append($1) },
            .text("--cwd DIR", "its working directory") { $0.directory = $1 },
            .text("-u, --user UID[:GID]", "its user and group") {
                let parts = $1.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                $0.user = try UInt32(word: String(parts[0]), in: 0...UInt32.max - 1)
                if parts.count > 1 { $0.group = try UInt32(word: String(parts[1]), in: 0...UInt32.max - 1) }
            },
            .text("-g, --additional-gids GID", "a further group") { $0.groups.append(try UInt32(word: $1, in: 0...UInt32.max - 1)) },
            .text("-c, --cap CAPABILITY", "a further capability") { $0.capabilities.append($1) },
            .flag("--no-new-privs", "no exec may give it more rights") { $0.noNewPrivileges = $1 },
            .text("--apparmor PROFILE", "its AppArmor profile") { $0.appArmor = $1 },
            .text("--process-label LABEL", "its SELinux label") { $0.label = $1 },
        ]
    }

    var hasTerminal = false
    var environment: [String] = []
    var directory: String?
    var user: UInt32?
    var group: UInt32?
    var groups: [UInt32] = []
    var capabilities: [String] = []
    var noNewPrivileges: Bool?
    var appArmor: String?
    var label: String?

    /// Whether a variable is given anew: of two with one name, programs see the first.
    private func isReplaced(_ variable: String) -> Bool {
        let name = variable.prefix { $0 != "=" } + "="
        return environment.contains { $0.hasPrefix(name) }
    }

    /// The container's own process with another command and these changes.
    func process(_ command: ArraySlice<String>, of spec: Spec) throws -> Spec.Process {
        guard !command.isEmpty else { throw UsageError("needs a COMMAND or --process FILE") }
        var process = spec.process ?? Spec.Process()
        process.args = Array(command)
        process.terminal = hasTerminal
        process.consoleSize = nil
        process.env = (process.env ?? []).filter { !isReplaced($0) } + environment
        process.cwd = directory ?? process.cwd
        if let user {
            process.user.uid = user
            process.user.gid = group ?? 0
        }
        process.user.additionalGids = (process.user.additionalGids ?? []) + groups
        if !capabilities.isEmpty {
            var sets = process.capabilities ?? Spec.Process.Capabilities()
            sets.bounding = (sets.bounding ?? []) + capabilities
            sets.effective = (sets.effective ?? []) + capabilities
            sets.permitted = (sets.permitted ?? []) + capabilities
            // Without an inheritable one there can be no ambient one; who has some wants them to last, as with runc.
            if sets.inheritable != nil { sets.ambient = (sets.ambient ?? []) + capabilities }
            process.capabilities = sets
        }
        process.noNewPrivileges = noNewPrivileges ?? process.noNewPrivileges
        process.apparmorProfile = appArmor ?? process.apparmorProfile
        process.selinuxLabel = label ?? process.selinuxLabel
        return process
    }
}
