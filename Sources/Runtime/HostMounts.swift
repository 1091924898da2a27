// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A tree of the host's that the container gets: opened, idmapped and made read-only by the parent, who can still see the host.
struct BindSource: Sendable {
    let path: String
    let recursive: Bool
    /// Shows files with the container's ids.
    let idmapped: MountOptions.IDMapping
    /// A map for this mount alone, in place of the container's.
    let ownMap: UserMap?
    let attributes: AttributeChange
    /// Nil cuts it off from the host: what is mounted in the container below a copy of a shared mount would appear on the host too.
    var propagation: Propagation?
    /// A node made for the container, with an owner it knows, in place of a tree.
    var device: DeviceSetup?
    /// Where the tree is not there, an empty directory.
    var mayBeMissing = false
}

extension BindSource {
    init(device: DeviceSetup) {
        self.init(path: device.path, recursive: false, idmapped: .single, ownMap: nil, attributes: AttributeChange(), device: device)
    }
}

extension BindSource {
    /// Makes the mount, attached nowhere.
    func make(for user: UserNamespaceView?) throws(LaunchError) -> Mount {
        do throws(SystemError) {
            if let device { return try device.mount(for: user) }
            return try mount(for: user)
        } catch {
            throw Root.explain("bind \(path)", error)
        }
    }

    private func mount(for user: UserNamespaceView?) throws(SystemError) -> Mount {
        let mount = try tree()
        // By /dev/null a file is hidden: it is everybody's whoever owns it, and its file system can show nobody's ids.
        if idmapped != .none, try !mount.descriptor.status().isNullDevice {
            let recursive = idmapped == .recursive && recursive
            if let ownMap {
                let namespace = try FileDescriptor(newUserNamespace: ownMap)
                try mapIDs(of: mount, to: namespace.raw, recursive)
            } else if let user {
                try mapIDs(of: mount, to: user.raw, recursive)
            }
        }
        try attributes.apply(to: mount)
        try mount.set([], propagation: propagation ?? .private, recursive: true)
        return mount
    }

    private func tree() throws(SystemError) -> Mount {
        do throws(SystemError) {
            if let tree = try Mount.tree(of: path, recursive: recursive) { return tree }
            return try Mount(cloning: path, recursive: recursive)
        } catch  where mayBeMissing && error.errno == ENOENT {
            return try FileSystemContext("tmpfs").mount()
        }
    }

    private func mapIDs(of mount: borrowing Mount, to namespace: CInt, _ recursive: Bool) throws(SystemError) {
        do throws(SystemError) {
            try mount.mapIDs(to: namespace, path, recursive: recursive)
        } catch  where recursive {
            // All or none: whose fault it was shows when the first of them is asked alone.
            try Mount(cloning: path).mapIDs(to: namespace, path)
            throw error.about("something mounted below \(path)")
        }
    }
}

extension DeviceSetup {
    /// Makes the node, with the mode that the umask leaves of its.
    func make(_ name: String, at place: Place) throws(SystemError) {
        try check("mknod", path) { mknodat(place.raw, name, type | mode, kind == .fifo ? 0 : Machine.device(major, minor)) }
    }

    /// Gives the node to the host's ids of whom the container knows as the owner; whom it does not know, it sees as nobody.
    func setOwner(_ name: String, at place: Place, for user: UserNamespaceView?) throws(SystemError) {
        let owner = user.map { $0.map.users.host(self.user) ?? 0 } ?? self.user
        let ownerGroup = user.map { $0.map.groups.host(group) ?? 0 } ?? group
        try check("fchownat", path) { fchownat(place.raw, name, owner, ownerGroup, AT_SYMLINK_NOFOLLOW) }
    }

    /// The node alone, in a file system of ours: the host's has an owner whom the container does not know, and is not the container's to change.
    fileprivate func mount(for user: UserNamespaceView?) throws(SystemError) -> Mount {
        let folder = try FileSystemContext("tmpfs").mount([.noSetID, .noExec])
        let place = folder.descriptor.place
        try make("node", at: place)
        try setOwner("node", at: place, for: user)
        try check("fchmodat", path) { fchmodat(place.raw, "node", mode, 0) }
        do throws(SystemError) {
            return try Mount(cloning: "node", at: place)
        } catch  where error.errno == EINVAL {
            // What is attached nowhere can be copied since Linux 6.15.
            return try Mount.aside { () throws(SystemError) in
                try folder.attach(at: "/tmp")
                return try Mount(cloning: "node", at: place)
            }
        }
    }
}

extension Mount {
    /// Makes a mount in a mount namespace that nobody else sees and that goes, with all that was attached in it, when this returns.
    /// There `/tmp` is free for it to use. Some calls took nothing but attached mounts in their first years.
    static func aside(_ make: () throws(SystemError) -> Mount) throws(SystemError) -> Mount {
        let here = try FileDescriptor(opening: ".", [.path, .directory])
        let home = try FileDescriptor(opening: "/proc/self/ns/mnt")
        try Namespaces.mount.unshare()
        let made: Result<CInt, SystemError>
        do throws(SystemError) {
            try Mount.propagate(.private)
            made = .success(try make().release())
        } catch {
            made = .failure(error)
        }
        // Back on the host whatever happened.
        try home.join(.mount)
        try check("fchdir") { fchdir(here.raw) }
        return Mount(owning: FileDescriptor(owning: try made.get()))
    }
}

extension Root {
    /// Makes the mount, attached nowhere. Nil where the container keeps the caller's mounts.
    /// - Parameter spent: what it was made from and can go, see `Overlay`.
    func mount(for user: UserNamespaceView?, spent: inout [CInt]) throws(LaunchError) -> Mount? {
        switch self {
        case .inherited: return nil
        case .directory(let path, _, let idmapped):
            do throws(SystemError) {
                let mount = try Mount(cloning: path, recursive: true)
                guard try mount.descriptor.status().kind == .directory else {
                    throw SystemError(call: "open", subject: path, errno: ENOTDIR)
                }
                if idmapped, let user { try mount.mapIDs(to: user.raw, path, recursive: true) }
                // As `pivot_root(2)` demands of a new root.
                try mount.set([], propagation: .private, recursive: true)
                return mount
            } catch {
                throw Self.explain("use \(path) as the root file system", error)
            }
        case .overlay(let overlay, _):
            do throws(SystemError) {
                return try overlay.mount(for: user, spent: &spent)
            } catch {
                throw Self.explain("mount the overlay over the image", error)
            }
        }
    }

    /// What to do about a file system without idmapped mounts: never a silent change of what was asked.
    fileprivate static func explain(_ doing: String, _ error: SystemError) -> LaunchError {
        guard error.call == "mount_setattr", error.errno != EPERM else { return .system(doing: doing, error) }
        let mount = MountTable()?.mount(of: error.subject)
        return .refused(
            "cannot \(doing): the file system of \(error.subject)\(mount.map { " (\($0.type) at \($0.point))" } ?? "") "
                + "cannot show its files with the container's ids; "
                + "use --userns host, or keep it on another file system")
    }
}

extension FileDescriptor {
    /// A user namespace nobody lives in, to show files by its map.
    init(newUserNamespace map: UserMap) throws(SystemError) {
        let ends = try FileDescriptor.pipe().release()
        guard case .parent(let pid, let handle) = try Process.clone(.user) else {
            // As long as its parent lives, should that be killed before it has what it wants.
            close(ends.writer)
            _ = try? FileDescriptor(owning: ends.reader).read(atMost: 1)
            Process.exit(0)
        }
        defer {
            handle.abandon()
            close(ends.reader)
            close(ends.writer)
        }
        try map.write(to: pid)
        self = try FileDescriptor(opening: "/proc/\(pid)/ns/user")
    }
}

extension UserMap {
    /// The map of a process's user namespace, as it is seen from ours.
    init(of pid: pid_t) throws(SystemError) {
        self.init(
            users: IDMap(text: try File.readKernel("/proc/\(pid)/uid_map")),
            groups: IDMap(text: try File.readKernel("/proc/\(pid)/gid_map")))
    }

    /// Gives a process that is alone in its new user namespace its ids. The corresponding files are `user_namespaces(7)`'s.
    func write(to pid: pid_t) throws(SystemError) {
        try File.writeKernel("/proc/\(pid)/uid_map", users.text)
        try File.writeKernel("/proc/\(pid)/gid_map", groups.text)
    }
}
