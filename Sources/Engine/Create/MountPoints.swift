// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The layer below all layers of an image: empty directories and files for what every container has mounted.
///
/// An image need not have them. Made in the container's own layer, as other runtimes do, they would show up in `diff`, be committed, and
/// cost each container four directories of its own; on a file system without a journal that is mounted with `discard`, each waits for the disk
/// when it goes. Here they are made once. An image that has one of these names covers it.
extension Home {
    private static let directories: [StaticString] = ["proc", "dev", "sys", "etc"]
    private static let files: [StaticString] = ["etc/hosts", "etc/hostname", "etc/resolv.conf"]

    /// The layer's directory, made if it is missing: `runtime/mountpoints`.
    func mountPointLayer() throws(EngineError) -> String {
        let path = "\(self.path)/runtime/mountpoints"
        if faccessat(runtime.raw, "mountpoints", F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return path }
        do throws(SystemError) {
            // Whoever is killed on the way leaves what the next one finishes; whoever comes second finds it done.
            try Directory.make(".mountpoints", at: runtime.place, mode: 0o755)
            let layer = try FileDescriptor(opening: ".mountpoints", at: runtime.place, [.directory, .noFollow])
            for name in Self.directories { try Directory.make(name.description, at: layer.place, mode: 0o755, exactly: true) }
            for name in Self.files {
                let file = try FileDescriptor(opening: name.description, at: layer.place, [.writeOnly, .create, .noFollow], mode: 0o644)
                try file.setPermissions(0o644)
            }
            try layer.setPermissions(0o755)
            try runtime.place.move(".mountpoints", to: "mountpoints")
        } catch {
            // Another run has made it meanwhile.
            if faccessat(runtime.raw, "mountpoints", F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return path }
            throw .system(doing: "make the layer of mount points", error)
        }
        return path
    }
}
