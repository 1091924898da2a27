// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Volumes: `containers/.volumes/NAME`, a directory that outlives containers. Its files keep the container's own ids, as images do.
struct Volumes {
    /// What one mount request comes to.
    struct Resolved {
        let mount: Spec.Mount
        var point: Record.MountPoint
    }

    let home: String
    /// With a user namespace, files are shown with its ids.
    let idmaps: Bool
    /// The container's directory.
    let container: Place

    /// A volume without a name of its own is noted in the container's directory before it is made, as a link that leads nowhere:
    /// a container that is killed in the making has no record yet, and takes it along all the same.
    static let note = "volume."

    func resolve(_ request: MountRequest, root: borrowing FileDescriptor) throws(EngineError) -> Resolved {
        let destination = request.destination
        guard destination.isAbsolutePath, !destination.utf8.contains(0) else {
            throw .refused("the mount destination \(destination) must be an absolute path")
        }
        let parts = destination.pathComponents
        guard !parts.isEmpty, !parts.contains("..") else { throw .refused("nothing can be mounted at \(destination)") }
        var point = Record.MountPoint()
        point.destination = destination
        point.writable = !request.isReadOnly
        switch request.kind {
        case .tmpfs:
            point.type = "tmpfs"
            var options = ["nosuid", "nodev", "noexec"] + request.options
            if request.isReadOnly { options.append("ro") }
            return Resolved(mount: Spec.Mount(destination: destination, type: "tmpfs", source: "tmpfs", options: options), point: point)
        case .tree(_, let pid):
            point.type = "bind"
            point.source = "/proc/\(pid)/root"
            // It is shown with that process's ids already.
            let mount = Spec.Mount(destination: destination, type: "bind", source: point.source, options: ["rbind", "rprivate"])
            return Resolved(mount: mount, point: point)
        case .bind(let source, let createsSource):
            point.type = "bind"
            point.source = try bindSource(source, createsSource)
        case .volume(let name):
            point.type = "volume"
            point.anonymous = name == nil
            let chosen = if let name { name } else { try newName() }
            point.name = chosen
            point.source = try volume(chosen, filledFrom: request.copiesUp ? destination : nil, root)
        }
        return Resolved(mount: bind(point, request), point: point)
    }

    private func bind(_ point: Record.MountPoint, _ request: MountRequest) -> Spec.Mount {
        // Every mount below a read-only one is read-only too (`rro`), as docker has it since 25.
        var options = request.options.contains("bind") ? [] : ["rbind"]
        options += [request.isReadOnly ? "rro" : "rw"] + request.options
        if request.isReadOnly { options.append("ro") }
        if !request.options.contains(where: { $0.hasSuffix("private") || $0.hasSuffix("slave") || $0.hasSuffix("shared") }) {
            options.append("rprivate")
        }
        if idmaps { options.append("ridmap") }
        return Spec.Mount(destination: point.destination, type: "bind", source: point.source, options: options)
    }

    private func bindSource(_ source: String, _ createsSource: Bool) throws(EngineError) -> String {
        do throws(SystemError) {
            let path = source.isAbsolutePath ? source : "\(try Machine.workingDirectory())/\(source)"
            if createsSource, (try? FileStatus(of: path, followLinks: true)) == nil { try Directory.makeAll(path, mode: 0o755) }
            _ = try FileStatus(of: path, followLinks: true)
            return path
        } catch {
            if error.errno == ENOENT { throw .refused("bind source path does not exist: \(source)") }
            throw .system(doing: "bind \(source)", error)
        }
    }

    /// Opens or makes a volume; an empty one is filled with what the image has at the destination.
    private func volume(_ name: String, filledFrom destination: String?, _ root: borrowing FileDescriptor) throws(EngineError) -> String {
        guard ContainerName(name) != nil else {
            throw .refused(
                "\(name) is no volume name: letters, digits, _ . and -, the first a letter or digit; for a folder of this machine write its path with a /"
            )
        }
        let path = "\(home)/containers/.volumes/\(name)"
        do throws(SystemError) {
            try Directory.makeAll("\(home)/containers/.volumes", mode: 0o700)
            let isNew = (try? FileStatus(of: path)) == nil
            try Directory.make(path, mode: 0o755)
            if isNew { Journal(root: home).add(Event(.volume, "create", name, ["driver": "local"])) }
            guard let destination else { return path }
            let volume = try FileDescriptor(opening: path, [.directory, .noFollow])
            guard try volume.entries().isEmpty else { return path }
            let source = try FileDescriptor(resolving: destination, in: root.place, [.directory])
            let status = try source.status()
            try volume.setOwner(status.owner, status.group)
            try volume.setPermissions(status.permissions)
            try TreeCopy.contents(of: source, into: volume)
        } catch {
            // The image has nothing there.
            if error.call == "openat2", error.errno == ENOENT || error.errno == ENOTDIR { return path }
            throw .system(doing: "make the volume \(name)", error)
        }
        return path
    }

    private func newName() throws(EngineError) -> String {
        do throws(SystemError) {
            let name = try ContainerID().text
            try check("symlink", name) { symlinkat(name, container.raw, Self.note + name) }
            return name
        } catch { throw .system(doing: "make a volume", error) }
    }
}
