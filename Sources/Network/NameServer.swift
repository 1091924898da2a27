// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// aardvark-dns, podman's name server, and what it reads: `runtime/names/`, one zone for each bridge that has a way out.
///
/// It is started when a zone has somebody to name, a second container, and ends with the last zone. It answers at the bridges' own addresses,
/// and asks the host's servers for whatever is no container. A single container's questions are led to those at once.
/// Whoever changes a zone holds the lock of the folder, from which it is let go explicitly: forks have it too.
package struct NameServer: ~Copyable {
    private let path: String
    private let directory: FileDescriptor
    /// Nil where it is not installed any more.
    private let program: HostProgram?
    /// It was found running, or was started just now.
    private var isUp = false
    /// It was started just now, and may not answer yet.
    package private(set) var isNew = false
    /// What was written since, to be waited for once the server has been told.
    package private(set) var unread = UnreadZones()

    /// Where distributions put it; nobody starts it by hand, so it is not on the path.
    package static var program: HostProgram? {
        HostProgram(
            "aardvark-dns", in: ["/usr/lib/podman/", "/usr/libexec/podman/", "/usr/local/lib/podman/", "/usr/local/libexec/podman/"])
    }

    /// Waits for the lock. Nil where aardvark-dns is not installed.
    /// - Parameters:
    ///   - runtime: the directory `runtime`, and its absolute path, by which the server finds its zones.
    package init?(in runtime: Place, at path: String) throws(NetworkError) {
        guard let program = Self.program else { return nil }
        try self.init(program, runtime, path)
    }

    /// The same where zones may have been left by another time, whether it is installed by now or not. Nil where there never were any.
    package init?(leftIn runtime: Place, at path: String) throws(NetworkError) {
        guard faccessat(runtime.raw, "names", F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        try self.init(Self.program, runtime, path)
    }

    private init(_ program: HostProgram?, _ runtime: Place, _ path: String) throws(NetworkError) {
        directory = try Self.locked(runtime)
        self.program = program
        self.path = "\(path)/names"
    }

    private static func locked(_ runtime: Place) throws(NetworkError) -> FileDescriptor {
        do throws(SystemError) {
            try Directory.make("names", at: runtime)
            let directory = try FileDescriptor(opening: "names", at: runtime, [.directory, .noFollow])
            _ = try directory.lock(wait: true)
            return directory
        } catch {
            throw .system(doing: "keep names", error)
        }
    }

    deinit { directory.unlock() }

    // MARK: zones

    /// The server takes every file of the folder for a zone, except that of its own number.
    private static let number = "aardvark.pid"

    private static func file(_ network: NetworkDefinition) -> String { String(network.id.prefix(16)) }

    /// Whether containers of a network have their names here.
    package func serves(_ network: NetworkDefinition) -> Bool {
        faccessat(directory.raw, Self.file(network), F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// The zone as it is; nil if there is none.
    package func zone(of network: NetworkDefinition) throws(NetworkError) -> NameZone? { try zone(Self.file(network)) }

    private func zone(_ file: String) throws(NetworkError) -> NameZone? {
        do throws(SystemError) {
            return NameZone(try File.read(file, at: directory.place))
        } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "read the names of a network", error)
        }
    }

    /// Writes a zone whole; one without containers goes. The server may read at any moment, so nothing half-written is ever in its folder.
    package mutating func write(_ zone: NameZone, of network: NetworkDefinition) throws(NetworkError) {
        try write(zone, Self.file(network))
    }

    private mutating func write(_ zone: NameZone, _ file: String) throws(NetworkError) {
        do throws(SystemError) {
            if zone.isEmpty { return try remove(file) }
            var zone = zone
            let serial = zone.advance()
            let temporary = "../.names.tmp"
            let new = try FileDescriptor(opening: temporary, at: directory.place, [.writeOnly, .create, .truncate, .noFollow], mode: 0o600)
            try new.write(zone.bytes)
            // Not renamed over it: ext4 would have the new one on its way to the disk first.
            if try directory.place.exchange(temporary, directory.place, file) {
                try directory.place.unlink(temporary)
            } else {
                try directory.place.rename(temporary, to: directory.place, file)
            }
            if let gateway = zone.gateway { unread.add(gateway, serial) }
        } catch {
            throw .system(doing: "write the names of a network", error)
        }
    }

    private func remove(_ file: String) throws(SystemError) {
        do throws(SystemError) { try directory.place.unlink(file) } catch  where error.errno == ENOENT {}
    }

    private func files() throws(NetworkError) -> [String] {
        do throws(SystemError) { return try directory.entries().map(\.name).filter { $0 != Self.number } } catch {
            throw .system(doing: "list the names of networks", error)
        }
    }

    /// Takes a container out of a network's zone, or of all. True if it was in any.
    package mutating func forget(_ id: String, on network: NetworkDefinition?) throws(NetworkError) -> Bool {
        var found = false
        let files = if let network { [Self.file(network)] } else { try self.files() }
        for file in files {
            guard var zone = try zone(file), zone.remove(id) else { continue }
            try write(zone, file)
            found = true
        }
        return found
    }

    // MARK: the process

    /// What the zones come to.
    private enum Need { case nobody, single, several }

    private func need() throws(NetworkError) -> Need {
        var need = Need.nobody
        for file in try files() {
            guard let zone = try zone(file) else { continue }
            if zone.needsServer { return .several }
            need = .single
        }
        return need
    }

    /// Makes the server do what the zones say by now.
    /// - Parameters:
    ///   - evenForOne: it is to run for a single container too.
    ///   - here: it is to answer in this network namespace; one that runs in another is ended for it.
    package mutating func settle(evenForOne: Bool = false, here: Bool = false) throws(NetworkError) {
        let need = try need()
        // Where it does not run there is nothing to wait for.
        defer { if !isUp { unread = UnreadZones() } }
        do throws(SystemError) {
            if let server = try server() {
                if need != .nobody, server.isHere || !here {
                    // For each reading it starts threads anew, as many as it has processors, and they would be where we work meanwhile.
                    try? ProcessorSet.others(count: 2)?.confine(server.pid)
                    try server.process.signal(Signal(rawValue: SIGHUP))
                    isUp = server.isHere
                    return
                }
                try server.process.signal(.kill)
                _ = try server.process.waitForEnd(milliseconds: 1000)
            }
            let wasKilled = try directory.place.status(of: Self.number) != nil
            if wasKilled {
                try endUnnumbered()
                try remove(Self.number)
            }
            if let program, need == .several || (need == .single && (evenForOne || wasKilled)) { try start(program) }
        } catch {
            // It ended in between; the next command looks again.
            guard error.errno != ESRCH else { return }
            throw .system(doing: "run the name server", error)
        }
    }

    /// The file of its number is there before it is: whoever finds that without a number looks for one whose starter was killed.
    private mutating func start(_ program: HostProgram) throws(SystemError) {
        _ = try FileDescriptor(opening: Self.number, at: directory.place, [.writeOnly, .create, .truncate, .noFollow], mode: 0o600)
        isUp = try program.startDaemon(["--config", path, "--port", "53", "run"])
        isNew = isUp
        unread.milliseconds = 1000
    }

    /// Whether it runs if it has to, and does not if it need not.
    package func isSettled() throws(NetworkError) -> Bool {
        let need = try need()
        do throws(SystemError) {
            switch try server() {
            case .some: return need != .nobody
            case .none:
                let wasKilled = try directory.place.status(of: Self.number) != nil
                return need != .several && !wasKilled
            }
        } catch { return false }
    }

    /// Whether it runs here, or was started just now.
    package func isRunning() throws(NetworkError) -> Bool {
        if isUp { return true }
        do throws(SystemError) { return try server()?.isHere ?? false } catch { throw .system(doing: "look at the name server", error) }
    }

    private struct Server: ~Copyable {
        let process: ProcessHandle
        let pid: pid_t
        /// In our network namespace.
        let isHere: Bool
    }

    /// The server, if it runs and has said its number.
    private func server() throws(SystemError) -> Server? {
        do throws(SystemError) {
            let bytes = try File.read(Self.number, at: directory.place, limit: 32)
            guard let pid = Int32(String(decoding: bytes, as: UTF8.self)), pid > 0 else { return nil }
            return try server(pid)
        } catch  where error.errno == ENOENT { return nil }
    }

    /// The process of that number, if it is a server that was given our folder.
    private func server(_ pid: Int32) throws(SystemError) -> Server? {
        do throws(SystemError) {
            let handle = try ProcessHandle(pid: pid)
            // Read after it is held, so that it is about that process.
            let words = try File.readKernel("/proc/\(pid)/cmdline").split(separator: "\0")
            guard words.count > 2, words[0].hasSuffix("/aardvark-dns"), words[1] == "--config", words[2] == path else { return nil }
            let theirs = try FileStatus(of: "/proc/\(pid)/ns/net", followLinks: true)
            let ours = try FileStatus(of: "/proc/thread-self/ns/net", followLinks: true)
            return Server(process: handle, pid: pid, isHere: theirs.inode == ours.inode)
        } catch  where error.errno == ESRCH || error.errno == ENOENT { return nil }
    }

    /// Ends those of our folder whose number nobody knows. One on its way into the background forks, so this looks until there is none;
    /// one that is not its own program yet has the lock still, which the caller holds.
    private func endUnnumbered() throws(SystemError) {
        for _ in 0..<16 {
            var found = false
            for entry in try FileDescriptor(opening: "/proc", .directory).entries() {
                guard let pid = Int32(entry.name), let server = try server(pid) else { continue }
                found = true
                do throws(SystemError) { try server.process.signal(.kill) } catch  where error.errno == ESRCH {}
                _ = try server.process.waitForEnd(milliseconds: 1000)
            }
            if !found { return }
        }
    }

    /// Whether somebody else answers at an address already, or at all addresses.
    package static func isTaken(_ gateway: IPAddress) -> Bool { ports(of: gateway).map(PortHolder.isBound) ?? false }

    private static func ports(of gateway: IPAddress) -> PublishedPorts? {
        PortRange(53).flatMap { PublishedPorts(gateway, $0, to: $0, .udp) }
    }
}
