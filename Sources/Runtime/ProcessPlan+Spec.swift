// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI

extension ProcessPlan {
    init(_ process: Spec.Process, _ spec: Spec, _ options: LaunchOptions) throws(LaunchError) {
        guard let name = process.args?.first, !name.isEmpty else { throw .refused("there is no command to run") }
        let environment = options.isForEngine ? Self.effective(process.env ?? []) : process.env ?? []
        self.init(
            name: name, candidates: CStrings(Self.candidates(name, environment)), arguments: CStrings(process.args ?? []),
            environment: CStrings(environment), workingDirectory: process.cwd,
            capabilities: ProcessCapabilities(process.capabilities))
        user = process.user.uid
        group = process.user.gid
        groups = process.user.additionalGids ?? []
        try checkIdentity(spec)
        umask = (process.user.umask ?? 0o022) & 0o777
        limits = try (process.rlimits ?? []).map { limit throws(LaunchError) in try ResourceLimit(limit) }
        clampsLimits = options.clampsLimits
        noNewPrivileges = process.noNewPrivileges ?? false
        terminal = process.terminal ?? false
        windowSize =
            options.windowSize
            ?? process.consoleSize.map { WindowSize(rows: UInt16(clamping: $0.height), columns: UInt16(clamping: $0.width)) }
        keepsNewlines = options.keepsNewlines
        stdio = options.stdio
        preservedDescriptors = options.preservedDescriptors
        reaper = options.reaper
        findsHome = options.isForEngine && !environment.contains { $0.hasPrefix("HOME=") }
        freesProcessors = options.isForEngine
        appArmorProfile = process.apparmorProfile.flatMap { $0.isEmpty ? nil : $0 }
        selinuxLabel = process.selinuxLabel.flatMap { $0.isEmpty ? nil : $0 }
        if let filter = options.filter {
            self.filter = FilterPlan(
                program: filter.program, flags: filter.flags, listenerPath: spec.linux?.seccomp?.listenerPath,
                listenerMetadata: spec.linux?.seccomp?.listenerMetadata)
        }
        try setScheduling(process, spec)
    }

    /// Who has no id in the container's user namespace cannot be anybody there; the kernel's "invalid argument" does not say so.
    private func checkIdentity(_ spec: Spec) throws(LaunchError) {
        func check(_ id: UInt32, _ what: String, in ranges: [Spec.IDMapping]?) throws(LaunchError) {
            guard let ranges, !ranges.isEmpty, !ranges.contains(where: { $0.containerID <= id && id - $0.containerID < $0.size }) else {
                return
            }
            let known = ranges.prefix(3).map { "\($0.containerID)–\(UInt64($0.containerID) + UInt64($0.size) - 1)" }.joined(separator: ", ")
            throw .refused("\(what) \(id) is none of the container's ids, which are \(known); its user namespace needs a larger map")
        }
        try check(user, "user", in: spec.linux?.uidMappings)
        for group in [group] + groups { try check(group, "group", in: spec.linux?.gidMappings) }
    }

    /// The last of each name, and no `HOME` that is empty: most programs would read the first.
    private static func effective(_ environment: [String]) -> [String] {
        var names: Set<Substring> = []
        let last = environment.reversed().filter { names.insert($0.prefix { $0 != "=" }).inserted && $0 != "HOME=" }
        return last.reversed()
    }

    /// Where the program may be: itself if it names a path, else in each folder of the container's own PATH (`execvp(3)`).
    private static func candidates(_ name: String, _ environment: [String]) -> [String] {
        if name.utf8.contains(UInt8(ascii: "/")) { return [name] }
        let path =
            environment.last { $0.hasPrefix("PATH=") }?.dropFirst(5) ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return path.split(separator: ":").map { "\($0)/\(name)" }
    }

    private mutating func setScheduling(_ process: Spec.Process, _ spec: Spec) throws(LaunchError) {
        scheduler = try process.scheduler.map { scheduler throws(LaunchError) in try SchedulerPlan(scheduler) }
        if let priority = process.ioPriority {
            guard (0...7).contains(priority.priority) else { throw .refused("the io priority \(priority.priority) is not from 0 to 7") }
            let classes: [(Spec.Process.IOPriority.Class, Int32)] = [(.realTime, 1), (.bestEffort, 2), (.idle, 3)]
            ioPriority = (classes.first { $0.0 == priority.class }?.1 ?? 2, Int32(priority.priority))
        }
        if let personality = spec.linux?.personality { self.personality = personality.domain == .linux32 ? 0x8 : 0 }
    }
}

extension SchedulerPlan {
    fileprivate init(_ scheduler: Spec.Process.Scheduler) throws(LaunchError) {
        let policies: [(Spec.Process.Scheduler.Policy, UInt32)] = [
            (.other, 0), (.fifo, 1), (.roundRobin, 2), (.batch, 3), (.idle, 5), (.deadline, 6),
        ]
        guard let policy = policies.first(where: { $0.0 == scheduler.policy })?.1 else {
            throw .refused("Linux has no scheduling policy \(scheduler.policy.rawValue)")
        }
        let flags: [(Spec.Process.Scheduler.Flag, UInt64)] = [
            (.resetOnFork, 0x1), (.reclaim, 0x2), (.deadlineOverrun, 0x4), (.keepPolicy, 0x8), (.keepParameters, 0x10),
            (.utilizationClampMin, 0x20), (.utilizationClampMax, 0x40),
        ]
        let given = scheduler.flags ?? []
        self.init(
            policy: policy, flags: flags.reduce(0) { given.contains($1.0) ? $0 | $1.1 : $0 }, nice: scheduler.nice ?? 0,
            priority: UInt32(clamping: scheduler.priority ?? 0), runtime: scheduler.runtime ?? 0, deadline: scheduler.deadline ?? 0,
            period: scheduler.period ?? 0)
    }
}

extension ProcessCapabilities {
    /// The five lists as sets, held to what this machine can give at all: with `all` in mind, nobody means what is not there.
    /// What libcap does not know cannot be granted, and is no reason to fail (config.md, "Capabilities").
    init(_ lists: Spec.Process.Capabilities?) {
        let available = ProcessCapabilities.available
        func read(_ names: [String]?) -> CapabilitySet {
            (names ?? []).reduce(into: CapabilitySet()) { $0.formUnion(CapabilitySet($1) ?? []) }.intersection(available)
        }
        let permitted = read(lists?.permitted)
        let inheritable = read(lists?.inheritable)
        self.init(
            bounding: read(lists?.bounding), effective: read(lists?.effective).intersection(permitted), permitted: permitted,
            inheritable: inheritable, ambient: read(lists?.ambient).intersection(permitted).intersection(inheritable))
    }
}

extension ResourceLimit {
    init(_ limit: Spec.Process.Rlimit) throws(LaunchError) {
        guard let kind = Kind(limit.type) else { throw .refused("unknown resource limit \(limit.type)") }
        guard limit.soft <= limit.hard else { throw .refused("the soft limit of \(kind.name) is above the hard one") }
        self.init(kind, soft: limit.soft, hard: limit.hard)
    }
}
