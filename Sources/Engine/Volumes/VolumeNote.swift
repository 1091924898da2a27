// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// That a container has a volume, said in its directory before the volume is made, by a link that leads nowhere. A container in the making
/// has no record that would say so, and nobody can read a damaged one.
struct VolumeNote {
    let volume: String
    /// It has no name of its own and was made for this container, with which it goes.
    let isOwn: Bool

    private static let own = "volume."
    private static let others = "others."

    init(_ volume: String, isOwn: Bool) {
        self.volume = volume
        self.isOwn = isOwn
    }

    /// Nil for what else lies in a container's directory.
    private init?(_ entry: DirectoryEntry) {
        guard entry.kind == .symlink, let prefix = [Self.own, Self.others].first(where: entry.name.hasPrefix),
            let name = ContainerName(String(entry.name.dropFirst(prefix.utf8.count)))
        else { return nil }
        self.init(name.text, isOwn: prefix == Self.own && ContainerID(name.text) != nil)
    }

    private var file: String { (isOwn ? Self.own : Self.others) + volume }

    /// - Parameter container: its directory.
    func write(in container: Place) throws(SystemError) {
        do throws(SystemError) {
            try check("symlink", file) { symlinkat(volume, container.raw, file) }
        } catch  where error.errno == EEXIST {}
    }

    func remove(in id: ContainerID, of home: borrowing Home) throws(SystemError) {
        try Directory.removeAll("\(id)/\(file)", at: home.containers.place)
    }

    /// Those of a container; none of one that is gone.
    static func all(of id: ContainerID, in home: borrowing Home) throws(SystemError) -> [VolumeNote] {
        do throws(SystemError) {
            let directory = try FileDescriptor(opening: id.text, at: home.containers.place, [.directory, .noFollow])
            return try directory.entries().compactMap { VolumeNote($0) }
        } catch  where error.errno == ENOENT { return [] }
    }
}
