// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// One end of a local socket that keeps messages apart and carries descriptors beside them (`unix(7)`, `SOCK_SEQPACKET`).
package struct MessageSocket: ~Copyable {
    package let descriptor: FileDescriptor

    package init(owning descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Two connected ends. The corresponding call is `socketpair(2)`.
    package static func pair() throws(SystemError) -> MessageSocketPair {
        var ends: [CInt] = [-1, -1]
        try check("socketpair") { socketpair(AF_UNIX, CInt(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) }
        return MessageSocketPair(
            first: MessageSocket(owning: FileDescriptor(owning: ends[0])), second: MessageSocket(owning: FileDescriptor(owning: ends[1])))
    }

    /// Our end of a pair that is now shared with a child: the other end is closed here.
    package init(_ pair: consuming MessageSocketPair) { self = pair.first }

    /// The child's end of such a pair: it learns when we are gone.
    package init(ofChild pair: consuming MessageSocketPair) { self = pair.second }

    /// How many descriptors one message carries.
    package static let capacity = Int(linux_max_fds)

    /// Sends one message. At most `capacity` descriptors; they stay open here.
    package func send(_ bytes: [UInt8], descriptors: [CInt] = []) throws(SystemError) {
        guard descriptors.count <= Int(linux_max_fds) else { throw SystemError(call: "sendmsg", errno: E2BIG) }
        try check("sendmsg") { linux_send(descriptor.raw, bytes, bytes.count, descriptors, descriptors.count) }
    }

    /// Waits for one message. Nil at the end: the other side is gone, or has become another program.
    package func receive(limit: Int = 8192) throws(SystemError) -> Message? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let (size, descriptors) = try Self.receive(from: descriptor.raw, into: &bytes)
        if size == 0 { return nil }
        return Message(bytes: Array(bytes[..<size]), descriptors: descriptors)
    }

    /// One message that came short, or lost descriptors because this process may have no more of them, is the error `EMSGSIZE`.
    private static func receive(
        from raw: CInt, into buffer: inout [UInt8], _ flags: CInt = 0
    ) throws(SystemError) -> (size: Int, descriptors: [CInt]) {
        var descriptors = [CInt](repeating: -1, count: capacity)
        var count = 0
        var flags = flags
        let size = try check("recvmsg") { linux_receive(raw, &buffer, buffer.count, &descriptors, &count, &flags) }
        descriptors.removeLast(descriptors.count - count)
        guard flags & CInt(MSG_TRUNC | MSG_CTRUNC) == 0 else {
            for raw in descriptors { close(raw) }
            throw SystemError(call: "recvmsg", errno: EMSGSIZE)
        }
        return (size, descriptors)
    }

    package struct Message: ~Copyable {
        package let bytes: [UInt8]
        /// Close-on-exec. Closed with the message unless taken.
        package private(set) var descriptors: [CInt]

        init(bytes: [UInt8], descriptors: [CInt]) {
            self.bytes = bytes
            self.descriptors = descriptors
        }

        /// Takes the descriptors out, in the order they were sent.
        package mutating func takeDescriptors() -> [CInt] {
            defer { descriptors = [] }
            return descriptors
        }

        deinit { for raw in descriptors { close(raw) } }
    }
}

@frozen package struct MessageSocketPair: ~Copyable {
    package var first: MessageSocket
    package var second: MessageSocket

    /// Gives both ends up.
    package consuming func release() -> (first: CInt, second: CInt) { (first.descriptor.release(), second.descriptor.release()) }
}

extension MessageSocket {
    /// Sends to a socket that somebody else owns, without ever waiting. False if it takes nothing now.
    package static func offer(_ bytes: [UInt8], to raw: CInt) throws(SystemError) -> Bool {
        let flags = CInt(MSG_DONTWAIT | MSG_NOSIGNAL)
        do throws(SystemError) { try check("send") { Glibc.send(raw, bytes, bytes.count, flags) } } catch  where error.errno == EAGAIN {
            return false
        }
        return true
    }

    /// The next message of a socket that somebody else owns, in `buffer`, which holds the longest there is. 0 at the end, nil for none now.
    package static func take(from raw: CInt, into buffer: inout [UInt8]) throws(SystemError) -> Int? {
        while true {
            do throws(SystemError) { return try check("recv") { recv(raw, &buffer, buffer.count, CInt(MSG_DONTWAIT)) } } catch {
                if error.errno == EAGAIN { return nil }
                // The other side has closed without reading all of ours, which is told once and before what it said last.
                if error.errno != ECONNRESET { throw error }
            }
        }
    }

    /// The same with the descriptors that came beside it, which are the caller's to close.
    package static func take(from raw: CInt, into buffer: inout [UInt8], _ descriptors: inout [CInt]) throws(SystemError) -> Int? {
        while true {
            do throws(SystemError) {
                let message = try receive(from: raw, into: &buffer, CInt(MSG_DONTWAIT))
                descriptors = message.descriptors
                return message.size
            } catch {
                if error.errno == EAGAIN { return nil }
                if error.errno != ECONNRESET { throw error }
            }
        }
    }
}

/// Sockets that have a path.
package enum LocalSocket {
    /// Connects to a stream socket, as an engine's `--console-socket` is. A path longer than `sun_path` goes through its directory's descriptor.
    package static func connect(_ path: String, type: CInt = CInt(SOCK_STREAM.rawValue)) throws(SystemError) -> FileDescriptor {
        try make(type, "connect", path, Glibc.connect)
    }

    /// Listens on a new path; one that exists is the error `EADDRINUSE`.
    package static func listen(_ path: String, type: CInt = CInt(SOCK_STREAM.rawValue)) throws(SystemError) -> FileDescriptor {
        let socket = try make(type, "bind", path, Glibc.bind)
        try check("listen", path) { Glibc.listen(socket.raw, 16) }
        return socket
    }

    private static func make(
        _ type: CInt, _ call: StaticString, _ path: String, _ body: (CInt, UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) throws(SystemError) -> FileDescriptor {
        let socket = FileDescriptor(owning: try check("socket") { Glibc.socket(AF_UNIX, type | CInt(SOCK_CLOEXEC.rawValue), 0) })
        let parent = try Parent(of: path)
        var address = try Self.address(parent.reachable)
        try check(call, path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body(socket.raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        return socket
    }

    package static func accept(_ listener: borrowing FileDescriptor) throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try check("accept") { linux_accept(listener.raw) })
    }

    /// `sun_path` holds 107 bytes; the directory's descriptor stands for whatever is longer.
    private struct Parent: ~Copyable {
        let directory: FileDescriptor
        let reachable: String

        init(of path: String) throws(SystemError) {
            let (folder, name) = path.folderAndName
            directory = try FileDescriptor(opening: folder, [.path, .directory])
            reachable = path.utf8.count < 108 ? path : "/proc/self/fd/\(directory.raw)/\(name)"
        }
    }

    private static func address(_ path: String) throws(SystemError) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError(call: "connect", subject: path, errno: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }
}
