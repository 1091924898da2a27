// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

/// Ports of this machine that nobody else can take while this lives: a socket is bound to each. The kernel hands them out one at a time,
/// however many containers start at once, and takes them back with the process that holds them, however that ends.
///
/// What comes for a port is led to the container before it could reach the socket. Where the rules are gone, clients are refused.
package final class PortReservation {
    package private(set) var ports: [PublishedPorts] = []
    private var sockets: [CInt] = []
    /// What leads this machine's own clients there at once (`Shortcut`); −1 for nothing.
    private var shortcut: CInt = -1

    package init() {}

    deinit { release() }

    /// Lets all of them go.
    package func release() {
        for raw in sockets { close(raw) }
        sockets = []
        hold(-1)
    }

    /// Lets some of them go.
    package func release(_ ports: [PublishedPorts]) {
        sockets.removeAll { raw in
            guard let held = BoundSocket.port(of: raw), ports.contains(where: { $0.overlaps(held) }) else { return false }
            close(raw)
            return true
        }
    }

    /// Holds a shortcut in place of the one before.
    package func hold(_ shortcut: consuming ConnectLink) { hold(shortcut.release()) }

    private func hold(_ raw: CInt) {
        if shortcut >= 0 { close(shortcut) }
        shortcut = raw
    }

    /// Holds from now on what another process has made: sockets that are bound, and perhaps a shortcut.
    package func adopt(_ descriptors: [CInt]) {
        for raw in descriptors {
            var type: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            if getsockopt(raw, SOL_SOCKET, SO_TYPE, &type, &size) == 0 { sockets.append(raw) } else { hold(raw) }
        }
    }

    /// The sockets, so many at a time, for another process to hold too.
    package func batches(of count: Int) -> [[CInt]] {
        stride(from: 0, to: sockets.count, by: count).map { Array(sockets[$0..<min($0 + count, sockets.count)]) }
    }

    /// Takes ports that the rules lead to a container already. One that somebody else has by now stays that one's.
    package func take(_ ports: [PublishedPorts]) {
        for ports in ports {
            guard let room = try? DescriptorRoom(for: ports.hostPorts.count) else { continue }
            for pair in ports.pairs {
                _ = try? takeOne(ports.address, pair.host, to: pair.container, ports.transport) { _ in false }
            }
            room.restore()
        }
    }

    /// Takes ports for one request.
    /// - Parameters:
    ///   - address: where they are, if the request does not say.
    ///   - isTaken: whether a port that no socket has is somebody's all the same.
    package func take(
        _ request: PortRequest, at address: IPAddress, isTaken: (PublishedPorts) -> Bool
    ) throws(NetworkError) {
        let address = request.address ?? address
        guard address.family == .v4 || !address.isLoopback else {
            throw .refused(
                "no port can be published at ::1: IPv6 leads nothing from the loopback to a container; take 127.0.0.1, which localhost is too"
            )
        }
        let room = try DescriptorRoom(for: request.hostPorts?.count ?? request.containerPorts.count)
        defer { room.restore() }
        if let hostPorts = request.hostPorts, request.containerPorts.count == 1, hostPorts.count > 1 {
            for port in hostPorts.first...hostPorts.last {
                guard try takeOne(address, port, to: request.containerPorts.first, request.transport, isTaken) == nil else { continue }
                return
            }
            throw .refused("every port of \(address) from \(hostPorts) is in use")
        }
        var host = request.hostPorts?.first
        for container in request.containerPorts.first...request.containerPorts.last {
            if let failed = try takeOne(address, host ?? 0, to: container, request.transport, isTaken) {
                throw .portTaken(failed)
            }
            host = host.map { $0 &+ 1 }
        }
        ports = PublishedPorts.merged(ports)
    }

    /// Takes one port, any with 0. Gives back the one that somebody else has.
    private func takeOne(
        _ address: IPAddress, _ host: UInt16, to container: UInt16, _ transport: Transport,
        _ isTaken: (PublishedPorts) -> Bool
    ) throws(NetworkError) -> PublishedPorts? {
        let wanted = PortRange(host).flatMap { host in
            PortRange(container).flatMap { PublishedPorts(address, host, to: $0, transport) }
        }
        do throws(SystemError) {
            // Free for the kernel and taken for us is a port whose container runs without its monitor.
            for _ in 0..<64 {
                let socket = try BoundSocket(holding: host, of: address, transport)
                guard let port = PortRange(host == 0 ? try socket.port() : host), let target = PortRange(container),
                    let published = PublishedPorts(address, port, to: target, transport)
                else { break }
                if isTaken(published) {
                    if host != 0 { return published }
                    continue
                }
                sockets.append(socket.release())
                ports.append(published)
                return nil
            }
        } catch {
            if error.errno == EADDRINUSE, let wanted { return wanted }
            // SCTP may be missing from this kernel, and then nobody on this machine can have the port.
            if error.errno == EPROTONOSUPPORT || error.errno == ESOCKTNOSUPPORT {
                guard let wanted else {
                    throw .refused("this kernel has no \(transport.rawValue) to look for a free port with; choose one")
                }
                if isTaken(wanted) { return wanted }
                ports.append(wanted)
                return nil
            }
            if error.errno == EADDRNOTAVAIL {
                throw .refused("the address \(address) is none of this machine's, so no port can be published there")
            }
            throw .system(doing: "take the port \(host) of \(address)", error)
        }
        if let wanted { return wanted }
        throw .refused("no free port can be found at \(address)")
    }
}

/// A socket that holds a port.
private struct BoundSocket: ~Copyable {
    private let descriptor: FileDescriptor

    init(holding port: UInt16, of address: IPAddress, _ transport: Transport) throws(SystemError) {
        do throws(SystemError) {
            self = try Self(transport, address, port, listens: false)
        } catch  where error.errno == EADDRINUSE && transport != .udp {
            // Perhaps by nobody but a connection that ended a minute ago.
            self = try Self(transport, address, port, listens: true)
        }
    }

    /// - Parameter listens: takes the port beside connections, and has to listen then, or others could do the same.
    private init(_ transport: Transport, _ address: IPAddress, _ port: UInt16, listens: Bool) throws(SystemError) {
        let subject = "\(address) port \(port)/\(transport.rawValue)"
        let type = transport == .udp ? SOCK_DGRAM : SOCK_STREAM
        let descriptor = FileDescriptor(
            owning: try check("socket", subject) {
                socket(address.family.number, CInt(type.rawValue | SOCK_CLOEXEC.rawValue), CInt(transport.number))
            })
        if listens { try Self.set(SOL_SOCKET, SO_REUSEADDR, descriptor) }
        if address.family == .v6 { try Self.set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, descriptor) }
        try Self.closeFilter(descriptor, subject)
        var raw = SocketAddress(address, port)
        try check("bind", subject) { raw.withPointer { bind(descriptor.raw, $0, $1) } }
        if listens { try check("listen", subject) { listen(descriptor.raw, 1) } }
        self.descriptor = descriptor
    }

    private static func set(_ level: CInt, _ option: CInt, _ descriptor: borrowing FileDescriptor) throws(SystemError) {
        var on: CInt = 1
        try check("setsockopt") { setsockopt(descriptor.raw, level, option, &on, socklen_t(MemoryLayout<CInt>.size)) }
    }

    /// Nobody is to talk to it: a filter of one instruction drops everything.
    private static func closeFilter(_ descriptor: borrowing FileDescriptor, _ subject: String) throws(SystemError) {
        // struct sock_filter { BPF_RET | BPF_K, 0, 0, 0 } in struct sock_fprog.
        var instruction: UInt64 = UInt64(UInt16(6).littleEndian)
        try withUnsafePointer(to: &instruction) { pointer throws(SystemError) in
            var program = (UInt16(1), UnsafeRawPointer(pointer))
            try check("setsockopt", subject) {
                setsockopt(descriptor.raw, SOL_SOCKET, SO_ATTACH_FILTER, &program, socklen_t(MemoryLayout.size(ofValue: program)))
            }
        }
    }

    /// What an open socket holds; its own port stands for the container's, which it does not know.
    static func port(of raw: CInt) -> PublishedPorts? {
        var address = SocketAddress(IPAddress(.v4, 0), 0)
        var number: CInt = 0
        var size = socklen_t(MemoryLayout<CInt>.size)
        guard address.withPointer(fill: true, { getsockname(raw, $0, $1) }) == 0,
            getsockopt(raw, SOL_SOCKET, SO_PROTOCOL, &number, &size) == 0, let ip = address.address, let port = PortRange(address.port),
            let transport = Transport.allCases.first(where: { CInt($0.number) == number })
        else { return nil }
        return PublishedPorts(ip, port, to: port, transport)
    }

    func port() throws(SystemError) -> UInt16 {
        var address = SocketAddress(IPAddress(.v4, 0), 0)
        try check("getsockname") { address.withPointer(fill: true) { getsockname(descriptor.raw, $0, $1) } }
        return address.port
    }

    consuming func release() -> CInt { descriptor.release() }
}

/// `struct sockaddr_in` or `sockaddr_in6`.
struct SocketAddress {
    private var raw = sockaddr_in6()
    private var size: socklen_t

    init(_ address: IPAddress, _ port: UInt16) {
        size = socklen_t(address.family == .v4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size)
        // Family and port are at the same place in both; the address follows the port with IPv4, and a flow label with IPv6.
        raw.sin6_family = sa_family_t(address.family.number)
        raw.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &raw) { bytes in
            for (index, byte) in address.bytes.enumerated() { bytes[(address.family == .v4 ? 4 : 8) + index] = byte }
        }
    }

    var port: UInt16 { UInt16(bigEndian: raw.sin6_port) }

    /// Nil for another family's.
    var address: IPAddress? {
        withUnsafeBytes(of: raw) { bytes in
            switch CInt(raw.sin6_family) {
            case AF_INET: IPAddress(bytes: Array(bytes[4..<8]))
            case AF_INET6: IPAddress(bytes: Array(bytes[8..<24]))
            default: nil
            }
        }
    }

    mutating func withPointer(_ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
        let size = size
        return withUnsafeMutablePointer(to: &raw) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, size) } }
    }

    /// For a call that writes the address.
    mutating func withPointer(fill: Bool, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt) -> CInt {
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        return withUnsafeMutablePointer(to: &raw) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &size) } }
    }
}

/// Room for many descriptors: the soft limit is raised while they are made. What is open stays open when it is lowered again, and the
/// container gets the limit that we were given.
private struct DescriptorRoom {
    private let before: ResourceLimit?

    init(for count: Int) throws(NetworkError) {
        guard count > 256, let kind = ResourceLimit.Kind("nofile"), let limit = try? ResourceLimit(current: kind) else {
            before = nil
            return
        }
        guard UInt64(count) + 64 <= limit.hard else {
            throw .refused("\(count) ports are more than this process may have files open, which are \(limit.hard); see ulimit -n")
        }
        before = limit
        var raised = limit
        raised.soft = limit.hard
        do throws(SystemError) { try raised.apply() } catch { throw .system(doing: "make room for \(count) ports", error) }
    }

    func restore() { try? before?.apply() }
}
