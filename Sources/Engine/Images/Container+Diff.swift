// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import Runtime

/// What a container did to one path of its image.
package struct FileChange: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case added = "A"
        case changed = "C"
        case deleted = "D"
    }

    package let kind: Kind
    package let path: String
}

extension Container {
    /// What the container wrote and removed, in the order of the paths: its own layer, seen over those below.
    package func changes(in home: borrowing Home) throws(EngineError) -> [FileChange] {
        let places = Set((try spec().mounts ?? []).filter { $0.source?.hasPrefix(path + "/") == true }.map(\.destination))
        do throws(SystemError) {
            let upper = try openUpper()
            let image = try Overlay.view(of: layerPaths(in: home))
            var changes: [FileChange] = []
            // Relative paths, so that depth costs memory and no descriptors. The container may go on meanwhile: no link is followed.
            var pending: [[CChar]] = [Self.top]
            while let folder = pending.popLast() {
                guard let directory = try Self.open(folder, in: upper) else { continue }
                let known = Set(try Self.names(folder, in: image))
                let shown = folder == Self.top ? "/" : "/\(folder.text)/"
                let names = try directory.names()
                // Places for what is mounted for every container, such as /etc/hosts, are not its doing, nor is their folder's change.
                let own = names.filter { !places.contains(shown + $0.text) }
                if own.isEmpty, !names.isEmpty { changes.removeAll { $0.path + "/" == shown && $0.kind == .changed } }
                for name in own {
                    guard let status = try directory.place.status(of: name) else { continue }
                    let path = shown + name.text
                    if status.kind == .character, status.rawDevice == 0 {
                        changes.append(FileChange(kind: .deleted, path: path))
                        continue
                    }
                    changes.append(FileChange(kind: known.contains(name) ? .changed : .added, path: path))
                    if status.kind == .directory {
                        pending.append(folder == Self.top ? name : folder.dropLast() + [CChar(UInt8(ascii: "/"))] + name)
                    }
                }
            }
            return changes.sorted { $0.path < $1.path }
        } catch {
            throw .system(doing: "look at what \(name) has changed", error)
        }
    }

    /// The container's own layer. One that runs in a directory of the host's has none.
    func openUpper() throws(SystemError) -> FileDescriptor {
        try FileDescriptor(opening: "upper", at: directory.place, [.directory, .noFollow])
    }

    /// The layers it runs on, from the bottom up.
    func layerPaths(in home: borrowing Home) -> [String] { (record.layers ?? []).map { "\(home.path)/images/unpacked/sha256/\($0)" } }

    private static let top: [CChar] = [CChar(UInt8(ascii: ".")), 0]

    /// What the image has in a directory; nothing where it has none.
    private static func names(_ folder: [CChar], in image: borrowing FileDescriptor) throws(SystemError) -> [[CChar]] {
        try open(folder, in: image)?.names() ?? []
    }

    /// Nil where there is no directory, or none any more.
    private static func open(_ path: [CChar], in root: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor? {
        do throws(SystemError) {
            return try root.place.resolve(path, [.directory], resolve: [.beneath, .noSymlinks])
        } catch  where [ENOENT, ENOTDIR, ELOOP].contains(error.errno) { return nil }
    }
}
