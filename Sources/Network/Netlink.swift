// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
package import Linux

/// A conversation with the kernel about links, addresses and routes of one network namespace (`rtnetlink(7)`).
///
/// libnl-route writes the messages. They are sent and answered here, one at a time: its own sockets turn the kernel's errno into a
/// smaller list of reasons, and its caches ask for every link of the machine, which grows with the number of containers.
package struct Netlink: ~Copyable {
    private let socket: FileDescriptor
    private var sequence: UInt32 = 0

    /// For the namespace this process is in.
    package init() throws(SystemError) {
        let type = CInt(SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue)
        socket = FileDescriptor(owning: try check("socket", "netlink") { Glibc.socket(AF_NETLINK, type, NETLINK_ROUTE) })
    }

    /// Has one thing done.
    mutating func perform(_ message: NetlinkMessage, flags: CInt = 0) throws(SystemError) { try perform([message], flags: flags) }

    /// Has several things done, in this order, sent at once. The first that fails is the error; the kernel still tries those behind it.
    mutating func perform(_ messages: [NetlinkMessage], flags: CInt = 0) throws(SystemError) {
        let first = sequence &+ 1
        try send(messages, flags: NLM_F_ACK | flags)
        var failure: SystemError?
        var waiting = messages.count
        while waiting > 0 {
            for reply in try receive() where reply.type == NLMSG_ERROR {
                let index = Int(reply.sequence &- first)
                guard messages.indices.contains(index) else { continue }
                waiting -= 1
                let code = Int32(bitPattern: reply.word(0))
                if code != 0, failure == nil { failure = messages[index].error(-code) }
            }
        }
        if let failure { throw failure }
    }

    /// Asks for one thing; nil if there is no such thing (`ENODEV`).
    mutating func get(_ message: NetlinkMessage) throws(SystemError) -> NetlinkReply? {
        try send([message], flags: 0)
        while true {
            for reply in try receive() where reply.sequence == sequence {
                guard reply.type == NLMSG_ERROR else { return reply }
                let code = -Int32(bitPattern: reply.word(0))
                if code == ENODEV { return nil }
                throw message.error(code)
            }
        }
    }

    /// Asks for all things of a kind.
    mutating func dump(_ message: NetlinkMessage, _ body: (NetlinkReply) -> Void) throws(SystemError) {
        try send([message], flags: NLM_F_DUMP)
        while true {
            for reply in try receive() where reply.sequence == sequence {
                if reply.type == NLMSG_DONE { return }
                if reply.type == NLMSG_ERROR { throw message.error(-Int32(bitPattern: reply.word(0))) }
                body(reply)
            }
        }
    }

    private mutating func send(_ messages: [NetlinkMessage], flags: CInt) throws(SystemError) {
        var bytes: [UInt8] = []
        for message in messages {
            sequence &+= 1
            bytes += message.bytes(sequence, UInt16(truncatingIfNeeded: flags | NLM_F_REQUEST))
        }
        try check("send", "netlink") { Glibc.send(socket.raw, bytes, bytes.count, 0) }
    }

    private func receive() throws(SystemError) -> [NetlinkReply] { try socket.receiveReplies() }
}

extension FileDescriptor {
    /// One datagram from the kernel: one reply, or several of a dump.
    func receiveReplies() throws(SystemError) -> [NetlinkReply] {
        let bytes = try receiveFromKernel()
        var replies: [NetlinkReply] = []
        var rest = bytes[...]
        // struct nlmsghdr: length, type and flags, sequence, port.
        while rest.count >= 16 {
            let length = Int(rest.word(0))
            guard length >= 16, length <= rest.count else { break }
            replies.append(
                NetlinkReply(
                    type: CInt(rest.short(4)), sequence: rest.word(8),
                    payload: rest[(rest.startIndex + 16)..<(rest.startIndex + length)]))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return replies
    }

    /// Any process may send to a netlink socket; the kernel alone has the port 0 (`netlink(7)`). What others say is dropped.
    private func receiveFromKernel() throws(SystemError) -> [UInt8] {
        while true {
            var sender = sockaddr_nl()
            var size = socklen_t(MemoryLayout<sockaddr_nl>.size)
            let bytes = try [UInt8](filling: 65536, "recvfrom", "netlink") { buffer in
                withUnsafeMutablePointer(to: &sender) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        recvfrom(raw, buffer.baseAddress, buffer.count, 0, $0, &size)
                    }
                }
            }
            if sender.nl_pid == 0 { return bytes }
        }
    }
}

/// What the kernel answered: a fixed part, and attributes behind it.
struct NetlinkReply {
    let type: CInt
    let sequence: UInt32
    let payload: ArraySlice<UInt8>

    /// A 32-bit number of the fixed part.
    func word(_ offset: Int) -> UInt32 { payload.word(offset) }

    func byte(_ offset: Int) -> UInt8 { offset < payload.count ? payload[payload.startIndex + offset] : 0 }

    /// Attributes by number, after a fixed part of that many bytes.
    func attributes(after fixed: Int) -> [(type: Int, value: ArraySlice<UInt8>)] {
        var found: [(type: Int, value: ArraySlice<UInt8>)] = []
        var rest = payload.dropFirst(fixed)
        // struct nlattr: length, type with two flags on top.
        while rest.count >= 4 {
            let length = Int(rest.short(0))
            guard length >= 4, length <= rest.count else { break }
            found.append((Int(rest.short(2) & 0x3fff), rest[(rest.startIndex + 4)..<(rest.startIndex + length)]))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return found
    }
}

extension ArraySlice<UInt8> {
    /// A 16-bit number in the machine's order; zero where there are no bytes for it.
    func short(_ offset: Int) -> UInt16 {
        withUnsafeBytes { offset >= 0 && offset + 2 <= $0.count ? $0.loadUnaligned(fromByteOffset: offset, as: UInt16.self) : 0 }
    }

    /// A 32-bit number in the machine's order; zero where there are no bytes for it.
    func word(_ offset: Int) -> UInt32 {
        withUnsafeBytes { offset >= 0 && offset + 4 <= $0.count ? $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) : 0 }
    }
}
