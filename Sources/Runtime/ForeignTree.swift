// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Mount {
    /// A private copy of all that a process sees at a path below `/proc/PID/root`. The kernel copies mounts of the caller's own mount
    /// namespace only, so a process of ours enters that one and sends the copy back.
    /// Nil if the path is no such path.
    static func tree(of path: String, recursive: Bool) throws(SystemError) -> Mount? {
        let parts = path.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: true)
        guard path.hasPrefix("/proc/"), parts.count >= 3, parts[0] == "proc", parts[2] == "root", let pid = pid_t(parts[1]), pid > 0 else {
            return nil
        }
        let inner = parts.count > 3 ? "/" + parts[3] : "/"
        let namespace = try FileDescriptor(namespace: .mount, at: "/proc/\(pid)/ns/mnt")
        let pair = try MessageSocket.pair()
        guard case .parent(_, let helper) = try Process.clone() else {
            do throws(SystemError) {
                try Process.setDumpable(false)
                try namespace.join(.mount)
                // Links in there are the process's own, and lead nowhere but into it.
                let root = try FileDescriptor(opening: "/", [.path, .directory])
                let place = try FileDescriptor(resolving: inner, in: root.place, .path)
                let copy = try Mount(cloning: "", at: place.place, recursive: recursive)
                try pair.second.send(ChannelMessage.mounts.bytes, descriptors: [copy.descriptor.raw])
            } catch {
                try? pair.second.send(ChannelMessage.failed(StepFailure(step: "copy mounts", error: error)).bytes)
            }
            Process.exit(0)
        }
        let ours = MessageSocket(pair)
        var message = try ours.receive()
        _ = try helper.reap()
        if let raw = message?.takeDescriptors().first { return Mount(owning: FileDescriptor(owning: raw)) }
        if let bytes = message?.bytes, case .failed(let failure) = ChannelMessage(bytes) { throw failure.error }
        throw SystemError(call: "setns", subject: path, errno: ECHILD)
    }
}
