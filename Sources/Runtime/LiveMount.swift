// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux
package import OCI

/// Mounts in a container that runs. A process of ours enters its user and mount namespace as its root, so it can do no more there than
/// the container could, and resolves every path as the launch does.
package enum LiveMount {
    /// Puts a tree of this machine's on a path of the container, and gives back the kernel's number of the mount.
    /// - Parameters:
    ///   - mount: a bind mount as `config.json` has it.
    ///   - target: the container's first process, held.
    package static func add(_ mount: Spec.Mount, to target: borrowing ProcessHandle, _ pid: Int32) throws(LaunchError) -> UInt64 {
        let source = try BindSource(mount, MountOptions(mount.options ?? []), LaunchOptions(bundle: "/"))
        let destination = mount.destination
        let namespaces: Namespaces
        // Open until the mount is made: by number, since what nobody uses any more may be closed before.
        var user: CInt = -1
        defer { if user >= 0 { close(user) } }
        var view: UserNamespaceView?
        do throws(SystemError) {
            namespaces = try Namespaces(differingFrom: pid)
            if namespaces.contains(.user) {
                user = try FileDescriptor(opening: "/proc/\(pid)/ns/user").release()
                view = UserNamespaceView(raw: user, map: try UserMap(of: pid))
            }
        } catch {
            throw .system(doing: "look at the container's namespaces", error)
        }
        let tree = try source.make(for: view)
        do throws(SystemError) {
            let isDirectory = try tree.descriptor.status().kind == .directory
            let number = try MountPosition(of: tree.descriptor).mount
            try perform(in: namespaces, of: target) { root throws(SystemError) in
                try tree.attach(on: root.mountPoint(destination, isDirectory: isDirectory, forUser: true))
            }
            return number
        } catch {
            throw .system(doing: "mount \(source.path) at \(destination) in the container", error)
        }
    }

    /// Takes the mount with that number away from a path of the container. Another one there is the error `EBUSY`.
    /// - Parameter number: nil for whatever is mounted there.
    package static func remove(
        _ destination: String, _ number: UInt64?, from target: borrowing ProcessHandle, _ pid: Int32
    ) throws(LaunchError) {
        do throws(SystemError) {
            let namespaces = try Namespaces(differingFrom: pid)
            try perform(in: namespaces, of: target) { root throws(SystemError) in
                let point = try root.open(destination)
                let position = try MountPosition(of: point)
                guard position.isTop else { throw SystemError(call: "umount2", subject: destination, errno: EINVAL) }
                guard number ?? position.mount == position.mount else {
                    throw SystemError(call: "umount2", subject: "\(destination): something else is mounted over it", errno: EBUSY)
                }
                // `umount2(2)` takes names only: that of the working directory cannot be exchanged.
                if try point.status().kind == .directory {
                    try check("fchdir", destination) { fchdir(point.raw) }
                    return try Mount.detach(".")
                }
                let entry = try root.entry(destination)
                try check("fchdir", destination) { fchdir(entry.directory.raw) }
                let named = try FileDescriptor(opening: entry.name, at: entry.directory.place, [.path, .noFollow])
                guard try MountPosition(of: named) == position else {
                    throw SystemError(call: "umount2", subject: destination, errno: EAGAIN)
                }
                try Mount.detach(entry.name)
            }
        } catch {
            throw .system(doing: "unmount \(destination) in the container", error)
        }
    }

    /// Does something as root of the container, with its `/` opened, in a process of its own.
    private static func perform(
        in namespaces: Namespaces, of target: borrowing ProcessHandle, _ body: (RootDirectory) throws(SystemError) -> Void
    ) throws(SystemError) {
        try Errand.run { () throws(SystemError) in
            try body(RootDirectory(holding: target.enterFiles(namespaces)))
            return nil
        }
    }
}

extension ProcessHandle {
    /// Enters its user and mount namespace for good, as their root, and opens `/` there.
    /// - Parameter namespaces: in which it differs from ours, by its number: whether that was its own is looked at here.
    package func enterFiles(_ namespaces: Namespaces) throws(SystemError) -> FileDescriptor {
        guard try !waitForEnd(milliseconds: 0) else { throw SystemError(call: "setns", subject: "the container has ended", errno: ESRCH) }
        let joined = namespaces.intersection([.user, .mount])
        if !joined.isEmpty { try descriptor.join(joined) }
        if joined.contains(.user) { try Process.becomeRoot() }
        umask(0)
        return try FileDescriptor(opening: "/", [.path, .directory])
    }
}
