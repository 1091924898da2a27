// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Network

/// A container's `/etc/hosts`, seen from outside: `containers/ID/hosts`, which is bound into it and therefore rewritten in place.
/// Lines that are not about addresses of its own stay as they are, whoever wrote them.
struct HostsFile {
    private var lines: [Substring]

    init(_ text: String) { lines = text.split(separator: "\n", omittingEmptySubsequences: false) }

    var text: String { lines.joined(separator: "\n") }

    /// Takes the lines of these addresses out.
    mutating func remove(_ addresses: [IPAddress]) {
        lines.removeAll { line in
            let first = line.prefix { $0 != "\t" && $0 != " " }
            return IPAddress(first).map(addresses.contains) ?? false
        }
    }

    /// Takes out the lines that have exactly these names.
    mutating func remove(named names: String) {
        lines.removeAll { line in
            guard let tab = line.firstIndex(of: "\t") else { return false }
            return line[line.index(after: tab)...] == names
        }
    }

    /// Takes out the lines of a subnet's addresses, but for some.
    mutating func remove(in subnet: Subnet, besides kept: [IPAddress]) {
        lines.removeAll { line in
            let first = line.prefix { $0 != "\t" && $0 != " " }
            return IPAddress(first).map { subnet.contains($0) && !kept.contains($0) } ?? false
        }
    }

    /// Adds a line before those of the same address.
    mutating func insert(_ address: IPAddress, _ names: String) {
        let line = "\(address)\t\(names)"
        guard !lines.contains(line[...]) else { return }
        let index = lines.firstIndex { $0.hasPrefix("\(address)\t") } ?? lines.count
        lines.insert(line[...], at: index)
    }

    /// Adds a line at the end.
    mutating func add(_ address: IPAddress, _ names: String) {
        if lines.last?.isEmpty == true { lines.removeLast() }
        lines += ["\(address)\t\(names)", ""]
    }
}

extension Container {
    /// Makes the file say which addresses the container has by now. One that the user has mounted over is the user's.
    func updateHosts(from old: [Endpoint], to new: [Endpoint], _ names: String) throws(EngineError) {
        try changeHosts { hosts in
            // What stands for the container's name until it has an address.
            let placeholder = IPAddress(.v4, 0x7f00_0101)
            hosts.remove((old + new).flatMap(\.addresses).map(\.address) + [placeholder])
            for endpoint in new { for address in endpoint.addresses { hosts.add(address.address, names) } }
            if new.allSatisfy(\.addresses.isEmpty) { hosts.add(placeholder, names) }
        }
    }

    /// Rewrites the file in place, one process at a time. The container has it too: whatever it does with it, others must not have to wait or
    /// fail. So the lock is that of the folder of all containers, for a moment, and not the file's own, which the container could hold for ever.
    func changeHosts(_ body: (inout HostsFile) -> Void) throws(EngineError) {
        do throws(SystemError) {
            guard let file = try openHosts() else { return }
            let folder = try FileDescriptor(opening: "..", at: directory.place, [.directory])
            _ = try folder.lock(wait: true)
            guard let text = try Self.text(of: file) else { return }
            let before = String(decoding: text, as: UTF8.self)
            var hosts = HostsFile(before)
            body(&hosts)
            if hosts.text == before { return }
            try file.replaceContents(with: hosts.text)
        } catch {
            throw .system(doing: "write the container's /etc/hosts", error)
        }
    }

    /// Nil where there is none, and where the container has a lease on it (`fcntl(F_SETLEASE)`), which would make us wait for 45 seconds.
    private func openHosts() throws(SystemError) -> FileDescriptor? {
        do throws(SystemError) {
            return try FileDescriptor(opening: "hosts", at: directory.place, [.readWrite, .noFollow, .nonBlocking])
        } catch  where error.errno == ENOENT || error.errno == EWOULDBLOCK { return nil }
    }

    /// Nil for one that is no list of hosts any more.
    private static func text(of file: borrowing FileDescriptor) throws(SystemError) -> [UInt8]? {
        do throws(SystemError) { return try file.readAll(limit: 1 << 20) } catch  where error.errno == EFBIG { return nil }
    }
}
