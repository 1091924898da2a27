// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import JSON
package import Linux
package import OCI

/// One container on disk: its directory `containers/ID`, opened, and what its record said when it was read.
package struct Container: ~Copyable {
    package let id: ContainerID
    /// `…/containers/ID`, an OCI bundle.
    package let path: String
    package let directory: FileDescriptor
    package var record: Record

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
            let bytes = try File.read("state.json", at: directory.place, limit: Record.limit)
            guard let record = try? JSONDecoder().decode(Record.self, from: bytes), record.id == id.text else {
                throw SystemError(call: "read", subject: "\(path)/containers/\(id)/state.json", errno: EBADMSG)
            }
            return Container(id: id, path: "\(path)/containers/\(id)", directory: directory, record: record)
        } catch {
            if error.errno == ENOENT { throw .notFound(id.short) }
            throw .system(doing: "read the container \(id.short)", error)
        }
    }

    /// Opens the container that a person means by a name, an id, or the start of one id.
    package func container(named word: String) throws(EngineError) -> Container { try container(try find(word)) }

    /// A name counts before an id, a whole id before the start of one.
    package func find(_ word: String) throws(EngineError) -> ContainerID {
        if let name = ContainerName(word), let id = owner(of: name) { return id }
        if let id = ContainerID(word) {
            if faccessat(containers.raw, word, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return id }
            throw .notFound(word)
        }
        guard !word.isEmpty, word.utf8.count < 64, ContainerID.isHexadecimal(word) else { throw .notFound(word) }
        let matches = try ids().filter { $0.text.hasPrefix(word) }
        guard let match = matches.first else { throw .notFound(word) }
        guard matches.count == 1 else { throw .ambiguous(word) }
        return match
    }

    /// Who has a name: `containers/NAME` is a symbolic link to the id, so that a name has one owner and is found in one step.
    func owner(of name: ContainerName) -> ContainerID? {
        var buffer = [CChar](repeating: 0, count: 80)
        let length = readlinkat(containers.raw, name.text, &buffer, 79)
        guard length == 64 else { return nil }
        return ContainerID(String(decoding: buffer[..<64].map(UInt8.init(bitPattern:)), as: UTF8.self))
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

extension Container {
    package func status(in boot: String) -> Status { record.status(in: boot) }

    /// Reads the record again.
    package mutating func refresh() throws(EngineError) {
        do throws(SystemError) {
            let bytes = try File.read("state.json", at: directory.place, limit: Record.limit)
            guard let fresh = try? JSONDecoder().decode(Record.self, from: bytes) else {
                throw SystemError(call: "read", subject: "\(path)/state.json", errno: EBADMSG)
            }
            record = fresh
        } catch {
            throw .system(doing: "read the container \(id.short)", error)
        }
    }

    /// Writes the record whole. The caller watches the container or holds its lock.
    package func save() throws(EngineError) {
        do throws(SystemError) {
            try File.replace("state.json", at: directory.place, with: Self.encode(record))
        } catch {
            throw .system(doing: "write the container's state", error)
        }
    }

    static func encode(_ value: some JSONCoded) -> [UInt8] {
        // Records hold strings and numbers only; there is nothing in them that cannot be written.
        (try? JSONEncoder(pretty: false).encode(value)) ?? []
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

    /// Holds the container's lock while its record changes; readers take none.
    package func lock() throws(EngineError) {
        do throws(SystemError) { _ = try directory.lock(wait: true) } catch { throw .system(doing: "lock the container", error) }
    }

    package func unlock() { directory.unlock() }
}
