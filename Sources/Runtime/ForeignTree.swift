// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Mount {
    /// A private copy of all that a process sees at a path below `/proc/PID/root`. The kernel copies mounts of the caller's own mount
    /// namespace only, so a process of ours enters that one and sends the copy back.
    /// Nil if the path is no such path.
    static func tree(of path: String, recursive: Bool) throws(SystemError) -> Mount? {
        let parts = path.pathComponents
        guard path.isAbsolutePath, parts.count >= 3, parts[0] == "proc", parts[2] == "root", let pid = pid_t(parts[1]), pid > 0 else {
            return nil
        }
        let inner = "/" + parts.dropFirst(3).joined(separator: "/")
        let namespace = try FileDescriptor(namespace: .mount, at: "/proc/\(pid)/ns/mnt")
        let copy = try Errand.fetch { () throws(SystemError) in
            try namespace.join(.mount)
            // Links in there are the process's own, and lead nowhere but into it.
            let root = try FileDescriptor(opening: "/", [.path, .directory])
            let place = try FileDescriptor(resolving: inner, in: root.place, .path)
            return FileDescriptor(owning: try Mount(cloning: "", at: place.place, recursive: recursive).release())
        }
        return Mount(owning: copy)
    }
}
