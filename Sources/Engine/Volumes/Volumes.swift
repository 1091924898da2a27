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

    func resolve(_ request: MountRequest, root: borrowing FileDescriptor) throws(EngineError) -> Resolved {
        let destination = request.destination
        guard destination.isAbsolutePath, !destination.utf8.contains(0) else {
            throw .refused("the mount destination '\(destination)' must be an absolute path")
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
            point.anonymous = name == nil || request.isAnonymous
            let chosen = if let name { name } else { try newName() }
            point.name = chosen
            let volume = try volume(chosen, request, isOthers: name != nil, root)
            point.source = volume.path
            if volume.isReadOnly { point.writable = false }
        }
        point.lender = request.lender?.text
        return Resolved(mount: bind(point, request.options), point: point)
    }

    private func bind(_ point: Record.MountPoint, _ asked: [String]) -> Spec.Mount {
        // Every mount below a read-only one is read-only too (`rro`), as docker has it since 25.
        var options = asked.contains("bind") ? [] : ["rbind"]
        options += [point.writable ? "rw" : "rro"] + asked
        if !point.writable { options.append("ro") }
        if !asked.contains(where: { $0.hasSuffix("private") || $0.hasSuffix("slave") || $0.hasSuffix("shared") }) {
            options.append("rprivate")
        }
        if idmaps { options.append("ridmap") }
        return Spec.Mount(destination: point.destination, type: "bind", source: point.source, options: options)
    }

    private func bindSource(_ source: String, _ createsSource: Bool) throws(EngineError) -> String {
        do throws(SystemError) {
            let path = try source.absolutePath()
            if createsSource, (try? FileStatus(of: path, followLinks: true)) == nil { try Directory.makeAll(path, mode: 0o755) }
            _ = try FileStatus(of: path, followLinks: true)
            return path
        } catch {
            if error.errno == ENOENT { throw .refused("bind source path does not exist: \(source)") }
            throw .system(doing: "bind \(source)", error)
        }
    }

    /// Opens or makes a volume; an empty one is filled with what the image has at the destination.
    /// - Parameter isOthers: it is named, so that somebody else may have it too.
    private func volume(
        _ name: String, _ request: MountRequest, isOthers: Bool, _ root: borrowing FileDescriptor
    ) throws(EngineError) -> (path: String, isReadOnly: Bool) {
        guard ContainerName(name) != nil else {
            throw .refused(
                "\(name) is no volume name: letters, digits, _ . and -, the first a letter or digit; for a folder of this machine write its path with a /"
            )
        }
        try request.definition.check()
        do throws(SystemError) {
            let definition = try take(name, request, isOthers)
            let path = definition.path(of: name, in: home)
            if request.copiesUp, !definition.isReadOnly { try fill(path, from: request.destination, root) }
            return (path, definition.isReadOnly)
        } catch {
            throw .system(doing: "use the volume \(name)", error)
        }
    }

    /// From here on the volume is the container's too: whoever removes one holds the same lock, and finds the note.
    private func take(_ name: String, _ request: MountRequest, _ isOthers: Bool) throws(SystemError) -> VolumeDefinition {
        let folder = try VolumeFolder(making: home)
        try folder.lock()
        defer { folder.unlock() }
        // What is lent is there, unless it went with its lender just now.
        if request.lender != nil { _ = try FileStatus(of: name, at: folder.directory.place) }
        try VolumeNote(name, isOwn: !isOthers).write(in: container)
        if try folder.make(name, request.definition) { Journal(root: home).add(Event(.volume, "create", name, ["driver": "local"])) }
        // The name of a nameless one: it goes with the last container that has it.
        if isOthers, ContainerID(name) != nil { try folder.share(name) }
        return try folder.definition(of: name)
    }

    /// Copies what the image has at a place into a directory that is empty.
    private func fill(_ path: String, from destination: String, _ root: borrowing FileDescriptor) throws(SystemError) {
        let volume = try FileDescriptor(opening: path, [.directory])
        guard try volume.entries().isEmpty else { return }
        let source: FileDescriptor
        do throws(SystemError) { source = try FileDescriptor(resolving: destination, in: root.place, [.directory]) } catch
            where error.errno == ENOENT || error.errno == ENOTDIR
        { return }
        let status = try source.status()
        try volume.setOwner(status.owner, status.group)
        try volume.setPermissions(status.permissions)
        try TreeCopy.contents(of: source, into: volume)
    }

    private func newName() throws(EngineError) -> String {
        do throws(SystemError) { return try ContainerID().text } catch { throw .system(doing: "make a volume", error) }
    }
}
