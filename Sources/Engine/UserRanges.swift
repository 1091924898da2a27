// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Ranges of host ids that are given to containers, one each, so that root of one is nobody to the other.
///
/// They come from the `minictl` or `containers` line of `/etc/subuid` and `/etc/subgid`, or from a part of the id space that distributions
/// leave free. A slot is taken by the symbolic link `runtime/ids/NUMBER → ID`, which only one process can make.
struct UserRanges {
    static let size: UInt32 = 65536
    let users: UInt32
    let groups: UInt32
    let slots: UInt32

    /// Above systemd's container range (to 0x6fffffff), below its foreign range (from 0x7ffe0000): UIDs and GIDs of systemd, "Summary".
    private static let builtIn = UserRanges(users: 0x7000_0000, groups: 0x7000_0000, slots: (0x7ffe_0000 - 0x7000_0000) / size)

    static func configured() throws(EngineError) -> UserRanges {
        guard let users = try line("/etc/subuid") else { return builtIn }
        guard let groups = try line("/etc/subgid") else {
            throw .refused("/etc/subuid has a line for \(users.name), /etc/subgid has none; add one there, for example \(users.name):\(users.base):\(users.count)")
        }
        let count = min(users.count, groups.count)
        guard count >= size else {
            throw .refused("the ranges of \(users.name) in /etc/subuid and /etc/subgid are smaller than the \(size) ids of one container")
        }
        return UserRanges(users: users.base, groups: groups.base, slots: count / size)
    }

    private struct Line {
        let name: String
        let base: UInt32
        let count: UInt32
    }

    private static func line(_ path: String) throws(EngineError) -> Line? {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try File.read(path, limit: 1 << 20) } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "read \(path)", error)
        }
        var found: Line?
        for line in bytes.split(separator: UInt8(ascii: "\n")) where found?.name != "minictl" {
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count == 3, fields[0] == "minictl" || fields[0] == "containers" else { continue }
            guard let base = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0, !base.addingReportingOverflow(count).overflow else {
                throw .refused("\(path): the line of \(fields[0]) is no NAME:FIRST:COUNT")
            }
            if found == nil || fields[0] == "minictl" { found = Line(name: fields[0], base: base, count: count) }
        }
        return found
    }

    /// Takes a free slot for a container and gives back its number.
    func take(for id: ContainerID, in home: borrowing Home) throws(EngineError) -> UInt32 {
        // Where to begin comes from the id, so that most find theirs free at the first try.
        let start = id.text.utf8.prefix(8).reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) } % slots
        do throws(SystemError) {
            for offset in 0..<slots {
                let slot = (start + offset) % slots
                if try claim(slot, id, home) { return slot }
            }
        } catch {
            throw .system(doing: "take a range of user ids", error)
        }
        throw .refused("all \(slots) ranges of user ids are taken by running containers; give minictl more in /etc/subuid and /etc/subgid")
    }

    private func claim(_ slot: UInt32, _ id: ContainerID, _ home: borrowing Home) throws(SystemError) -> Bool {
        let path = "ids/\(slot)"
        for _ in 0..<3 {
            if symlinkat(id.text, home.runtime.raw, path) == 0 { return true }
            switch errno {
            case ENOENT: try Directory.make("ids", at: home.runtime.place)
            case EEXIST:
                guard try freeStale(path, home) else { return false }
            default: throw SystemError(call: "symlink", subject: path, errno: errno)
            }
        }
        return false
    }

    /// Frees the slot of a container that is gone. A container gives its slot back before it removes its runtime directory, so one
    /// without that directory was left by a crash. One process at a time looks and frees, lest it frees what another has just taken.
    private func freeStale(_ path: String, _ home: borrowing Home) throws(SystemError) -> Bool {
        let folder = try FileDescriptor(opening: "ids", at: home.runtime.place, [.directory])
        _ = try folder.lock(wait: true)
        guard let owner = Self.owner(path, home), faccessat(home.runtime.raw, owner, F_OK, 0) != 0, errno == ENOENT else { return false }
        unlinkat(home.runtime.raw, path, 0)
        return true
    }

    private static func owner(_ path: String, _ home: borrowing Home) -> String? {
        var buffer = [CChar](repeating: 0, count: 80)
        guard readlinkat(home.runtime.raw, path, &buffer, 79) == 64 else { return nil }
        return String(decoding: buffer[..<64].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The slot a container holds, looked for among all.
    static func slot(of id: ContainerID, in home: borrowing Home) throws(SystemError) -> UInt32? {
        var found: UInt32?
        do throws(SystemError) {
            let folder = try FileDescriptor(opening: "ids", at: home.runtime.place, [.directory])
            for entry in try folder.entries() where owner("ids/\(entry.name)", home) == id.text { found = UInt32(entry.name) }
        } catch where error.errno == ENOENT {}
        return found
    }

    /// Gives a slot back.
    static func release(_ slot: UInt32, of id: ContainerID, in home: borrowing Home) {
        if owner("ids/\(slot)", home) == id.text { unlinkat(home.runtime.raw, "ids/\(slot)", 0) }
    }

    /// Gives back what a container took that was never written down.
    static func releaseAll(of id: ContainerID, in home: borrowing Home) {
        guard let folder = try? FileDescriptor(opening: "ids", at: home.runtime.place, [.directory]), let entries = try? folder.entries() else { return }
        for entry in entries where owner("ids/\(entry.name)", home) == id.text { unlinkat(folder.raw, entry.name, 0) }
    }

    func map(_ slot: UInt32) -> (users: [Spec.IDMapping], groups: [Spec.IDMapping]) {
        (
            [Spec.IDMapping(containerID: 0, hostID: users + slot * Self.size, size: Self.size)],
            [Spec.IDMapping(containerID: 0, hostID: groups + slot * Self.size, size: Self.size)]
        )
    }
}

extension UserRanges {
    /// The same ids for one user and one group on both sides (`--userns keep-id`), everybody else from the range.
    static func keeping(
        _ user: UInt32, _ group: UInt32, in maps: (users: [Spec.IDMapping], groups: [Spec.IDMapping])
    ) -> (users: [Spec.IDMapping], groups: [Spec.IDMapping]) {
        (keeping(user, maps.users), keeping(group, maps.groups))
    }

    private static func keeping(_ id: UInt32, _ map: [Spec.IDMapping]) -> [Spec.IDMapping] {
        guard let whole = map.first else { return map }
        let own = Spec.IDMapping(containerID: id, hostID: id, size: 1)
        guard id < whole.size else { return [whole, own] }
        var parts = [own]
        if id > 0 { parts.insert(Spec.IDMapping(containerID: 0, hostID: whole.hostID, size: id), at: 0) }
        if id + 1 < whole.size {
            parts.append(Spec.IDMapping(containerID: id + 1, hostID: whole.hostID + id + 1, size: whole.size - id - 1))
        }
        return parts
    }
}
