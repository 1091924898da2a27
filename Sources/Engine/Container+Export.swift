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
    /// nothing that the container mounts or moves leads out of it.
    func openRoot() throws(EngineError) -> FileDescriptor {
        let process = try process(toAllow: .signal, "look at the files of")
        do throws(SystemError) {
            let pair = try MessageSocket.pair()
            guard case .parent(_, let helper) = try Process.clone() else {
                do throws(SystemError) {
                    try Process.setDumpable(false)
                    try process.descriptor.join(.mount)
                    let root = try FileDescriptor(opening: "/", [.path, .directory])
                    try pair.second.send([1], descriptors: [root.raw])
                } catch {
                    try? pair.second.send(Array("\(error.errno)".utf8))
                }
                Process.exit(0)
            }
            let ours = MessageSocket(pair)
            var message = try ours.receive()
            _ = try helper.reap()
            if let raw = message?.takeDescriptors().first { return FileDescriptor(owning: raw) }
            throw SystemError(call: "setns", subject: "mnt", errno: CInt(String(decoding: message?.bytes ?? [], as: UTF8.self)) ?? EIO)
        } catch {
            throw .system(doing: "look at the files of \(name)", error)
        }
    }
}

extension IDRange {
    init(_ range: Record.Range) { self.init(container: range.container, host: range.host, size: range.size) }
}
