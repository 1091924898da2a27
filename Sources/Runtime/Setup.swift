// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// One thing put into the root before it becomes `/`. Paths are the container's, resolved by descriptor inside it.
enum Setup: Sendable {
    /// A fresh file system of the kernel's.
    case fileSystem(FileSystemSetup)
    /// A tree of the host's, prepared by the parent; `index` says which of the received mounts.
    /// `isUsers` says whether it was asked for, so that it may not cover what the kernel shows.
    case bind(index: Int, target: String, propagation: Propagation?, isUsers: Bool)
    /// Nodes; where the kernel lets us make none, the host's.
    case devices([DeviceSetup], canMake: Bool)
    /// Symbolic links; whatever has such a name already stays.
    case links([(path: String, target: String)])
    /// A mount made before, now that all it needed is in it.
    case readOnly(String)
}

/// A mount made from a type and options.
struct FileSystemSetup: Sendable {
    let type: String
    let source: String
    let target: String
    let attributes: MountAttributes
    let options: [(key: String, value: String?)]
    /// Names of directories in it, for what is mounted there next.
    var directories: [String] = []
    var propagation: Propagation?
    /// Copies what the root has at the target into the new file system (`tmpcopyup`).
    var copiesUp = false
    /// Gives it the permissions of the directory that it covers, if there is one.
    var keepsMode = false
    /// Where the kernel refuses it (a network namespace not of the container's own, a masked /proc outside), bind the host's, read-only.
    var fallsBackToHost = false
    /// Made by the parent; which of the received mounts it is.
    var received: Int?
}

/// Attributes to set and to clear, on the mount alone and on everything below it.
struct AttributeChange: Sendable, Equatable {
    var set: MountAttributes = []
    var clear: MountAttributes = []
    var recursiveSet: MountAttributes = []
    var recursiveClear: MountAttributes = []
    var isEmpty: Bool { self.set.isEmpty && clear.isEmpty && recursiveSet.isEmpty && recursiveClear.isEmpty }

    func apply(to mount: borrowing Mount) throws(SystemError) {
        if !set.isEmpty || !clear.isEmpty { try mount.set(set, clear: clear) }
        if !recursiveSet.isEmpty || !recursiveClear.isEmpty { try mount.set(recursiveSet, clear: recursiveClear, recursive: true) }
    }
}

struct DeviceSetup: Sendable {
    enum Kind: Sendable { case character, block, fifo }
    let path: String
    let kind: Kind
    let major: UInt32
    let minor: UInt32
    let mode: UInt32
    let user: UInt32
    let group: UInt32
    /// Where the host has the same node, to be bound where making one is not allowed.
    let hostPath: String
}

extension Setup {
    /// Carries it out, the one at this place in the plan.
    func perform(_ place: Int, for child: Child, in root: RootDirectory) throws(SystemError) {
        switch self {
        case .fileSystem(let setup):
            let mount = try setup.attach(in: root) { () throws(SystemError) in
                if let made = child.fileSystem(place) { return made }
                return if let index = setup.received { try child.received(index) } else { try setup.make() }
            }
            if child.plan.needsProc, child.proc == nil, setup.isPlainProc, let mount { child.proc = Place(raw: mount.release()) }
        case .bind(let index, let target, let propagation, let isUsers):
            let mount = try child.received(index)
            let isDirectory = try mount.descriptor.status().kind == .directory
            try mount.attach(on: try root.mountPoint(target, isDirectory: isDirectory, forUser: isUsers))
            if let propagation { try mount.set([], propagation: propagation, recursive: true) }
        case .devices(let devices, let canMake):
            try root.forEachEntry(devices.map(\.path)) { index, place, name throws(SystemError) in
                try devices[index].make(name, at: place, canMake: canMake)
            }
        case .links(let links):
            try root.forEachEntry(links.map(\.path)) { index, place, name throws(SystemError) in
                if symlinkat(links[index].target, place.raw, name) != 0, errno != EEXIST {
                    throw SystemError(call: "symlink", subject: links[index].path, errno: errno)
                }
            }
        case .readOnly(let path):
            try Mount(owning: root.open(path)).set(.readOnly)
        }
    }
}

extension Child {
    /// The file system of one of the plan's setups, if it has been made already. It is the caller's.
    func fileSystem(_ setup: Int) -> Mount? {
        guard fileSystems.indices.contains(setup), fileSystems[setup] >= 0 else { return nil }
        defer { fileSystems[setup] = -1 }
        return Mount(owning: FileDescriptor(owning: fileSystems[setup]))
    }

    /// One of the mounts that the parent makes, waited for if it is not there yet. It is the caller's.
    func received(_ index: Int) throws(SystemError) -> Mount {
        while received.count <= index { received += try channel.wait(for: .mounts) }
        return Mount(owning: FileDescriptor(owning: received[index]))
    }
}

extension FileSystemSetup {
    /// Shows all of the kernel's tables, and takes what is written to them.
    var isPlainProc: Bool { type == "proc" && options.isEmpty && !attributes.contains(.readOnly) }

    /// Puts it into the root, gets it from `make`, and gives it back; nil where it bound the host's.
    func attach(in root: RootDirectory, _ make: () throws(SystemError) -> Mount) throws(SystemError) -> Mount? {
        let covered = coveredMode(in: root)
        // What the kernel itself fills must stand on a real directory: through a link, writes meant for it would land elsewhere (CVE-2019-19921).
        let point = try root.mountPoint(
            target, isDirectory: true, followLinks: type != "proc" && type != "sysfs" && type != "devpts" && target != "/dev", forUser: true
        )
        let mount: Mount
        do throws(SystemError) {
            if let covered { mount = try self.make(mode: covered) } else { mount = try make() }
        } catch {
            guard fallsBackToHost, error.errno == EPERM || error.errno == EBUSY else { throw error }
            let host = try Mount(cloning: target, recursive: true)
            try host.attach(on: point)
            try host.set(attributes.union(.readOnly), recursive: true)
            return nil
        }
        if copiesUp { try root.copyUp(from: point, into: mount) }
        try mount.attach(on: point)
        if attributes.contains(.readOnly), copiesUp { try mount.set(.readOnly) }
        if let propagation { try mount.set([], propagation: propagation, recursive: true) }
        return mount
    }

    /// The permissions of the directory that it is going to cover, where they are to be its own.
    private func coveredMode(in root: RootDirectory) -> mode_t? {
        guard keepsMode, let directory = try? root.open(target, [.path, .directory]) else { return nil }
        return try? directory.status().permissions
    }

    func make(mode: mode_t? = nil) throws(SystemError) -> Mount {
        let context = try FileSystemContext(type)
        if !source.isEmpty { try context.set("source", source) }
        if let mode { try context.set("mode", String(mode, radix: 8)) }
        for option in options { try context.set(option) }
        let mount = try context.mount(copiesUp ? attributes.subtracting(.readOnly) : attributes)
        for name in directories { try Directory.make(name, at: mount.descriptor.place, mode: 0o755) }
        return mount
    }
}

extension FileSystemContext {
    func set(_ option: (key: String, value: String?)) throws(SystemError) {
        if let value = option.value { try set(option.key, value) } else { try set(flag: option.key) }
    }
}

extension DeviceSetup {
    /// Makes the node, or in a user namespace, where the kernel forbids that, binds the host's: checked to be the very same device.
    func make(_ name: String, at place: Place, canMake: Bool) throws(SystemError) {
        if canMake {
            if mknodat(place.raw, name, type | mode, kind == .fifo ? 0 : Machine.device(major, minor)) == 0 {
                try check("fchownat", path) { fchownat(place.raw, name, user, group, AT_SYMLINK_NOFOLLOW) }
                // mknod's mode went through the umask; the node is ours and nobody can have replaced it yet.
                try check("fchmodat", path) { fchmodat(place.raw, name, mode, 0) }
                return
            }
            if errno == EEXIST { return }
            guard errno == EPERM else { throw SystemError(call: "mknod", subject: path, errno: errno) }
        }
        let host = try hostNode()
        let mount = try Mount(cloning: "", at: host.place)
        let point: FileDescriptor
        do throws(SystemError) {
            point = try FileDescriptor(opening: name, at: place, [.create, .exclusive, .noFollow], mode: 0o600)
        } catch  where error.errno == EEXIST { return }
        try mount.attach(on: point)
    }

    /// The file type as `mknod(2)` takes it.
    var type: UInt32 {
        switch kind {
        case .character: S_IFCHR
        case .block: S_IFBLK
        case .fifo: S_IFIFO
        }
    }

    /// The same device where the host has it.
    func hostNode() throws(SystemError) -> FileDescriptor {
        let host = try FileDescriptor(opening: hostPath, [.path, .noFollow])
        let status = try host.status()
        guard status.kind == (kind == .block ? .block : .character), status.rawDevice == Machine.device(major, minor) else {
            throw SystemError(call: "mknod", subject: "\(path): \(hostPath) is another device on this host", errno: EPERM)
        }
        return host
    }
}
