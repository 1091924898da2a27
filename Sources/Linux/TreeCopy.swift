// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Copies a tree by descriptors: nothing outside `source` is read, nothing outside `target` written, no link followed.
package enum TreeCopy {
    /// Copies what `source` holds into `target`, owners, modes, times, links and extended attributes included. Sockets and devices are left out.
    package static func contents(of source: borrowing FileDescriptor, into target: borrowing FileDescriptor) throws(SystemError) {
        // Relative paths, so that depth costs memory and no descriptors.
        var pending = [""]
        while let folder = pending.popLast() {
            let from = try open(folder, in: source)
            let to = try open(folder, in: target)
            for entry in try from.entries() {
                let path = folder.isEmpty ? entry.name : "\(folder)/\(entry.name)"
                if try copy(entry.name, from, to) == .directory { pending.append(path) }
            }
        }
    }

    private static func open(_ path: String, in root: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(resolving: path.isEmpty ? "." : path, in: root.place, [.directory], resolve: [.beneath, .noSymlinks])
    }

    private static func copy(
        _ name: String, _ from: borrowing FileDescriptor, _ to: borrowing FileDescriptor
    ) throws(SystemError) -> FileStatus.Kind {
        let status = try FileStatus(of: name, at: from.place)
        switch status.kind {
        case .directory:
            try Directory.make(name, at: to.place)
            let made = try FileDescriptor(opening: name, at: to.place, [.directory, .noFollow])
            try finish(made, as: status)
        case .regular:
            let reader = try FileDescriptor(opening: name, at: from.place, [.noFollow, .nonBlocking])
            let writer = try FileDescriptor(opening: name, at: to.place, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
            while try check("sendfile", name, { sendfile(writer.raw, reader.raw, nil, 1 << 20) }) > 0 {}
            try finish(writer, as: status)
        case .symlink:
            var buffer = [CChar](repeating: 0, count: 4097)
            try check("readlink", name) { readlinkat(from.raw, name, &buffer, 4096) }
            let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            try check("symlink", name) { symlinkat(text, to.raw, name) }
            try check("fchownat", name) { fchownat(to.raw, name, status.owner, status.group, AT_SYMLINK_NOFOLLOW) }
        case .fifo:
            try check("mknod", name) { mknodat(to.raw, name, status.mode, 0) }
        case .socket, .character, .block: break
        }
        return status.kind
    }

    private static func finish(_ made: borrowing FileDescriptor, as status: FileStatus) throws(SystemError) {
        try check("fchown") { fchown(made.raw, status.owner, status.group) }
        // After the owner, whose change clears the set-id bits.
        try check("fchmod") { fchmod(made.raw, status.permissions) }
        var times = [status.modified, status.modified]
        try check("futimens") { futimens(made.raw, &times) }
    }
}
