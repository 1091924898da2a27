// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The container's root, held by descriptor until the child executes the program. Every path in it is hostile: links are followed
/// inside it and nowhere else.
struct RootDirectory: Sendable {
    let place: Place

    init(holding descriptor: consuming FileDescriptor) { place = Place(raw: descriptor.release()) }

    func open(_ path: String, _ flags: OpenFlags = .path, followLinks: Bool = true) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(
            resolving: path.isEmpty ? "/" : path, in: place, flags,
            resolve: followLinks ? [.inRoot, .noMagicLinks] : [.inRoot, .noMagicLinks, .noSymlinks])
    }

    /// The place for a mount, made if it is missing: a directory, or an empty file for what is not one.
    /// With `followLinks` false any link on the way is the error `ELOOP`.
    /// - Parameter forUser: what is mounted comes from the user: it may not cover what the kernel shows, by whatever name it gets there.
    func mountPoint(
        _ path: String, isDirectory: Bool, followLinks: Bool = true, forUser: Bool = false
    ) throws(SystemError) -> FileDescriptor {
        let point = try makeMountPoint(path, isDirectory: isDirectory, followLinks: followLinks)
        guard forUser else { return point }
        let status = try point.status()
        let top = try FileStatus(ofDescriptor: place.raw)
        if status.inode == top.inode, status.device == top.device {
            throw SystemError(call: "mount", subject: "\(path): it is the root", errno: EPERM)
        }
        if !isDirectory, status.kind == .directory {
            throw SystemError(call: "mount", subject: path, errno: EISDIR)
        }
        // Covered files of /proc can fool whoever reads or writes them (CVE-2025-52881); a few tools need these, which decide nothing.
        if try point.fileSystemMagic() == 0x9fa0, !Self.harmlessInProc.contains(where: { $0.description == path }) {
            throw SystemError(call: "mount", subject: "\(path): it lies in /proc", errno: EPERM)
        }
        return point
    }

    private static let harmlessInProc: [StaticString] = [
        "/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/slabinfo", "/proc/stat", "/proc/swaps", "/proc/uptime",
        "/proc/net/dev",
    ]

    private func makeMountPoint(
        _ path: String, isDirectory: Bool, followLinks: Bool, linksSeen: Int = 0
    ) throws(SystemError) -> FileDescriptor {
        do throws(SystemError) {
            return try open(path, isDirectory ? [.path, .directory] : .path, followLinks: followLinks)
        } catch  where error.errno == ENOENT {
        } catch  where error.errno == ENOTDIR && isDirectory {
            // Itself, or one on the way to it?
            _ = try open(path, .path, followLinks: followLinks)
            throw SystemError(call: "mount", subject: path, errno: ENOTDIR)
        }
        // systemd's images have links to what their services would make, /etc/resolv.conf above all. What such a link means lies in here too.
        if followLinks, let meant = try withoutDanglingLink(path) {
            guard linksSeen < 40 else { throw SystemError(call: "mount", subject: path, errno: ELOOP) }
            return try makeMountPoint(meant, isDirectory: isDirectory, followLinks: true, linksSeen: linksSeen + 1)
        }
        let entry = try self.entry(path, followLinks: followLinks)
        if isDirectory {
            if mkdirat(entry.directory.raw, entry.name, 0o755) != 0, errno != EEXIST {
                throw SystemError(call: "mkdir", subject: path, errno: errno)
            }
            return try FileDescriptor(opening: entry.name, at: entry.directory.place, [.path, .directory, .noFollow])
        }
        do throws(SystemError) {
            _ = try FileDescriptor(opening: entry.name, at: entry.directory.place, [.create, .exclusive, .noFollow], mode: 0o644)
        } catch  where error.errno == EEXIST {
        } catch { throw SystemError(call: "creat", subject: path, errno: error.errno) }
        return try open(path, .path, followLinks: followLinks)
    }

    /// The path that is meant where a component of this one is a link to what is missing; nil where none is.
    private func withoutDanglingLink(_ path: String) throws(SystemError) -> String? {
        var done = ""
        var rest = path.pathComponents[...]
        while let component = rest.popFirst() {
            let next = "\(done)/\(component)"
            do throws(SystemError) {
                _ = try open(next)
                done = next
                continue
            } catch  where error.errno == ENOENT {}
            let folder = try open(done, [.path, .directory])
            let link: [UInt8]
            do throws(SystemError) {
                link = try folder.place.readLink(String(component))
            } catch  where error.errno == EINVAL || error.errno == ENOENT { return nil }
            let target = String(decoding: link, as: UTF8.self)
            return ([target.isAbsolutePath ? target : "\(done)/\(target)"] + rest.map(String.init)).joined(separator: "/")
        }
        return nil
    }

    /// Opens a directory, making each missing component in the directory above it, held by descriptor.
    /// A link that points to nothing is the error of resolving it: what a link names is made for a mount alone (`makeMountPoint`).
    func directory(_ path: String, followLinks: Bool = true, mode: mode_t = 0o755) throws(SystemError) -> FileDescriptor {
        var parts: [Substring] = []
        var here = try open("/", [.path, .directory])
        for component in path.pathComponents where component != "." {
            if component == ".." { _ = parts.popLast() } else { parts.append(component) }
            let done = "/" + parts.joined(separator: "/")
            do throws(SystemError) {
                here = try open(done, [.path, .directory], followLinks: followLinks)
                continue
            } catch  where error.errno == ENOENT && component != ".." {}
            if mkdirat(here.raw, String(component), mode) != 0, errno != EEXIST {
                throw SystemError(call: "mkdir", subject: done, errno: errno)
            }
            here = try open(done, [.path, .directory], followLinks: followLinks)
        }
        return here
    }

    /// A name in a directory that is held by descriptor.
    struct Entry: ~Copyable {
        let directory: FileDescriptor
        let name: String
    }

    /// The directory that a path's last component lies in, made if it is missing, and that component.
    func entry(_ path: String, followLinks: Bool = true) throws(SystemError) -> Entry {
        let (folder, name) = try Self.split(path)
        return Entry(directory: try self.folder(folder, followLinks: followLinks), name: name)
    }

    private static func split(_ path: String) throws(SystemError) -> (folder: String, name: String) {
        let (folder, name) = path.folderAndName
        guard path.isAbsolutePath, !name.isEmpty, name != ".", name != ".." else {
            throw SystemError(call: "open", subject: path, errno: EINVAL)
        }
        return (folder, name)
    }

    private func folder(_ path: String, followLinks: Bool = true) throws(SystemError) -> FileDescriptor {
        do throws(SystemError) { return try open(path, [.path, .directory], followLinks: followLinks) } catch  where error.errno == ENOENT {
            return try directory(path, followLinks: followLinks)
        }
    }

    /// Calls `body` with each path's position, the directory that its last component lies in, made if it is missing, and that component.
    /// Neighbours in one directory share its descriptor.
    func forEachEntry(_ paths: [String], _ body: (Int, Place, String) throws(SystemError) -> Void) throws(SystemError) {
        var held: (path: String, raw: CInt)?
        defer { if let held { close(held.raw) } }
        for (index, path) in paths.enumerated() {
            let (folder, name) = try Self.split(path)
            if held?.path != folder {
                let next = try self.folder(folder).release()
                if let held { close(held.raw) }
                held = (folder, next)
            }
            if let held { try body(index, Place(raw: held.raw), name) }
        }
    }
}

extension RootDirectory {
    /// Fills a new file system with what the directory it will cover holds.
    func copyUp(from point: borrowing FileDescriptor, into mount: borrowing Mount) throws(SystemError) {
        let source = try FileDescriptor(opening: ".", at: point.place, [.directory])
        let target = try FileDescriptor(opening: ".", at: mount.descriptor.place, [.directory])
        let status = try source.status()
        try target.setOwner(status.owner, status.group)
        try TreeCopy.contents(of: source, into: target)
    }
}
