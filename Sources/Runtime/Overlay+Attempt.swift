// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

extension Overlay {
    /// Makes an overlay as a launch does, writes through it, and looks whether what was written is the image's root's on disk.
    /// - Parameters:
    ///   - directory: an empty one, on the file system in question.
    ///   - owner: the first of 65536 ids of this machine that it is shown with; nil for none.
    package static func attempt(in directory: String, owner: UInt32?) throws(SystemError) {
        for name in ["lower", "changes", "changes/upper", "changes/work"] { try Directory.make("\(directory)/\(name)", mode: 0o755) }
        let overlay = Overlay(layers: ["\(directory)/lower"], changes: "\(directory)/changes")
        var spent: [CInt] = []
        defer { for raw in spent { close(raw) } }
        guard let owner else {
            return try write(through: overlay.mount(for: nil, spent: &spent), "\(directory)/changes/upper", as: 0)
        }
        let map = IDMap([IDRange(container: 0, host: owner, size: 65536)])
        let users = UserMap(users: map, groups: map)
        let namespace = try FileDescriptor(newUserNamespace: users)
        let mount = try overlay.mount(for: UserNamespaceView(raw: namespace.raw, map: users), spent: &spent)
        try write(through: mount, "\(directory)/changes/upper", as: owner)
    }

    private static func write(through mount: borrowing Mount, _ upper: String, as owner: UInt32) throws(SystemError) {
        let identity = try FileSystemIdentity(user: owner, group: owner)
        do throws(SystemError) {
            _ = try FileDescriptor(opening: "file", at: mount.descriptor.place, [.writeOnly, .create, .exclusive], mode: 0o600)
        } catch {
            identity.end()
            throw error
        }
        identity.end()
        let status = try FileStatus(of: "\(upper)/file")
        guard status.owner == 0 else { throw SystemError(call: "mount_setattr", subject: "ids are not those of the image", errno: EPROTO) }
    }
}
