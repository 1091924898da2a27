// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux
import OCI

/// The options that `run` and `create` share: what a container is.
struct ContainerOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        general + process + storage + LifeOptions.options.lifted { try $1(&$0.life) }
            + ResourceOptions.options.lifted { try $1(&$0.resources) }
            + SecurityOptions.options.lifted { try $1(&$0.security) } + network + NamespaceOptions.options.lifted { try $1(&$0.namespaces) }
            + ForeignOptions.options.lifted { try $1(&$0.foreign) }
    }

    private static var general: [CommandOption<Self>] {
        [
            .text("--name NAME", "the container's name (default one nobody had to think of)") {
                $0.name = try ContainerName(word: $1)
            },
            .flag("--rm", "remove the container, with its nameless volumes, when it ends") { $0.isTemporary = $1 },
            .text("-l, --label KEY=VALUE", "a label; may be repeated") { $0.labels.add(try KeyValue($1)) },
            .text("--label-file FILE", "labels, one a line; may be repeated") {
                for line in try OptionFile.lines($1) { $0.fileLabels.add(try KeyValue(line)) }
            },
            .text("--annotation KEY=VALUE", "an annotation of the OCI spec; may be repeated") {
                $0.annotations.add(try KeyValue($1, requiresValue: true))
            },
            .text("--platform OS[/ARCH[/VARIANT]]", "what the image has to be for: this machine, or it is an error") {
                $0.platform = try Platform(word: $1)
            },
            .flag("-q, --quiet", "say nothing while the image is made") { $0.progress.isQuiet = $1 },
            .flag("--rootfs", "the first argument is a directory to use as the root, not an image") { $0.usesDirectory = $1 },
            .text("--log-driver json-file|none", "whether output is kept (default json-file)") {
                guard $1 == "json-file" || $1 == "none" else { throw UsageError("'\($1)' is not json-file or none") }
                $0.log.driver = $1
            },
            .text("--log-opt max-size=SIZE", "how much is kept: max-size=10m, max-file=3") { try $0.log.set($1) },
        ]
    }

    private static var process: [CommandOption<Self>] {
        [
            .heading("Process"),
            .flag("-i, --interactive", "keep standard input open") { $0.interactive = $1 },
            .flag("-t, --tty", "give it a terminal") { $0.terminal = $1 },
            .text("-a, --attach stdin|stdout|stderr", "what of it is connected here (default all there is); may be repeated") {
                let stream = $1.lowercased()
                guard ["stdin", "stdout", "stderr"].contains(stream) else { throw UsageError("'\($1)' is not stdin, stdout or stderr") }
                if !$0.attached.contains(stream) { $0.attached.append(stream) }
            },
            .text("-e, --env NAME[=VALUE]", "an environment variable; without a value it is the caller's; may be repeated") {
                $0.environment.append(try Environment.entry($1))
            },
            .text("--env-file FILE", "environment variables, one a line; may be repeated") {
                $0.fileEnvironment += try Environment.file($1)
            },
            .text("-w, --workdir DIR", "the working directory, made if it is missing") {
                guard $1.isEmpty || $1.isAbsolutePath else { throw UsageError("'\($1)' is not an absolute path") }
                $0.workingDirectory = $1.isEmpty ? nil : $1
            },
            .text("-u, --user USER[:GROUP]", "who runs it, by name or number") { $0.user = $1 },
            .text("--group-add GROUP", "another group, by name or number; may be repeated") { $0.extraGroups.append($1) },
            .text("-h, --hostname NAME", "its host name (default the short id)") {
                $0.hostname = $1.isEmpty ? nil : try HostName($1).text
            },
            .text("--domainname NAME", "its NIS domain name") { $0.domainname = $1.isEmpty ? nil : try HostName($1).text },
            .text("--entrypoint PROGRAM", "in place of the image's; empty for none") { $0.entrypoint = $1.isEmpty ? [] : [$1] },
            .flag("--init", "run it below a small init that reaps orphans and passes signals on") { $0.hasInit = $1 },
            .text("--stop-signal SIGNAL", "what stop sends (default the image's, else TERM)") {
                $0.stopSignal = $1.isEmpty ? nil : try Signal(word: $1).description
            },
            .text("--stop-timeout SECONDS", "how long stop waits before it kills (default 10)") {
                $0.stopTimeout = Int(try Int32(word: $1, in: -1...Int32.max))
            },
            .text("--umask MODE", "octal, default 0022") {
                guard let mode = UInt32($1, radix: 8), mode <= 0o777 else { throw UsageError("'\($1)' is not an octal mode up to 0777") }
                $0.umask = mode
            },
            .text("--tz ZONE", "the time zone, such as Europe/Berlin, or local for this machine's") { $0.timeZone = $1 },
        ]
    }

    private static var network: [CommandOption<Self>] {
        [.heading("Network")] + NetworkOptions.options.lifted { try $1(&$0.network) } + PortOptions.options.lifted { try $1(&$0.ports) }
    }

    private static var storage: [CommandOption<Self>] {
        [
            .heading("Storage"),
            .text(
                "-v, --volume SOURCE:DIR[:OPTIONS]",
                "a folder of this machine, or a volume by name, in the container; ro, rw; may be repeated"
            ) {
                let mount = try MountRequest(volume: $1)
                // The very same once more is no other, as under docker.
                if !$0.volumes.contains($1) { $0.mounts.append(mount) }
                $0.volumes.append($1)
            },
            .text(
                "--mount type=TYPE,...",
                "the same spelled out, with source=, target=, readonly and more; TYPE is bind, volume or tmpfs; may be repeated"
            ) {
                $0.mounts.append(try MountRequest(mount: $1))
            },
            .text("--tmpfs DIR[:OPTIONS]", "a file system in memory; may be repeated") {
                let mount = try MountRequest(tmpfs: $1)
                $0.mounts.removeAll { $0.isInMemory && $0.destination == mount.destination }
                $0.mounts.append(mount)
            },
            .text("--volumes-from CONTAINER[:ro|rw]", "the folders and volumes of another container too; may be repeated") {
                $0.lenders.append(try Lender(word: $1))
            },
            .flag("--read-only", "no writing to the container's own root") { $0.isReadOnly = $1 },
            .text("--shm-size SIZE", "of /dev/shm (default 64m)") {
                let size = try ByteSize($1).bytes
                $0.shmSize = size > 0 ? UInt64(size) : Request.usualShmSize
            },
            .text("--device DEVICE[:PATH[:rwm]]", "a device of this machine; may be repeated") {
                $0.devices.append(try DeviceRequest(word: $1))
            },
            .text("--device-cgroup-rule RULE", "a rule such as 'c 42:* rmw'; may be repeated") {
                $0.deviceRules.append(try Spec.Resources.DeviceRule(word: $1))
            },
        ]
    }

    var name: ContainerName?
    var isTemporary = false
    var labels: [String: String] = [:]
    /// Those of files count less, wherever they stand.
    var fileLabels: [String: String] = [:]
    var annotations: [String: String] = [:]
    var progress = Progress()
    var usesDirectory = false
    var platform: Platform?
    var attached: [String] = []
    var log = Record.Log()
    var interactive = false
    var terminal = false
    var environment: [String] = []
    /// Comes first, wherever it stands: `-e` counts more, as under docker.
    var fileEnvironment: [String] = []
    var workingDirectory: String?
    var user: String?
    var extraGroups: [String] = []
    var hostname: String?
    var domainname: String?
    var entrypoint: [String]?
    var hasInit = false
    var stopSignal: String?
    var stopTimeout: Int?
    var umask = Request.usualUmask
    var timeZone: String?
    var mounts: [MountRequest] = []
    /// What `-v` said, word by word.
    private var volumes: [String] = []
    var lenders: [Lender] = []
    var isReadOnly = false
    var shmSize = Request.usualShmSize
    var devices: [DeviceRequest] = []
    var deviceRules: [Spec.Resources.DeviceRule] = []
    var life = LifeOptions()
    var resources = ResourceOptions()
    var security = SecurityOptions()
    var network = NetworkOptions()
    var ports = PortOptions()
    var namespaces = NamespaceOptions()
    var foreign = ForeignOptions()

    /// Says what was left out of what was asked for.
    func tellNotes() { for note in foreign.notes { progress.show(note) } }

    /// What is asked for: the first operand is the image, the rest the command.
    func request(_ operands: [String]) throws(UsageError) -> Request {
        let first = operands.first ?? ""
        guard !first.isEmpty else { throw UsageError("the image has no name") }
        var request = Request(usesDirectory ? .directory(first) : .image(first))
        request.platform = platform
        request.command = Array(operands.dropFirst())
        request.entrypoint = entrypoint
        request.name = name
        request.environment = fileEnvironment + environment
        request.workingDirectory = workingDirectory
        request.user = user
        request.extraGroups = extraGroups
        request.hostname = hostname
        request.domainname = domainname
        request.terminal = terminal
        request.interactive = interactive
        request.isTemporary = isTemporary
        request.attached = attached
        request.labels = fileLabels.merging(labels) { $1 }
        request.annotations = annotations
        request.mounts = mounts
        request.lenders = lenders
        request.isReadOnly = isReadOnly
        request.shmSize = shmSize
        request.devices = devices
        request.deviceRules = deviceRules
        request.hasInit = hasInit
        request.stopSignal = stopSignal
        request.stopTimeout = stopTimeout
        request.umask = umask
        request.timeZone = timeZone
        request.log = log
        try life.apply(to: &request)
        try resources.apply(to: &request)
        try security.apply(to: &request)
        try network.apply(to: &request)
        namespaces.apply(to: &request)
        if request.namespaces.uts != .own, hostname != nil || domainname != nil {
            throw UsageError("--uts gives it the host name of others, so --hostname and --domainname cannot be given with it")
        }
        try ports.apply(to: &request)
        return request
    }
}
