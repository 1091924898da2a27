// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Images
package import Linux
import Runtime

extension Container {
    /// Writes a tar of the container's files, without what is mounted among them.
    package func export(to target: borrowing FileDescriptor, in home: borrowing Home, meter: ByteMeter? = nil) throws(EngineError) {
        var style = TreeTar.Style()
        let root: FileDescriptor
        if try status(in: Machine.boot()).isUp {
            if record.sharesRoot { try home.protectProgram() }
            root = try openRoot()
            // Seen from here, files bear the ids of the host that the container's stand for.
            style.users = (record.users ?? []).map(IDRange.init)
            style.groups = (record.groups ?? []).map(IDRange.init)
        } else {
            root = try openStopped(in: home)
        }
        tell("export")
        do throws(ImageError) {
            let tree = try TreeTar(of: root, style)
            tree.meter = meter
            try tree.write(to: target)
        } catch {
            // The reader has had enough: no more to do, and nothing to tell.
            if case .system(let cause) = error { throw .system(doing: "export \(name)", cause) }
            throw .image(error)
        }
    }

    /// The root of a container that does not run, as it will be, to be read.
    func openStopped(in home: borrowing Home) throws(EngineError) -> FileDescriptor {
        do throws(SystemError) {
            guard record.layers != nil else { return try FileDescriptor(opening: record.image, [.path, .directory]) }
            return try Overlay.view(of: layerPaths(in: home) + ["\(path)/upper"])
        } catch {
            throw .system(doing: "look at the files of \(name)", error)
        }
    }

    /// The root of the container's mount namespace, opened by a process of ours that enters it. It is held by descriptor from then on, so
    /// nothing that the container mounts or moves leads out of it, and no device is opened in it, whatever takes a file's name.
    func openRoot() throws(EngineError) -> FileDescriptor {
        let process = try process(toAllow: .signal, "look at the files of")
        do throws(SystemError) {
            return try Errand.fetch { () throws(SystemError) in
                try process.descriptor.join(.mount)
                return try FileDescriptor(opening: "/", [.path, .directory]).withoutDevices()
            }
        } catch {
            throw .system(doing: "look at the files of \(name)", error)
        }
    }
}

extension IDRange {
    init(_ range: Record.Range) { self.init(container: range.container, host: range.host, size: range.size) }
}
