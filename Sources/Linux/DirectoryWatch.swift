// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Tells when files in a directory are written, made or renamed (`inotify(7)`).
package struct DirectoryWatch: ~Copyable {
    package let descriptor: FileDescriptor

    /// - Parameter directory: an open directory; it need not stay open.
    package init(_ directory: borrowing FileDescriptor) throws(SystemError) {
        let watch = FileDescriptor(owning: try check("inotify_init1") { inotify_init1(O_CLOEXEC | O_NONBLOCK) })
        let events = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO)
        let path = "/proc/self/fd/\(directory.raw)"
        try check("inotify_add_watch", path) { inotify_add_watch(watch.raw, path, events) }
        descriptor = watch
    }

    /// Forgets what has happened so far.
    package func drain() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(descriptor.raw, &buffer, buffer.count) > 0 {}
    }
}
