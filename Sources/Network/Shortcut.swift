// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

/// The short way to a container's ports for who is on this machine: its connection to a port at the loopback is one to the container from the
/// beginning, without an address to be translated for each packet, as Cilium does for services ("socket-level load balancing").
///
/// It is for TCP over IPv4 to addresses of 127.0.0.0/8, which are this machine's wherever it is. All else, and all where the kernel does not
/// let us, goes by the rules of `Firewall` as ever.
package struct Shortcut: Sendable {
    package let instructions: [BPFInstruction]

    /// More are left to the rules.
    private static let mostRanges = 64

    /// Nil where there is nothing to be reached so.
    /// - Parameters:
    ///   - target: the container's address.
    ///   - namespace: of the clients, as `SO_NETNS_COOKIE` tells it.
    package init?(_ ports: [PublishedPorts], to target: IPAddress, from namespace: UInt64) {
        let ranges = Self.ranges(ports)
        guard target.family == .v4, !ranges.isEmpty else { return nil }
        instructions = ShortcutProgram(ranges.prefix(Self.mostRanges), to: target, from: namespace).instructions
    }

    /// Opens it for all processes of this machine that are in our network namespace, as long as what is given back stays open. Nil where there
    /// is nothing to be reached so, or no room.
    /// - Parameter name: by which it is known again; see `ConnectLink`.
    package static func open(_ ports: [PublishedPorts], to target: IPAddress, named name: String) throws(SystemError) -> ConnectLink? {
        // The kernel has room for 64, and others need some.
        guard serves(ports), let cgroup = try root(), try ConnectLink.count(at: cgroup) < 48 else { return nil }
        guard let shortcut = Shortcut(ports, to: target, from: try namespace()) else { return nil }
        return try ConnectLink(shortcut.instructions, name: name, at: cgroup)
    }

    /// The directory of cgroup version 2 that all processes are below; nil where there is none.
    private static func root() throws(SystemError) -> FileDescriptor? {
        for path in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
            // CGROUP2_SUPER_MAGIC
            guard let root = try? FileDescriptor(opening: path, .directory), try root.fileSystemMagic() == 0x6367_7270 else { continue }
            return root
        }
        return nil
    }

    /// `SO_NETNS_COOKIE` (Linux 5.14), which the kernel's programs know a network namespace by.
    private static func namespace() throws(SystemError) -> UInt64 {
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue)
        let socket = FileDescriptor(owning: try check("socket") { Glibc.socket(AF_INET, type, 0) })
        var cookie: UInt64 = 0
        var size = socklen_t(MemoryLayout<UInt64>.size)
        try check("getsockopt", "SO_NETNS_COOKIE") { getsockopt(socket.raw, SOL_SOCKET, 71, &cookie, &size) }
        return cookie
    }

    /// Whether any of these ports can be reached so.
    package static func serves(_ ports: [PublishedPorts]) -> Bool { !ranges(ports).isEmpty }

    private static func ranges(_ ports: [PublishedPorts]) -> [PublishedPorts] {
        ports.filter { $0.transport == .tcp && $0.address.family == .v4 && ($0.isAnywhere || $0.address.isLoopback) }
    }
}
