// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// A set of namespace types, as the flags of `clone(2)`, `unshare(2)` and `setns(2)`.
package struct Namespaces: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
    package init(arrayLiteral elements: Namespaces...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }
    package static let user = Namespaces(rawValue: UInt32(CLONE_NEWUSER))
    package static let mount = Namespaces(rawValue: UInt32(CLONE_NEWNS))
    package static let pid = Namespaces(rawValue: UInt32(CLONE_NEWPID))
    package static let uts = Namespaces(rawValue: UInt32(CLONE_NEWUTS))
    package static let ipc = Namespaces(rawValue: UInt32(CLONE_NEWIPC))
    package static let network = Namespaces(rawValue: UInt32(CLONE_NEWNET))
    package static let cgroup = Namespaces(rawValue: UInt32(CLONE_NEWCGROUP))
    package static let time = Namespaces(rawValue: UInt32(CLONE_NEWTIME))

    package static let all = Namespaces(rawValue: table.reduce(0) { $0 | $1.type.rawValue })

    /// Every type with its name under `/proc/PID/ns`, in the order in which they can be joined: the user namespace first,
    /// for the rights it brings, and the mount namespace last, because it takes the paths away.
    package static let table: [(type: Namespaces, file: StaticString)] = [
        (.user, "user"), (.cgroup, "cgroup"), (.ipc, "ipc"), (.uts, "uts"), (.network, "net"), (.pid, "pid"), (.time, "time"),
        (.mount, "mnt"),
    ]

    /// The name of a single type under `/proc/PID/ns`.
    package var file: String? { Self.table.first { $0.type == self }.map { "\($0.file)" } }

    /// Those namespaces of a process that are not our own, of the types asked for.
    package init(differingFrom pid: pid_t, among types: Namespaces = .all) throws(SystemError) {
        self = []
        for (type, file) in Self.table where types.contains(type) {
            do throws(SystemError) {
                let theirs = try FileStatus(of: "/proc/\(pid)/ns/\(file)", followLinks: true)
                let ours = try FileStatus(of: "/proc/self/ns/\(file)", followLinks: true)
                if theirs.inode != ours.inode { insert(type) }
            } catch  where error.errno == ENOENT && type == .time {}  // a kernel without time namespaces
        }
    }

    /// What it takes to join all of a process's namespaces. Only three are looked at, since each look costs some 10 µs: joining one's own
    /// user namespace is an error, whether the pid namespace is our own decides how its processes see us, and a kernel may have no time
    /// namespaces. Joining another that is our own changes nothing.
    package init(toJoin pid: pid_t) throws(SystemError) {
        let types: Namespaces = [.user, .pid, .time]
        self = Namespaces.all.subtracting(types).union(try Namespaces(differingFrom: pid, among: types))
    }

    /// Whether our user namespace is the first one (`PROC_USER_INIT_INO`): in no other can anybody make device nodes.
    package static var isUserInitial: Bool { (try? FileStatus(of: "/proc/self/ns/user", followLinks: true))?.inode == 0xefff_fffd }

    /// Our pid namespace, whose numbers are ours; nil in the first one (`PROC_PID_INIT_INO`).
    package static var pidNumber: UInt64? {
        guard let inode = (try? FileStatus(of: "/proc/self/ns/pid", followLinks: true))?.inode, inode != 0xefff_fffc else { return nil }
        return UInt64(inode)
    }

    /// Moves this process into new namespaces. The corresponding call is `unshare(2)`.
    package func unshare() throws(SystemError) {
        try check("unshare", description) { linux_unshare(CInt(bitPattern: rawValue)) }
    }
}

extension Namespaces: CustomStringConvertible {
    package var description: String {
        Self.table.filter { contains($0.type) }.map { "\($0.file)" }.joined(separator: ",")
    }
}

extension FileDescriptor {
    /// Joins the namespace, or those namespaces of the process, that this descriptor refers to. The corresponding call is `setns(2)`.
    package func join(_ types: Namespaces) throws(SystemError) {
        try check("setns", types.description) { linux_setns(raw, CInt(bitPattern: types.rawValue)) }
    }

    /// Opens one namespace of a process, checking that it is one (`NSFS_MAGIC`) and of that type.
    package init(namespace type: Namespaces, at path: String) throws(SystemError) {
        let descriptor = try FileDescriptor(opening: path, [.readOnly, .nonBlocking, .noControllingTerminal])
        guard try descriptor.fileSystemMagic() == UInt32(NSFS_MAGIC) else { throw SystemError(call: "setns", subject: path, errno: EINVAL) }
        let actual = try check("ioctl", path) { linux_ioctl(descriptor.raw, UInt(linux_ns_get_nstype), 0) }
        guard UInt32(bitPattern: actual) == type.rawValue else { throw SystemError(call: "setns", subject: path, errno: EINVAL) }
        self = descriptor
    }
}

extension Namespaces {
    /// Whether a path is that of our own mount namespace, or of that of the first process we see. One that may not be looked at may not be
    /// joined either.
    package static func isHostsMountNamespace(_ path: String) -> Bool {
        func inode(_ path: String) -> ino_t? { (try? FileStatus(of: path, followLinks: true))?.inode }
        guard let wanted = inode(path) else { return false }
        return wanted == inode("/proc/self/ns/mnt") || wanted == inode("/proc/1/ns/mnt")
    }
}

/// What the nsfs ioctls tell of one namespace (`ioctl_nsfs(2)`).
package struct NamespaceFacts: Sendable {
    package let type: Namespaces
    package let inode: UInt64
    /// The host uid that made the owning user namespace; nil where the kernel does not tell.
    package let owner: uid_t?
    /// The inode of the namespace above it, for `user` and `pid`; nil at the top or out of sight.
    package let parent: UInt64?
    /// The inode of the user namespace that owns it.
    package let owningUser: UInt64?

    package init(_ type: Namespaces, of pid: pid_t) throws(SystemError) {
        let path = "/proc/\(pid)/ns/\(type.file ?? "")"
        let descriptor = try FileDescriptor(opening: path)
        self.type = type
        inode = UInt64(try descriptor.status().inode)
        if let above = Self.follow(descriptor, UInt(linux_ns_get_parent)) {
            parent = UInt64(try above.status().inode)
        } else {
            parent = nil
        }
        if type == .user {
            owningUser = nil
            owner = Self.owner(of: descriptor)
        } else if let user = Self.follow(descriptor, UInt(linux_ns_get_userns)) {
            owningUser = UInt64(try user.status().inode)
            owner = Self.owner(of: user)
        } else {
            owningUser = nil
            owner = nil
        }
    }

    private static func follow(_ from: borrowing FileDescriptor, _ request: UInt) -> FileDescriptor? {
        let result = linux_ioctl(from.raw, request, 0)
        return result < 0 ? nil : FileDescriptor(owning: result)
    }

    private static func owner(of user: borrowing FileDescriptor) -> uid_t? {
        var uid: uid_t = 0
        return linux_ioctl_pointer(user.raw, UInt(linux_ns_get_owner_uid), &uid) == 0 ? uid : nil
    }
}
