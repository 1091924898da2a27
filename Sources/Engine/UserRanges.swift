// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Ranges of host ids that are given to containers, one each, so that root of one is nobody to the other.
///
/// They come from the `minictl` or `containers` line of `/etc/subuid` and `/etc/subgid`, or from a part of the id space that distributions
/// leave free. Each is taken by a claim (`UserRanges.Claim`).
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
            throw .refused(
                "/etc/subuid has a line for \(users.name), /etc/subgid has none; add one there, for example \(users.name):\(users.base):\(users.count)"
            )
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
            let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard fields.count == 3, fields[0] == "minictl" || fields[0] == "containers" else { continue }
            guard let base = UInt32(fields[1]), let count = UInt32(fields[2]), count > 0, !base.addingReportingOverflow(count).overflow
            else {
                throw .refused("\(path): the line of \(fields[0]) is no NAME:FIRST:COUNT")
            }
            // Container root would be the host's.
            guard base > 0 else { throw .refused("\(path): the line of \(fields[0]) begins with 0, which is root") }
            if found == nil || fields[0] == "minictl" { found = Line(name: fields[0], base: base, count: count) }
        }
        return found
    }

    /// What one container gets of both.
    struct Slot: Equatable, Sendable {
        let number: UInt32
        /// The first ids on the host.
        let users: UInt32
        let groups: UInt32

        var maps: (users: [Spec.IDMapping], groups: [Spec.IDMapping]) {
            (
                [Spec.IDMapping(containerID: 0, hostID: users, size: UserRanges.size)],
                [Spec.IDMapping(containerID: 0, hostID: groups, size: UserRanges.size)]
            )
        }
    }

    func slot(_ number: UInt32) -> Slot {
        Slot(number: number, users: users + number * Self.size, groups: groups + number * Self.size)
    }

    /// Takes a free slot for a container.
    /// - Parameters:
    ///   - wish: the one it had before; else where to begin comes from the id, so that most find theirs free at the first try.
    ///   - taken: the first users of containers that run though nobody watches them any more.
    func claim(for id: ContainerID, wish: UInt32? = nil, besides taken: Set<UInt32>, in home: borrowing Home) throws(EngineError) -> Claim {
        let start = (wish ?? id.text.utf8.prefix(8).reduce(UInt32(0)) { $0 &* 31 &+ UInt32($1) }) % slots
        do throws(SystemError) {
            for offset in 0..<slots {
                let slot = slot((start + offset) % slots)
                if taken.contains(where: { Self.overlap($0, slot.users) }) { continue }
                if let claim = try Claim(slot, in: home) { return claim }
            }
        } catch {
            throw .system(doing: "take a range of user ids", error)
        }
        throw .refused("all \(slots) ranges of user ids are taken by running containers; give minictl more in /etc/subuid and /etc/subgid")
    }

    /// Whether ranges that begin there have ids in common.
    static func overlap(_ first: UInt32, _ second: UInt32) -> Bool { max(first, second) - min(first, second) < size }
}

extension UserRanges {
    /// The host's id of a container's id 0, by a map of ours: each id is as far from it as in the container, or the same on both sides.
    static func base(of map: [Spec.IDMapping]) -> UInt32? {
        map.first { $0.hostID > $0.containerID }.map { $0.hostID - $0.containerID }
    }

    /// A map whose ids come from another range than before; an id that is the same on both sides stays.
    static func moved(_ map: [Spec.IDMapping], to base: UInt32) -> [Spec.IDMapping] {
        map.map { part in
            if part.hostID == part.containerID { return part }
            let (host, isOver) = base.addingReportingOverflow(part.containerID)
            return isOver ? part : Spec.IDMapping(containerID: part.containerID, hostID: host, size: part.size)
        }
    }

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

extension Record.Range {
    init(_ mapping: Spec.IDMapping) { self.init(container: mapping.containerID, host: mapping.hostID, size: mapping.size) }
}

extension Spec.IDMapping {
    init(_ range: Record.Range) { self.init(containerID: range.container, hostID: range.host, size: range.size) }
}

extension Record {
    /// The range it was given; nil if it was given none.
    var idRange: UserRanges.Slot? {
        func base(_ ranges: [Range]?) -> UInt32? {
            UserRanges.base(of: (ranges ?? []).map(Spec.IDMapping.init))
        }
        guard let slot, let users = base(users), let groups = base(groups) else { return nil }
        return UserRanges.Slot(number: slot, users: users, groups: groups)
    }
}
