// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Images
import JSON
package import Linux
package import OCI
import Runtime

/// One container on disk: its directory `containers/ID`, opened, and what its record said when it was read.
package struct Container: ~Copyable {
    package let id: ContainerID
    /// `…/containers/ID`, an OCI bundle.
    package let path: String
    package let directory: FileDescriptor
    package var record: Record
    /// The record's file as we wrote it last.
    private var written: FileStatus?
    /// What has happened to it and is not told yet, see `keep`.
    var untold: [Event] = []
    /// What a new one has not got yet, see `makeFiles`.
    var unmade: NewFiles?
    /// Its watch is ours: nobody else takes its record away.
    var isWatched = false
    /// Keeps its layers as long as no record says that it needs them.
    var hold: ImageStore.Hold?

    init(id: ContainerID, path: String, directory: consuming FileDescriptor, record: Record) {
        self.id = id
        self.path = path
        self.directory = directory
        self.record = record
    }

    package var name: String { record.name }
}

extension Home {
    /// Opens a container. One that is being made or taken away just now has no record and is not found.
    package func container(_ id: ContainerID) throws(EngineError) -> Container {
        do throws(SystemError) {
            let directory = try FileDescriptor(opening: id.text, at: containers.place, [.readOnly, .directory, .noFollow])
            let record = try Record(of: id, in: directory.place, "\(path)/containers/\(id)")
            return Container(id: id, path: "\(path)/containers/\(id)", directory: directory, record: record)
        } catch {
            if error.errno == ENOENT { throw .notFound(id.short) }
            throw .system(doing: "read the container \(id.short)", error)
        }
    }

    /// Opens the container that a person means by a name, an id, or the start of one id.
    package func container(named word: String) throws(EngineError) -> Container {
        let id = try find(word)
        do throws(EngineError) { return try container(id) } catch .notFound { throw .notFound(word) }
    }

    /// Whether a container has its record still, which goes before all else of it.
    func hasRecord(_ id: some CustomStringConvertible) -> Bool {
        faccessat(containers.raw, "\(id)/state.json", F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT
    }

    /// A name counts before an id, a whole id before the start of one.
    package func find(_ word: String) throws(EngineError) -> ContainerID {
        // `inspect` shows names as docker does, with a slash in front, and they are taken so.
        if word.utf8.first == UInt8(ascii: "/"), word.utf8.count > 1 { return try find(String(word.dropFirst())) }
        if let name = ContainerName(word), let id = owner(of: name) { return id }
        if let id = ContainerID(word), faccessat(containers.raw, word, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return id }
        guard !word.isEmpty, word.utf8.count < 64, ContainerID.isHexadecimal(word) else { throw unknown(word) }
        let matches = try ids().filter { $0.text.hasPrefix(word) }
        guard let match = matches.first else { throw unknown(word) }
        guard matches.count == 1 else { throw .ambiguous(word) }
        return match
    }

    private func unknown(_ word: String) -> EngineError {
        var near: String?
        // Without a suggestion the answer is as true.
        try? containers.forEachEntry { name, kind in
            let name = String(cString: name)
            if near == nil, kind == .symlink, word.utf8.count > 2, word.isOneSlip(from: name) { near = name }
        }
        return .notFound(word, near: near)
    }

    /// Who has a name: `containers/NAME` is a symbolic link to the id, so that a name has one owner and is found in one step. One that nobody
    /// had to think of, and so nobody looks up by hand, has the id in fewer characters.
    func owner(of name: ContainerName) -> ContainerID? {
        var buffer = [CChar](repeating: 0, count: 80)
        let length = readlinkat(containers.raw, name.text, &buffer, 79)
        guard length > 0 else { return nil }
        let target = buffer[..<length].map(UInt8.init(bitPattern:))
        return length == 64 ? ContainerID(String(decoding: target, as: UTF8.self)) : ContainerID(folded: target)
    }

    /// Frees a name whose container is gone, as a rename that was killed half way leaves it. True if it may be free now.
    /// A container has its directory before its name and loses it after, so one without is nobody's. One process at a time looks and frees,
    /// lest it frees what another has just taken.
    func freeStale(_ name: ContainerName) throws(EngineError) -> Bool {
        do throws(SystemError) {
            guard let owner = owner(of: name), try containers.place.status(of: owner.text) == nil else { return false }
            let folder = try FileDescriptor(opening: ".", at: containers.place, [.directory])
            _ = try folder.lock(wait: true)
            guard let owner = self.owner(of: name), try containers.place.status(of: owner.text) == nil else { return true }
            try containers.place.unlink(name.text)
            return true
        } catch {
            throw .system(doing: "look whose name \(name) is", error)
        }
    }

    /// All ids, in no order.
    package func ids() throws(EngineError) -> [ContainerID] {
        var ids: [ContainerID] = []
        do throws(SystemError) {
            try containers.forEachEntry { name, kind in
                if kind != .symlink, let id = ContainerID(String(cString: name)) { ids.append(id) }
            }
        } catch {
            throw .system(doing: "list the containers", error)
        }
        return ids
    }
}

extension Record {
    /// What is written down of a container; `EBADMSG` where nobody understands it, or it is another's.
    fileprivate init(of id: ContainerID, in directory: Place, _ path: String) throws(SystemError) {
        let bytes = try File.read("state.json", at: directory, limit: Self.limit)
        guard let record = try? JSONDecoder().decode(Record.self, from: bytes), record.id == id.text else {
            throw SystemError(call: "read", subject: "\(path)/state.json", errno: EBADMSG)
        }
        self = record
    }
}

extension Container {
    package func status(in boot: String) -> Status { record.status(in: boot) }

    /// Reads the record again.
    mutating func refresh() throws(EngineError) {
        do throws(SystemError) {
            record = try Record(of: id, in: directory.place, path)
        } catch {
            if error.errno == ENOENT { throw .notFound(name) }
            throw .system(doing: "read the container \(id.short)", error)
        }
    }

    /// Writes the record whole. The caller watches the container or holds its lock.
    package mutating func save() throws(EngineError) {
        do throws(SystemError) {
            try replace("state.json", with: JSONEncoder().bytes(of: record, for: "state.json"))
            written = try FileStatus(of: "state.json", at: directory.place)
        } catch {
            throw .system(doing: "write the container's state", error)
        }
        if let hold = hold.take() { hold.end() }
    }

    /// Writes a file whole. One that nobody could read again is the error `EFBIG`: such a container could not be stopped or removed either.
    func replace(_ name: String, with bytes: [UInt8]) throws(SystemError) {
        if bytes.count > 1 << 16, (try? JSONDocument(bytes)) == nil {
            throw SystemError(call: "write", subject: "\(name): labels, variables and arguments are too many", errno: EFBIG)
        }
        try File.replace(name, at: directory.place, with: bytes)
    }

    /// Changes the record as it is on disk by now, which another process may have changed since it was read.
    /// Who changes that of a container that does not run holds the watch besides, so that nobody starts it meanwhile.
    package mutating func change(_ body: (inout Record) -> Void) throws(EngineError) {
        try lock()
        defer { unlock() }
        try refreshIfChanged()
        body(&record)
        try save()
    }

    /// Reads the record again if somebody else has written it since we did. One that is ours and was never written down stays as it is; of
    /// another, whose record is gone, nothing may be written again: it is just being removed.
    mutating func refreshIfChanged() throws(EngineError) {
        let current: FileStatus?
        do throws(SystemError) { current = try directory.place.status(of: "state.json") } catch {
            throw .system(doing: "look at the container's state", error)
        }
        guard let current else {
            if isWatched { return }
            throw .notFound(name)
        }
        if written.map({ !$0.isSameFile(as: current) }) ?? true { try refresh() }
    }

    /// The spec it was made from.
    package func spec() throws(EngineError) -> Spec {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try File.read("config.json", at: directory.place, limit: 4 << 20)
        } catch {
            throw .system(doing: "read the container's config.json", error)
        }
        do throws(JSONError) {
            return try JSONDecoder().decode(Spec.self, from: bytes)
        } catch {
            throw .refused("the config.json of \(id.short) cannot be understood: \(error)")
        }
    }

    /// Holds the container's lock while its record changes, or goes; readers take none.
    package func lock() throws(EngineError) {
        do throws(SystemError) { _ = try directory.lock(wait: true) } catch { throw .system(doing: "lock the container", error) }
    }

    package func unlock() { directory.unlock() }
}
