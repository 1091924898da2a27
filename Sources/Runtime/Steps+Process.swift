// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

// MARK: terminal and streams

extension Steps {
    static func openTerminal(_ child: Child) throws(SystemError) {
        guard child.plan.process.terminal, let root = child.root else { return }
        // The container's own devpts and nothing else: /dev/pts and its ptmx may be whatever an image or a process made them (CVE-2025-52565).
        let folder = try root.open("/dev/pts", [.readOnly, .directory], followLinks: false)
        guard try folder.fileSystemMagic() == 0x1cd1 else {
            throw SystemError(call: "open", subject: "/dev/pts is no devpts", errno: ENODEV)
        }
        let master = try FileDescriptor(
            resolving: "ptmx", in: folder.place, [.readWrite, .noControllingTerminal], resolve: [.beneath, .noSymlinks, .noCrossing])
        guard try master.status().rawDevice == Machine.device(5, 2) else {
            throw SystemError(call: "open", subject: "/dev/pts/ptmx is no ptmx", errno: ENODEV)
        }
        try master.unlockTerminal()
        let terminal = try master.terminalPeer()
        if let size = child.plan.process.windowSize { try master.setWindowSize(size) }
        if child.plan.process.keepsNewlines { try terminal.keepNewlines() }
        try terminal.setOwner(child.plan.process.user, Steps.terminalGroup)
        if child.plan.process.bindsConsole {
            let number = try master.terminalNumber()
            let copy = try Mount(cloning: "\(number)", at: folder.place, followLinks: false)
            try copy.attach(on: try root.mountPoint("/dev/console", isDirectory: false, followLinks: false))
        }
        try child.channel.send(.terminal, descriptors: [master.raw])
        child.terminal = consume terminal
    }

    /// The group `tty`, 5 on every distribution, as devpts' `gid=5`.
    private static let terminalGroup: UInt32 = 5

    static func startSession(_ child: Child) throws(SystemError) {
        try check("setsid") { setsid() }
        guard let terminal = child.terminal.take() else { return }
        try terminal.becomeControllingTerminal()
        for target in CInt(0)...2 { try terminal.replace(target) }
    }

    static func openStdio(_ child: Child) throws(SystemError) {
        guard !child.plan.process.terminal else { return }
        let stdio = child.plan.process.stdio
        for (target, source) in [(CInt(0), stdio.input), (1, stdio.output), (2, stdio.error)] {
            switch source {
            case .descriptor(let raw):
                if raw != target { try check("dup2") { dup2(raw, target) } }
            case .null:
                // The container's own node where it has one: whatever is done to this descriptor is done to nothing of the host's.
                let null = try openNull()
                try null.replace(target)
            }
        }
    }

    private static func openNull() throws(SystemError) -> FileDescriptor {
        let null = try FileDescriptor(opening: "/dev/null", [.readWrite, .noFollow, .nonBlocking])
        let status = try null.status()
        guard status.isNullDevice else {
            throw SystemError(call: "open", subject: "/dev/null", errno: ENODEV)
        }
        return null
    }
}

// MARK: identity and confinement

extension Steps {
    /// As many descriptors as the steps to come open at the most.
    private static let neededFiles: UInt64 = 64

    /// Those that are above ours need rights that are gone later.
    static func setLimits(_ child: Child) throws(SystemError) {
        for limit in child.plan.process.limits where !limit.kind.boundsMemory {
            try child.apply(limit.kind.boundsFiles ? limit.atLeast(neededFiles) : limit)
        }
    }

    /// Meant for the program, and perhaps less than we need ourselves.
    static func limitOurselves(_ child: Child) throws(SystemError) {
        for limit in child.plan.process.limits where limit.kind.boundsMemory || (limit.kind.boundsFiles && limit.soft < neededFiles) {
            try child.apply(limit)
        }
    }

    static func limitBounding(_ child: Child) throws(SystemError) {
        try child.plan.process.capabilities.limitBounding()
    }

    static func waitForNetwork(_ child: Child) throws(SystemError) {
        guard child.plan.waitsForNetwork, !child.hasNetwork else { return }
        try child.channel.waitForNetwork()
        child.hasNetwork = true
        for name in child.plan.interfacesWithoutIPv6 {
            // Whoever offers addresses and routes on a network without IPv6 is not to be believed. An interface may have none anyhow.
            do throws(SystemError) {
                if let place = child.interfaces?.place {
                    try File.writeKernel("\(name)/disable_ipv6", "1", at: place)
                } else if let proc = child.proc {
                    try File.writeKernel("sys/net/ipv6/conf/\(name)/disable_ipv6", "1", at: proc)
                }
            } catch  where error.errno == ENOENT {}
        }
        child.interfaces = nil
    }

    static func waitForStart(_ child: Child) throws(SystemError) {
        guard let socket = child.plan.startSocket else { return }
        // The first process of a pid namespace ends by no signal that it does not handle. What comes in vain is forgotten at exec.
        try SignalSet.reset()
        for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { signal(number) { _exit(128 + $0) } }
        // Whoever joins meanwhile, or shares the pid namespace, finds this process: it holds nothing that leads to the host.
        try FileDescriptor.closeAll(but: child.needed + [socket])
        try child.channel.send(.ready)
        // Nobody could find a process that waits here and is written down nowhere: if the parent dies first, so do we.
        _ = try child.channel.wait(for: .proceed)
        // Whoever connects listens from now on; the one who created us is done. Our end stays open: it says that no program runs yet.
        let listener = FileDescriptor(owning: socket)
        child.channel = Channel(socket: MessageSocket(owning: try LocalSocket.accept(listener)))
        _ = listener.release()
    }

    static func runStartHooks(_ child: Child) throws(SystemError) {
        for hook in child.plan.startContainerHooks { try hook.run(of: Process.current, confinedAs: child) }
    }

    static func setScheduling(_ child: Child) throws(SystemError) {
        let process = child.plan.process
        // First: a task with a deadline cannot be confined any more.
        if let processors = process.processors {
            try processors.confine()
        } else if process.freesProcessors {
            try? ProcessorSet.all.confine()  // where that is forbidden, it stays as it is
        }
        if let scheduler = process.scheduler { try scheduler.apply() }
        if let priority = process.ioPriority { try Process.setIOPriority(class: priority.class, level: priority.level) }
        if let policy = process.memoryPolicy { try Process.setMemoryPolicy(policy.mode, nodes: policy.nodes) }
        if let personality = process.personality { try Process.setPersonality(personality) }
    }

    /// Both take effect with the program. The kernel's reason is about the name, not about the file it was written to.
    static func setSecurityLabel(_ child: Child) throws(SystemError) {
        guard let place = child.proc else { return }
        let process = child.plan.process
        for (kind, name, file, text) in [
            ("AppArmor profile", process.appArmorProfile, "self/attr/apparmor/exec", "exec "),
            ("SELinux label", process.selinuxLabel, "self/attr/exec", ""),
        ] {
            guard let name else { continue }
            do throws(SystemError) {
                try File.writeKernel(file, text + name, at: place)
            } catch {
                throw error.about("\(kind) \(name)")
            }
        }
    }

    static func takeIdentity(_ child: Child) throws(SystemError) {
        let process = child.plan.process
        try Process.keepCapabilities()
        try Process.setGroups(process.groups)
        try Process.setGroupIDs(process.group)
        try Process.setUserIDs(process.user)
        umask(mode_t(process.umask))
        // A change of ids clears this wish, and makes the process readable for its new self again.
        if child.plan.diesWithParent {
            try Process.dieWithParent()
            // A parent that ended between the two wishes has been missed; its end of the socket tells.
            try child.channel.checkParent()
        }
        try Process.setDumpable(false)
    }

    /// As docker does, for a container and not for what joins one.
    static func makeWorkingDirectory(_ child: Child) throws(SystemError) {
        guard let root = child.root else { return }
        let path = child.plan.process.workingDirectory
        do throws(SystemError) {
            _ = try root.open(path)
        } catch  where error.errno == ENOENT {
            _ = try root.directory(path)
        } catch {}  // entering it says what is wrong
    }

    static func enterWorkingDirectory(_ child: Child) throws(SystemError) {
        let path = child.plan.process.workingDirectory
        try check("chdir", path) { chdir(path) }
        // A directory of the host's, reached through a leaked descriptor, has no path in here (CVE-2024-21626).
        guard try Process.workingDirectoryIsReachable() else {
            throw SystemError(call: "chdir", subject: "\(path) lies outside the container's root", errno: EPERM)
        }
    }

    static func confine(_ child: Child) throws(SystemError) {
        let listener = try confine(child.plan.process, child.plan.process.filter?.flags)
        guard let listener else { return }
        try child.channel.send(.filter, descriptors: [listener])
        close(listener)
    }

    /// The same for a hook inside the container, whose calls nobody listens to.
    static func confineHook(_ child: Child) throws(SystemError) {
        _ = try confine(child.plan.process, child.plan.process.filter?.flags.subtracting([.newListener, .waitKillable]))
    }

    private static func confine(_ process: ProcessPlan, _ flags: SeccompFlags?) throws(SystemError) -> CInt? {
        if process.noNewPrivileges { try Process.forbidNewPrivileges() }
        guard let filter = process.filter, let flags else {
            try process.capabilities.apply()
            return nil
        }
        // Without no_new_privs the kernel wants CAP_SYS_ADMIN for the filter, so that comes before the capabilities go.
        if process.noNewPrivileges {
            try process.capabilities.apply()
            return try filter.program.install(flags)
        }
        try ProcessCapabilities.raiseEffective()
        let listener = try filter.program.install(flags)
        try process.capabilities.apply()
        return listener
    }
}

extension Child {
    fileprivate func apply(_ limit: ResourceLimit) throws(SystemError) {
        do throws(SystemError) { try limit.apply() } catch  where error.errno == EPERM && plan.process.clampsLimits {
            // Above what this machine gives us nobody can go; what it does give is nearest to what was asked.
            try limit.clamped().apply()
        }
    }
}

extension SchedulerPlan {
    func apply() throws(SystemError) {
        try Process.setScheduler(
            policy: policy, flags: flags, nice: nice, priority: priority, runtime: runtime, deadline: deadline, period: period)
    }
}
