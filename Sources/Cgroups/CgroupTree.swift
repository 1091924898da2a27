// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Walks and removes cgroup directories. A container that may write its own cgroup can nest deeper than a path is long and than
/// descriptors last, so one descriptor climbs down and, by `..`, up again; cgroup directories cannot be moved away under it.
enum CgroupTree {
    /// Calls `enter` in each directory, the top first, with the names that lead there, which may be of any bytes,
    /// and `leave` in its parent once everything below is done.
    static func walk(
        _ top: String, enter: (Place, [[CChar]]) throws(SystemError) -> Void = { _, _ in },
        leave: (Place, [CChar]) throws(SystemError) -> Void = { _, _ in }
    ) throws(SystemError) {
        var current = try FileDescriptor(opening: top, [.directory, .noFollow])
        var names: [[CChar]] = []
        try enter(current.place, names)
        var pending = [try children(current)]
        while let level = pending.indices.last {
            if let name = pending[level].popLast() {
                let child: FileDescriptor
                do throws(SystemError) {
                    child = try current.place.open(name, [.directory, .noFollow])
                } catch  where error.errno == ENOENT || error.errno == ENODEV {
                    continue
                }
                current = child
                names.append(name)
                try enter(current.place, names)
                pending.append(try children(current))
            } else {
                pending.removeLast()
                guard let name = names.popLast() else { return }
                current = try FileDescriptor(opening: "..", at: current.place, [.directory])
                try leave(current.place, name)
            }
        }
    }

    private static func children(_ directory: borrowing FileDescriptor) throws(SystemError) -> [[CChar]] {
        var names: [[CChar]] = []
        do throws(SystemError) {
            try directory.forEachEntry { name, kind in
                if kind == .directory { names.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1))) }
            }
        } catch  where error.errno == ENOENT || error.errno == ENODEV {}
        return names
    }

    /// Makes a directory and those above it, which are marked as ours; the names of what was made, deepest first.
    static func make(_ directory: String, made: inout [String], isParent: Bool = false) throws(SystemError) {
        // The end of another container may take a parent away that was there just now.
        for _ in 0..<100 {
            do throws(SystemError) {
                try check("mkdir", directory) { mkdir(directory, 0o755) }
                made.insert(directory, at: 0)
                if isParent { Directory.mark(directory, mark) }
                return
            } catch  where error.errno == ENOENT {
                guard let parent = parent(of: directory) else { throw error }
                try make(parent, made: &made, isParent: true)
            } catch  where error.errno == EEXIST { return }
        }
        throw SystemError(call: "mkdir", subject: directory, errno: ENOENT)
    }

    /// On directories that were made for the sake of one below. It is the kernel's, and goes with them; no container can set it.
    private static var mark: StaticString { "trusted.minictl" }

    /// Removes the directories above one that were made for its sake, as far as nobody else is in them.
    static func removeParents(of directory: String) {
        var level = parent(of: directory)
        while let directory = level, Directory.hasMark(directory, mark), rmdir(directory) == 0 || errno == ENOENT {
            level = parent(of: directory)
        }
    }

    static func parent(of directory: String) -> String? {
        guard let slash = directory.utf8.lastIndex(of: UInt8(ascii: "/")), slash != directory.startIndex else { return nil }
        return String(directory[..<slash])
    }

    /// Removes a cgroup and its sub-cgroups. Missing is fine; processes that are still ending get `milliseconds` in all.
    static func remove(_ directory: String, within milliseconds: Int) throws(CgroupError) {
        var waited = 0
        var pause = 1
        while true {
            if rmdir(directory) == 0 || errno == ENOENT { return }
            let reason = errno
            guard reason == EBUSY || reason == ENOTEMPTY else {
                throw CgroupError(SystemError(call: "rmdir", subject: directory, errno: reason))
            }
            do throws(SystemError) {
                var removed = false
                try walk(
                    directory,
                    leave: { (parent: Place, name: [CChar]) throws(SystemError) in
                        if unlinkat(parent.raw, name, AT_REMOVEDIR) == 0 { removed = true }
                    })
                if removed { continue }
            } catch  where error.errno == ENOENT {
                return
            } catch { throw CgroupError(error) }
            guard waited < milliseconds else { throw .busy(directory) }
            usleep(UInt32(pause) * 1000)
            waited += pause
            pause = min(pause * 2, 50)
        }
    }
}
