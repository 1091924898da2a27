// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Attributes of one mount (`mount_setattr(2)`), not of the file system behind it.
package struct MountAttributes: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(arrayLiteral elements: MountAttributes...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }
    package static let readOnly = MountAttributes(rawValue: 0x1)
    package static let noSetID = MountAttributes(rawValue: 0x2)
    package static let noDevices = MountAttributes(rawValue: 0x4)
    package static let noExec = MountAttributes(rawValue: 0x8)
    package static let noAccessTime = MountAttributes(rawValue: 0x10)
    package static let strictAccessTime = MountAttributes(rawValue: 0x20)
    package static let noDirectoryAccessTime = MountAttributes(rawValue: 0x80)
    package static let noSymlinks = MountAttributes(rawValue: 0x20_0000)
    /// The field of the three access time modes, which are numbers (relatime is 0), not bits.
    package static let accessTimeMode = MountAttributes(rawValue: 0x70)
}

/// How mounts made below reach other mount namespaces (`mount_namespaces(7)`).
package enum Propagation: Sendable, Equatable {
    case `private`, slave, shared, unbindable

    var flag: UInt {
        switch self {
        case .private: UInt(MS_PRIVATE)
        case .slave: UInt(MS_SLAVE)
        case .shared: UInt(MS_SHARED)
        case .unbindable: UInt(MS_UNBINDABLE)
        }
    }
}

/// A mount held by descriptor, attached to no path until `attach`. One that is never attached goes away with its descriptor.
package struct Mount: ~Copyable {
    package let descriptor: FileDescriptor

    package init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// A private copy of the mount at a path, or of the whole tree of mounts. The corresponding call is `open_tree(2)`, Linux 5.2.
    package init(cloning path: String, at place: Place = .current, recursive: Bool = false, followLinks: Bool = true) throws(SystemError) {
        var flags = UInt32(OPEN_TREE_CLONE) | UInt32(O_CLOEXEC)
        if recursive { flags |= UInt32(linux_at_recursive) }
        if path.isEmpty { flags |= UInt32(linux_at_empty_path) }
        if !followLinks { flags |= UInt32(AT_SYMLINK_NOFOLLOW) }
        descriptor = FileDescriptor(owning: try check("open_tree", path) { linux_open_tree(place.raw, path, flags) })
    }

    /// Puts the mount on a directory or file that is itself held by descriptor. The corresponding call is `move_mount(2)`, Linux 5.2.
    package func attach(on target: borrowing FileDescriptor) throws(SystemError) {
        try check("move_mount") {
            linux_move_mount(descriptor.raw, "", target.raw, "", UInt32(linux_move_mount_f_empty_path | linux_move_mount_t_empty_path))
        }
    }

    /// Puts the mount on a path that is trusted as it stands.
    package func attach(at path: String) throws(SystemError) { try Self.attach(descriptor.raw, at: path) }

    /// The same for a mount whose descriptor somebody else owns.
    package static func attach(_ raw: CInt, at path: String) throws(SystemError) {
        try check("move_mount", path) { linux_move_mount(raw, "", AT_FDCWD, path, UInt32(linux_move_mount_f_empty_path)) }
    }

    /// Changes attributes and propagation. The corresponding call is `mount_setattr(2)`, Linux 5.12.
    package func set(
        _ set: MountAttributes, clear: MountAttributes = [], propagation: Propagation? = nil, recursive: Bool = false
    ) throws(SystemError) {
        var attributes = mount_attr()
        attributes.attr_set = set.rawValue
        attributes.attr_clr = clear.rawValue
        attributes.propagation = UInt64(propagation?.flag ?? 0)
        try change(&attributes, recursive: recursive)
    }

    /// Shows files with the ids that the user namespace maps theirs to: on disk 0, seen from the host as container root's host id.
    /// Linux 5.12, and a file system that allows it (overlay layers: 5.19, tmpfs: 6.3).
    /// - Parameter path: what it is a copy of, for the error.
    package func mapIDs(to user: CInt, _ path: String, recursive: Bool = false) throws(SystemError) {
        var attributes = mount_attr()
        attributes.attr_set = UInt64(MOUNT_ATTR_IDMAP)
        attributes.userns_fd = UInt64(user)
        try change(&attributes, recursive: recursive, path)
    }

    /// Gives the descriptor up.
    package consuming func release() -> CInt { descriptor.release() }

    private func change(_ attributes: inout mount_attr, recursive: Bool, _ path: String = "") throws(SystemError) {
        let flags = UInt32(linux_at_empty_path) | (recursive ? UInt32(linux_at_recursive) : 0)
        try check("mount_setattr", path) { linux_mount_setattr(descriptor.raw, "", flags, &attributes) }
    }

    /// Detaches what is mounted on a name in the working directory, and what is mounted below it, in this mount namespace.
    /// Whoever has something of it open keeps that. A link is not followed. The corresponding call is `umount2(2)`.
    package static func detach(_ name: String) throws(SystemError) {
        try check("umount2", name) { umount2(name, CInt(MNT_DETACH) | CInt(UMOUNT_NOFOLLOW)) }
    }

    /// Changes the propagation of the whole tree at `/`. The corresponding call is `mount(2)`.
    package static func propagate(_ propagation: Propagation, at path: String = "/", recursive: Bool = true) throws(SystemError) {
        try check("mount", path) { mount(nil, path, nil, (recursive ? UInt(MS_REC) : 0) | propagation.flag, nil) }
    }

    /// Makes the working directory's mount the root, and lets go of the old one.
    /// The old root ends up mounted on the new one, so no directory for it is needed: `pivot_root(2)`, "pivot_root(".", ".")".
    package static func pivotToWorkingDirectory() throws(SystemError) {
        try check("pivot_root") { linux_pivot_root(".", ".") }
        try check("umount2") { umount2(".", CInt(MNT_DETACH)) }
        try check("chdir", "/") { chdir("/") }
    }
}

/// Where a file lies among mounts.
package struct MountPosition: Sendable, Equatable {
    /// The kernel's number of the mount; it may be given to another once this one is gone.
    package let mount: UInt64
    /// Whether the file is what one sees at the mount's own place.
    package let isTop: Bool

    /// The corresponding call is `statx(2)`, Linux 5.8.
    package init(of descriptor: borrowing FileDescriptor) throws(SystemError) {
        var mount: UInt64 = 0
        var attributes: UInt64 = 0
        try check("statx") { linux_statx_mount(descriptor.raw, "", CInt(linux_at_empty_path), &mount, &attributes) }
        self.mount = mount
        isTop = attributes & 0x2000 != 0  // STATX_ATTR_MOUNT_ROOT
    }
}

/// A file system being configured. The corresponding call is `fsopen(2)`, Linux 5.2.
package struct FileSystemContext: ~Copyable {
    private let descriptor: FileDescriptor
    private let type: String

    package init(_ type: String) throws(SystemError) {
        self.type = type
        descriptor = FileDescriptor(owning: try check("fsopen", type) { linux_fsopen(type, UInt32(linux_fsopen_cloexec)) })
    }

    package func set(_ key: String, _ value: String) throws(SystemError) {
        try configure("\(key)=\(value)") { linux_fsconfig(descriptor.raw, UInt32(linux_fsconfig_set_string), key, value, 0) }
    }

    package func set(flag key: String) throws(SystemError) {
        try configure(key) { linux_fsconfig(descriptor.raw, UInt32(linux_fsconfig_set_flag), key, nil, 0) }
    }

    package func set(_ key: String, descriptor value: borrowing FileDescriptor) throws(SystemError) {
        try set(key, descriptor: value.raw)
    }

    package func set(_ key: String, descriptor raw: CInt) throws(SystemError) {
        try configure(key) { linux_fsconfig(descriptor.raw, UInt32(linux_fsconfig_set_fd), key, nil, raw) }
    }

    /// Makes the superblock and gives back its root as a mount that is attached nowhere.
    package consuming func mount(_ attributes: MountAttributes = []) throws(SystemError) -> Mount {
        try configure(type) { linux_fsconfig(descriptor.raw, UInt32(linux_fsconfig_cmd_create), nil, nil, 0) }
        return Mount(
            owning: FileDescriptor(
                owning: try check("fsmount", type) {
                    linux_fsmount(descriptor.raw, UInt32(linux_fsmount_cloexec), UInt32(attributes.rawValue))
                }))
    }

    private func configure(_ subject: String, _ body: () -> CInt) throws(SystemError) {
        do throws(SystemError) {
            try check("fsconfig", "\(type) \(subject)", body)
        } catch {
            // The kernel leaves its reason as text in the context (`fsopen(2)`, "e MESSAGE"), better than an errno alone.
            guard let message = try? descriptor.read(atMost: 1024), message.count > 2 else { throw error }
            let reason = String(decoding: message.dropFirst(2), as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            throw SystemError(call: "mount", subject: "\(type) (\(reason))", errno: error.errno)
        }
    }
}

extension FileDescriptor {
    /// The same directory, with all that is mounted below, by mounts of its own through which no device can be opened. For a tree in which
    /// somebody may put one at any moment: who opens a device has used it already.
    package func withoutDevices() throws(SystemError) -> FileDescriptor {
        let copy = try Mount(cloning: "", at: place, recursive: true)
        try copy.set(.noDevices, recursive: true)
        return FileDescriptor(owning: copy.release())
    }
}
