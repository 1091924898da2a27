// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Who a container's process is: looked up in the image's own `/etc/passwd` and `/etc/group`, which may hold anything.
struct UserLookup {
    /// The container's root, or the one layer that is it.
    let root: Place

    struct Identity: Equatable {
        var user: UInt32
        var group: UInt32
        var groups: [UInt32]
        var home: String
    }

    /// Reads `USER[:GROUP]` as docker does: a number needs no entry, an unknown name is an error, a given group means no others.
    func identity(_ text: String, extra: [String] = []) throws(EngineError) -> Identity {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first ?? ""
        let passwd = try entries("etc/passwd")
        let needsGroups = !extra.isEmpty || parts.count > 1 || !name.isEmpty
        let group = needsGroups ? try entries("etc/group") : []

        var identity = Identity(user: 0, group: 0, groups: [], home: "/")
        var userName: String?
        if let entry = Self.user(name.isEmpty ? "0" : name, in: passwd) {
            identity.user = entry.user
            identity.group = entry.group
            identity.home = entry.home.isAbsolutePath ? entry.home : "/"
            userName = entry.name
        } else if let number = try Self.number(name.isEmpty ? "0" : name) {
            identity.user = number
            if number == 0 { identity.home = "/root" }
        } else {
            throw .refused("unable to find user \(name): no such entry in the image's /etc/passwd")
        }
        if parts.count > 1, !parts[1].isEmpty {
            identity.group = try Self.group(parts[1], in: group)
        } else if let userName {
            identity.groups = group.filter { $0.count > 3 && $0[3].split(separator: ",").contains { $0 == userName } }.compactMap {
                try? Self.number($0[2])
            }
        }
        // A program that changes its group must not get rid of what the first one forbids it, so that is among the others too (CVE-2022-36109).
        identity.groups.insert(identity.group, at: 0)
        for word in extra { identity.groups.append(try Self.group(word, in: group)) }
        var seen = Set<UInt32>()
        identity.groups = identity.groups.filter { seen.insert($0).inserted }
        return identity
    }

    /// Lines of a file taken apart at colons. A file that is missing is empty; one that is no regular file, or over 10 MiB, is an error
    /// (CVE-2026-47262, CVE-2024-9676).
    private func entries(_ path: String) throws(EngineError) -> [[String]] {
        do throws(SystemError) {
            let file = try FileDescriptor(resolving: path, in: root, [.nonBlocking, .noControllingTerminal])
            guard try file.status().kind == .regular else { throw SystemError(call: "open", subject: path, errno: EINVAL) }
            return try file.readAll(limit: 10 << 20).split(separator: UInt8(ascii: "\n")).map { line in
                line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
            }
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return [] }
            throw .system(doing: "read /\(path) of the image", error)
        }
    }

    private struct User {
        let name: String
        let user: UInt32
        let group: UInt32
        let home: String
    }

    /// A malformed line is passed over: it must never turn into root (CVE-2016-3697).
    private static func user(_ word: String, in passwd: [[String]]) -> User? {
        let wanted = try? number(word)
        for line in passwd where line.count >= 6 {
            guard let user = try? number(line[2]), let group = try? number(line[3]) else { continue }
            if wanted.map({ $0 == user }) ?? (line[0] == word) { return User(name: line[0], user: user, group: group, home: line[5]) }
        }
        return nil
    }

    private static func group(_ word: String, in groups: [[String]]) throws(EngineError) -> UInt32 {
        if let id = try number(word) { return id }
        for line in groups where line.count >= 3 && line[0] == word {
            if let id = try? number(line[2]) { return id }
        }
        throw .refused("unable to find group \(word): no such entry in the image's /etc/group")
    }

    /// A decimal string is an id and never a name; one out of range is an error, not another id (CVE-2024-40635).
    private static func number(_ word: String) throws(EngineError) -> UInt32? {
        guard !word.isEmpty, word.utf8.allSatisfy({ (48...57).contains($0) }) else {
            if word.first == "-", word.dropFirst().utf8.allSatisfy({ (48...57).contains($0) }), word.utf8.count > 1 {
                throw .refused("\(word) is not an id from 0 to 2147483647")
            }
            return nil
        }
        guard let id = UInt32(word), id <= 0x7fff_ffff else { throw .refused("\(word) is not an id from 0 to 2147483647") }
        return id
    }
}
