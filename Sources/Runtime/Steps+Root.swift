// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The bodies of the steps that `Init` and `Join` name.
enum Steps {}

// MARK: namespaces

extension Steps {
    static func dieWithParent(_ child: Child) throws(SystemError) {
        if child.plan.diesWithParent { try Process.dieWithParent() }
    }

    static func waitForCgroup(_ child: Child) throws(SystemError) {
        let (word, descriptors) = try child.channel.wait(for: .cgroup, or: .seats)
        child.seats = word == .seats ? descriptors : nil
    }

    /// A thread that moves itself needs no lock on all forks of the machine, see `Cgroup.openSeats`.
    static func joinCgroup(_ child: Child) throws(SystemError) {
        guard let seats = child.seats else {
            for file in child.plan.seatFiles { try File.writeKernel(file, "0") }
            return
        }
        for seat in seats {
            try check("write", "tasks") { write(seat, "0", 1) }
            close(seat)
        }
        child.seats = nil
    }

    static func makeNamespaces(_ child: Child) throws(SystemError) {
        let rest = child.plan.namespaces.subtracting(Launch.cloned)
        if !rest.isEmpty { try rest.unshare() }
        if child.plan.waitsForNetwork { try child.channel.send(.unshared) }
    }

    static func makeMountsPrivate(_ child: Child) throws(SystemError) {
        if case .inherited = child.plan.root { return }
        try Mount.propagate(.private)
        // Now, with the caller's own ids: container root may be nobody who could walk there.
        if let path = child.plan.rootForHooks { child.rootPoint = try? FileDescriptor(opening: path, [.path, .directory]) }
    }

    static func waitToProceed(_ child: Child) throws(SystemError) {
        child.received = try child.channel.wait(for: .proceed)
    }

    static func joinNamespaces(_ child: Child) throws(SystemError) {
        guard let container = child.plan.container, !container.namespaces.isEmpty else { return }
        try FileDescriptor(owning: container.handle).join(container.namespaces)
    }

    static func becomeRoot(_ child: Child) throws(SystemError) {
        // Nobody in the container may look into this process while it still holds descriptors of the host's (CVE-2016-9962).
        try Process.setDumpable(false)
        try Process.becomeRoot()
    }

    static func unshareCgroup(_ child: Child) throws(SystemError) {
        if child.plan.newCgroupNamespace { try Namespaces.cgroup.unshare() }
    }

    static func joinKeyring(_ child: Child) throws(SystemError) {
        if let name = child.plan.keyring { try Keyring.joinNewSession(name) }
    }

    static func bringUpLoopback(_ child: Child) throws(SystemError) {
        if child.plan.namespaces.contains(.network) { try Loopback.bringUp() }
    }

    static func setHostname(_ child: Child) throws(SystemError) {
        if let name = child.plan.hostname { try check("sethostname", name) { sethostname(name, name.utf8.count) } }
        if let name = child.plan.domainname { try check("setdomainname", name) { setdomainname(name, name.utf8.count) } }
    }
}

// MARK: the root, seen from outside

extension Steps {
    static func attachRoot(_ child: Child) throws(SystemError) {
        guard case .inherited = child.plan.root else {
            let root = try child.received(0)
            // On the host's own `/`: the one directory that is there and can be walked to whatever ids we have. The process's root stays
            // what it was, below, until the pivot; but whoever enters our mount namespace sees ours. Hooks do, and look for the bundle's.
            if let point = child.rootPoint.take() { try root.attach(on: point) } else { try root.attach(at: "/") }
            child.root = RootDirectory(holding: try root.descriptor.duplicate())
            return
        }
        child.root = RootDirectory(holding: try FileDescriptor(opening: "/", [.path, .directory]))
    }

    /// Makes what the kernel fills, and empty ones, attached nowhere. Where one is refused, that is dealt with at its place in the root.
    static func makeFileSystems(_ child: Child) throws(SystemError) {
        // Modes are given whole; the caller's umask has no say.
        umask(0)
        // Each is a descriptor until then, of which there may be few.
        var room = 16
        child.fileSystems = child.plan.setups.map { setup in
            guard case .fileSystem(let setup) = setup, setup.received == nil, !setup.keepsMode, room > 0 else { return -1 }
            room -= 1
            do throws(SystemError) { return try setup.make().release() } catch { return -1 }
        }
    }

    static func setUpRoot(_ child: Child) throws(SystemError) {
        guard let root = child.root else { return }
        for (place, setup) in child.plan.setups.enumerated() { try setup.perform(place, for: child, in: root) }
        guard child.plan.root.isReadOnly else { return }
        try makeWorkingDirectory(child)  // now or never
        try Mount(owning: root.open("/")).set(.readOnly)
    }

    static func openProc(_ child: Child) throws(SystemError) {
        let seeks = !child.plan.interfacesWithoutIPv6.isEmpty
        if seeks { child.interfaces = try openInterfaces(child) }
        guard child.plan.needsProc || (seeks && child.interfaces == nil), child.proc == nil else { return }
        // A superblock is shared by all of one pid namespace, so this is the container's own /proc, reached by no path.
        do throws(SystemError) {
            child.proc = Place(raw: try FileSystemContext("proc").mount().release())
        } catch  where error.errno == EPERM {
            let proc = try FileDescriptor(opening: "/proc", [.path, .directory])
            guard try proc.fileSystemMagic() == 0x9fa0, try proc.status().inode == 1 else { throw error }
            child.proc = Place(raw: proc.release())
        }
    }

    /// By the container's own `/proc`. By the host's every container would leave directories of the same names there, which the kernel compares one
    /// by one for whoever comes next: 0.3 ms beside 200 containers. Nil where the container has no such `/proc`, or the host's, read-only.
    private static func openInterfaces(_ child: Child) throws(SystemError) -> FileDescriptor? {
        do throws(SystemError) {
            let folder = try child.root?.open("/proc/sys/net/ipv6/conf", [.path, .directory], followLinks: false)
            guard let folder, try folder.fileSystemMagic() == 0x9fa0, try !folder.isReadOnlyMount() else { return nil }
            return folder
        } catch  where error.errno == ENOENT || error.errno == ENOTDIR || error.errno == ELOOP {
            return nil
        }
    }

    static func setSysctls(_ child: Child) throws(SystemError) {
        guard !child.plan.sysctls.isEmpty, let place = child.proc else { return }
        // Those of an interface are there once it is.
        if child.plan.waitsForNetwork, child.plan.sysctls.contains(where: { $0.isOfInterface }) { try waitForNetwork(child) }
        for sysctl in child.plan.sysctls { try File.writeKernel("sys/\(sysctl.file)", sysctl.value, at: place) }
    }

    static func makeReadOnly(_ child: Child) throws(SystemError) {
        guard let root = child.root else { return }
        for path in child.plan.readOnlyPaths {
            do throws(SystemError) {
                let target = try root.open(path)
                let copy = try Mount(cloning: "", at: target.place, recursive: true)
                try copy.set(.readOnly, recursive: true)
                try copy.attach(on: target)
            } catch  where error.errno == ENOENT || error.errno == ENOTDIR {}
        }
    }

    static func maskPaths(_ child: Child) throws(SystemError) {
        guard !child.plan.maskedPaths.isEmpty, let root = child.root else { return }
        // The host's, opened and checked: a container that brings its own /dev could name anything by that path (CVE-2025-31133).
        let null = try FileDescriptor(opening: "/dev/null", [.path, .noFollow])
        let status = try null.status()
        guard status.isNullDevice else {
            throw SystemError(call: "open", subject: "/dev/null", errno: ENODEV)
        }
        var empty: FileDescriptor?
        for path in child.plan.maskedPaths {
            let target: FileDescriptor
            do throws(SystemError) {
                target = try root.open(path)
            } catch  where error.errno == ENOENT || error.errno == ENOTDIR {
                continue  // nothing there to be hidden; every other failure ends the container
            }
            guard try target.status().kind == .directory else {
                let mask = try Mount(cloning: "", at: null.place)
                // It is the host's inode: without a user namespace container root could change its mode and owner.
                try mask.set(.readOnly)
                try mask.attach(on: target)
                continue
            }
            if let first = empty.take() {
                try Mount(cloning: "", at: first.place).attach(on: target)
                empty = consume first
                continue
            }
            let context = try FileSystemContext("tmpfs")
            try context.set("nr_blocks", "1")
            try context.set("nr_inodes", "1")
            let mask = try context.mount([.readOnly, .noSetID, .noDevices, .noExec])
            try mask.attach(on: target)
            empty = try mask.descriptor.duplicate()
        }
    }

    static func makeMountsReadOnly(_ child: Child) throws(SystemError) {
        guard let root = child.root else { return }
        for path in child.plan.readOnlyMounts { try Mount(owning: root.open(path)).set(.readOnly) }
    }

    static func stopForHooks(_ child: Child) throws(SystemError) {
        if child.plan.stopsForHooks {
            try child.channel.send(.mounted)
            _ = try child.channel.wait(for: .proceed)
        }
        guard !child.plan.createContainerHooks.isEmpty, let root = child.root else { return }
        try check("fchdir") { fchdir(root.place.raw) }  // as with runc and crun
        for hook in child.plan.createContainerHooks { try hook.run(of: Process.current) }
    }

    static func pivot(_ child: Child) throws(SystemError) {
        if case .inherited = child.plan.root { return }
        guard let root = child.root else { return }
        try check("fchdir") { fchdir(root.place.raw) }
        try Mount.pivotToWorkingDirectory()
        child.root = RootDirectory(holding: try FileDescriptor(opening: "/", [.path, .directory]))
        if child.plan.rootPropagation != .private { try Mount.propagate(child.plan.rootPropagation, recursive: false) }
    }

    /// For a process that joins: `/` is the container's since its parent's `setns(2)`.
    static func enterRoot(_ child: Child) throws(SystemError) {
        try check("chdir", "/") { chdir("/") }
        child.root = RootDirectory(holding: try FileDescriptor(opening: "/", [.path, .directory]))
    }
}

extension Sysctl {
    /// `net.ipv4.conf.eth0.…` and the like.
    fileprivate var isOfInterface: Bool { file.pathComponents.contains { $0.hasPrefix("eth") } }
}

extension Root {
    var isReadOnly: Bool {
        switch self {
        case .directory(_, let readOnly, _), .overlay(_, let readOnly): readOnly
        case .inherited: false
        }
    }
}

extension Plan {
    var needsProc: Bool { !sysctls.isEmpty || process.appArmorProfile != nil || process.selinuxLabel != nil }
}
