// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The name of a container in a state directory: one component of a path, of runc's characters.
package struct RuntimeID: Hashable, Sendable {
    package let text: String

    package init(_ text: String) throws(RuntimeError) {
        let isName = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard isName, text != ".", text != "..", (1...255).contains(text.utf8.count) else { throw .invalidID(text) }
        self.text = text
    }
}

/// The directory that holds a directory for each container, runc's `--root`. Nothing in it need survive a boot.
///
///     ROOT/ID/config.json   the spec as it was at `create`: a bundle that changes later changes no container
///     ROOT/ID/state.json    facts; the status follows from them
///     ROOT/ID/start         the socket at which a created container waits, its own until it executes its program
///     ROOT/@seccomp/        compiled filters
package struct StateDirectory: ~Copyable {
    package let path: String
    let descriptor: FileDescriptor

    /// Opens it, making it where it is missing.
    package init(_ path: String) throws(RuntimeError) {
        let directory = try RuntimeError.attempt("open the state directory") { () throws(SystemError) in
            try Directory.makeAll(path)
            return try FileDescriptor(opening: path, [.directory])
        }
        // Whoever can write here can have us signal processes and remove directories of their choice.
        let status = try RuntimeError.attempt("open the state directory") { () throws(SystemError) in try directory.status() }
        guard status.owner == geteuid(), status.permissions & 0o022 == 0 else {
            throw .refused("the state directory \(path) belongs to, or can be written by, somebody else; choose another by --root")
        }
        self.path = path
        descriptor = directory
    }

    /// All ids, sorted.
    package func ids() throws(RuntimeError) -> [RuntimeID] {
        do throws(SystemError) {
            var names: [String] = []
            try descriptor.forEachEntry { name, _ in names.append(String(cString: name)) }
            return names.sorted().compactMap { try? RuntimeID($0) }
        } catch {
            throw .system(doing: "list the state directory", error)
        }
    }

    /// Where compiled filters are kept; nil if that cannot be had, which costs time only.
    func filterStore() -> FileDescriptor? {
        let name = "@seccomp"  // no container's name
        guard (try? Directory.make(name, at: descriptor.place)) != nil else { return nil }
        return try? FileDescriptor(opening: name, at: descriptor.place, [.directory, .noFollow])
    }
}

extension StateDirectory {
    /// Opens a container.
    /// - Parameter locked: waits until no other command changes it, and holds others off until this value goes away.
    package func container(_ id: RuntimeID, locked: Bool) throws(RuntimeError) -> RuntimeContainer {
        let directory = try found(id) { () throws(SystemError) in
            let directory = try FileDescriptor(opening: id.text, at: descriptor.place, [.directory, .noFollow])
            if locked {
                _ = try directory.lock(wait: true)
                // It may have been removed while we waited.
                guard try directory.status().links > 0 else { throw SystemError(call: "open", errno: ENOENT) }
            }
            return directory
        }
        let bytes = try found(id) { () throws(SystemError) in try File.read("state.json", at: directory.place, limit: RuntimeState.limit) }
        let state = try RuntimeState(reading: bytes, of: id)
        return RuntimeContainer(id: id, path: "\(path)/\(id.text)", directory: directory, state: state, isLocked: locked)
    }

    private func found<Value: ~Copyable>(_ id: RuntimeID, _ calls: () throws(SystemError) -> Value) throws(RuntimeError) -> Value {
        do throws(SystemError) { return try calls() } catch {
            throw error.errno == ENOENT ? .missing(id) : .system(doing: "read the state of container \(id.text)", error)
        }
    }
}
