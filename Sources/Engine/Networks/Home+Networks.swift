// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSON
import Linux
package import Network
import Runtime

/// Networks: `containers/.networks/NAME.json`, written whole. What is made or removed is under an exclusive lock of that folder; whoever
/// starts a container holds a shared one until it has its addresses, so that no network goes away under it.
extension Home {
    /// The lock of all networks, held as long as it lives.
    struct NetworkLock: ~Copyable {
        let folder: FileDescriptor

        /// Makes a shared lock exclusive. Somebody else may have had it in between.
        func makeExclusive() throws(EngineError) {
            do throws(SystemError) { _ = try folder.lock(wait: true) } catch { throw .system(doing: "lock the networks", error) }
        }

        func release() { folder.unlock() }
    }

    func lockNetworks(exclusive: Bool) throws(EngineError) -> NetworkLock {
        do throws(SystemError) {
            var folder: FileDescriptor
            do throws(SystemError) {
                folder = try FileDescriptor(opening: ".networks", at: containers.place, [.directory, .noFollow])
            } catch  where error.errno == ENOENT {
                try Directory.make(".networks", at: containers.place, mode: 0o700)
                folder = try FileDescriptor(opening: ".networks", at: containers.place, [.directory, .noFollow])
            }
            _ = try folder.lock(exclusive: exclusive, wait: true)
            return NetworkLock(folder: folder)
        } catch {
            throw .system(doing: "lock the networks", error)
        }
    }

    /// The network of that name, id, or start of one id. The default one is made if it is missing.
    /// - Parameter progress: told if the default network cannot have the addresses people expect.
    package func network(named word: String, progress: (String) -> Void = { _ in }) throws(EngineError) -> NetworkDefinition {
        if word == "host" || word == "none" { return NetworkDefinition(predefined: word) }
        if ContainerName(word) != nil, let network = try storedNetwork(word) { return network }
        if word == NetworkDefinition.defaultName { return try defaultNetwork(progress) }
        guard !word.isEmpty, word.utf8.count <= 64, ContainerID.isHexadecimal(word) else { throw try unknownNetwork(word) }
        let matches = try networks().filter { $0.id.hasPrefix(word) }
        guard let match = matches.first else { throw try unknownNetwork(word) }
        guard matches.count == 1 else { throw .refused("\(word) is the start of more than one network's id; give more of it") }
        return match
    }

    private func unknownNetwork(_ word: String) throws(EngineError) -> EngineError {
        .notFound(word, near: try networks().map(\.name).first { word.isOneSlip(from: $0) }, kind: "network")
    }

    /// Every network, those that are there by themselves included, in the order of their names.
    package func networks() throws(EngineError) -> [NetworkDefinition] {
        var networks = [NetworkDefinition(predefined: "host"), NetworkDefinition(predefined: "none")]
        networks.append(try defaultNetwork { _ in })
        return (networks + (try storedNetworks().filter { !$0.isDefault })).sorted { $0.name < $1.name }
    }

    /// Those that have a file.
    func storedNetworks() throws(EngineError) -> [NetworkDefinition] {
        var names: [String] = []
        do throws(SystemError) {
            let folder = try FileDescriptor(opening: ".networks", at: containers.place, [.directory, .noFollow])
            try folder.forEachEntry { name, kind in
                let name = String(cString: name)
                if kind == .regular, name.hasSuffix(".json"), !name.hasPrefix(".") { names.append(String(name.dropLast(5))) }
            }
        } catch {
            if error.errno == ENOENT { return [] }
            throw .system(doing: "list the networks", error)
        }
        var networks: [NetworkDefinition] = []
        for name in names {
            // One whose file is damaged is left out; whoever asks for it by name is told.
            if let network = try? storedNetwork(name) { networks.append(network) }
        }
        return networks
    }

    func storedNetwork(_ name: String) throws(EngineError) -> NetworkDefinition? {
        do throws(SystemError) {
            let bytes = try File.read(".networks/\(name).json", at: containers.place, limit: 1 << 20)
            guard let network = try? JSONDecoder().decode(NetworkDefinition.self, from: bytes), network.name == name else {
                throw SystemError(call: "read", subject: "\(path)/containers/.networks/\(name).json", errno: EBADMSG)
            }
            return network
        } catch {
            if error.errno == ENOENT { return nil }
            throw .system(doing: "read the network \(name)", error)
        }
    }

    /// The caller holds the exclusive lock.
    func store(_ network: NetworkDefinition, _ lock: borrowing NetworkLock) throws(EngineError) {
        do throws(SystemError) {
            let name = "\(network.name).json"
            let (folder, bytes) = (lock.folder.place, try JSONEncoder().bytes(of: network, for: name))
            if try folder.status(of: name) != nil { return try File.replace(name, at: folder, with: bytes, durable: true) }
            try File.create(name, at: folder, with: bytes)
        } catch {
            throw .system(doing: "write the network \(network.name)", error)
        }
    }

    private func defaultNetwork(_ progress: (String) -> Void) throws(EngineError) -> NetworkDefinition {
        if let network = try storedNetwork(NetworkDefinition.defaultName) { return network }
        let lock = try lockNetworks(exclusive: true)
        if let network = try storedNetwork(NetworkDefinition.defaultName) { return network }
        let network = try define(NetworkRequest(name: ContainerName(unchecked: NetworkDefinition.defaultName)), lock)
        try store(network, lock)
        if let range = network.range(.v4), let first = AddressPool.first, range.subnet != first {
            progress("\(first) is in use on this machine, so the network bridge has \(range.subnet)")
        }
        return network
    }
}

extension NetworkDefinition {
    /// `host` or `none`, which need no file.
    init(predefined name: String) {
        self.init()
        self.name = name
        driver = name == "host" ? .host : .none
        // The name in hexadecimal: the same everywhere, and nobody's by chance.
        let digits = name.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        id = digits + String(repeating: "0", count: max(0, 64 - digits.utf8.count))
    }
}
