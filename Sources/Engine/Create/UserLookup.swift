// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI

/// Who a container's process is: looked up in the image's own `/etc/passwd` and `/etc/group`, which may hold anything.
struct UserLookup {
    /// The container's root, or the one layer that is it.
    let root: Place
    /// A container that runs may have put anything in place of its files.
    var isRunning = false

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
        let passwd = try contents("etc/passwd")
        let needsGroups = !extra.isEmpty || parts.count > 1 || !name.isEmpty
        let group = needsGroups ? try contents("etc/group") : []

        var identity = Identity(user: 0, group: 0, groups: [], home: "/")
        var userName: ArraySlice<UInt8> = []
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
        } else if !userName.isEmpty {
            identity.groups = Self.groups(of: userName, in: group)
        }
        // A program that changes its group must not get rid of what the first one forbids it, so that is among the others too (CVE-2022-36109).
        identity.groups.insert(identity.group, at: 0)
        for word in extra { identity.groups.append(try Self.group(word, in: group)) }
        var seen = Set<UInt32>()
        identity.groups = identity.groups.filter { seen.insert($0).inserted }
        guard identity.groups.count <= Self.mostGroups else {
            throw .refused(
                "user \(name) is in \(identity.groups.count) groups of the image's /etc/group, and no process can be in more than 65536")
        }
        return identity
    }

    /// `NGROUPS_MAX` of the kernel.
    private static let mostGroups = 65536

    /// A file that is missing is empty; one that is no regular file, or over 10 MiB, is an error (CVE-2026-47262, CVE-2024-9676).
    private func contents(_ path: String) throws(EngineError) -> [UInt8] {
        do throws(SystemError) {
            let file = try open(path)
            guard try file.status().kind == .regular else { throw SystemError(call: "open", subject: path, errno: EINVAL) }
            return try file.readAll(limit: 10 << 20)
        } catch {
            if error.errno == ENOENT || error.errno == ENOTDIR { return [] }
            if error.errno == EINVAL { throw .refused("/\(path) of the image is no regular file, so its users cannot be known") }
            throw .system(doing: "read /\(path) of the image", error)
        }
    }

    private func open(_ path: String) throws(SystemError) -> FileDescriptor {
        let flags: OpenFlags = [.nonBlocking, .noControllingTerminal]
        guard isRunning else { return try FileDescriptor(resolving: path, in: root, flags) }
        // Who opens a device has used it already. So it is looked at first, and then that very file is opened.
        let file = try FileDescriptor(resolving: path, in: root, .path)
        guard try file.status().kind == .regular else { throw SystemError(call: "open", subject: path, errno: EINVAL) }
        return try FileDescriptor(opening: "/proc/self/fd/\(file.raw)", flags)
    }

    private struct User {
        let name: ArraySlice<UInt8>
        let user: UInt32
        let group: UInt32
        let home: String
    }

    /// A malformed line is passed over: it must never turn into root (CVE-2016-3697).
    private static func user(_ word: String, in passwd: [UInt8]) -> User? {
        let wanted = try? number(word)
        for line in FieldLines(passwd, fields: 7) where line.count >= 6 {
            guard let user = number(line[2]), let group = number(line[3]) else { continue }
            if wanted.map({ $0 == user }) ?? line[0].elementsEqual(word.utf8) {
                return User(name: line[0], user: user, group: group, home: String(decoding: line[5], as: UTF8.self))
            }
        }
        return nil
    }

    private static func group(_ word: String, in groups: [UInt8]) throws(EngineError) -> UInt32 {
        if let id = try number(word) { return id }
        for line in FieldLines(groups, fields: 4) where line.count >= 3 && line[0].elementsEqual(word.utf8) {
            if let id = number(line[2]) { return id }
        }
        throw .refused("unable to find group \(word): no such entry in the image's /etc/group")
    }

    private static func groups(of user: ArraySlice<UInt8>, in groups: [UInt8]) -> [UInt32] {
        var found: [UInt32] = []
        for line in FieldLines(groups, fields: 4) where line.count > 3 {
            var members = line[3]
            while !members.isEmpty {
                let member = members.prefix { $0 != UInt8(ascii: ",") }
                if member == user {
                    if let id = number(line[2]) { found.append(id) }
                    break
                }
                members = members[member.endIndex...].dropFirst()
            }
        }
        return found
    }

    /// Nil for what is no id.
    private static func number(_ field: ArraySlice<UInt8>) -> UInt32? { (try? number(String(decoding: field, as: UTF8.self))) ?? nil }

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

/// The lines of a file, each taken apart at colons when it is its turn: a file of nothing but colons would take a hundred times its size.
private struct FieldLines: Sequence, IteratorProtocol {
    private var rest: ArraySlice<UInt8>
    private let fields: Int

    /// - Parameter fields: what a line has beyond them stays together, and is one more.
    init(_ bytes: [UInt8], fields: Int) {
        rest = bytes[...]
        self.fields = fields
    }

    mutating func next() -> [ArraySlice<UInt8>]? {
        rest = rest.drop { $0 == UInt8(ascii: "\n") }
        if rest.isEmpty { return nil }
        let line = rest.prefix { $0 != UInt8(ascii: "\n") }
        rest = rest[line.endIndex...]
        return line.split(separator: UInt8(ascii: ":"), maxSplits: fields, omittingEmptySubsequences: false)
    }
}
