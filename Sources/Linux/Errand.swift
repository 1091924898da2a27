// SPDX-License-Identifier: Apache-2.0
package import CLinux
import Glibc

/// One thing done by a process of ours that ends with it: in namespaces, or with rights, that this process must not take on itself.
package enum Errand {
    /// Sends a process to do `body`, waits for it, and gives back the descriptor it brings.
    /// - Parameters:
    ///   - namespaces: new ones for the process.
    ///   - prepare: done here, with its number, before it begins.
    /// - Throws: what `body` threw; `ECHILD` if the process was killed.
    @discardableResult
    package static func run(
        in namespaces: Namespaces = [], prepare: (pid_t) throws(SystemError) -> Void = { _ in },
        _ body: () throws(SystemError) -> FileDescriptor?
    ) throws(SystemError) -> FileDescriptor? {
        let pair = try MessageSocket.pair()
        guard case .parent(let pid, let process) = try Process.clone(namespaces) else { be(MessageSocket(ofChild: pair), body) }
        let ours = MessageSocket(pair)
        var answer: MessageSocket.Message?
        do throws(SystemError) {
            try prepare(pid)
            try ours.send([0])
            answer = try ours.receive()
        } catch {
            process.abandon()
            throw error
        }
        _ = try process.reap()
        guard var message = answer.take() else { throw SystemError(call: "clone3", subject: namespaces.description, errno: ECHILD) }
        guard message.bytes == [0] else { throw SystemError(message.bytes[...]) ?? SystemError(call: "recvmsg", errno: EPROTO) }
        return message.takeDescriptors().first.map { FileDescriptor(owning: $0) }
    }

    /// The same, for what brings a descriptor or fails.
    package static func fetch(_ body: () throws(SystemError) -> FileDescriptor) throws(SystemError) -> FileDescriptor {
        guard let found = try run({ () throws(SystemError) in try body() }) else { throw SystemError(call: "recvmsg", errno: EPROTO) }
        return found
    }

    /// That process.
    private static func be(_ home: consuming MessageSocket, _ body: () throws(SystemError) -> FileDescriptor?) -> Never {
        do throws(SystemError) {
            // Whoever can see it where it goes must see no more than that (CVE-2016-9962).
            try Process.setDumpable(false)
            guard try home.receive() != nil else { Process.exit(1) }
            if let found = try body() { try home.send([0], descriptors: [found.raw]) } else { try home.send([0]) }
        } catch {
            try? home.send(error.bytes)
        }
        Process.exit(0)
    }
}

extension SystemError {
    /// For another process of ours: fields separated by NUL, which occurs in none of them.
    package var bytes: [UInt8] { Array([call, subject, "\(errno)"].map { Array($0.utf8.prefix(1500)) }.joined(separator: [0])) }

    package init?(_ bytes: ArraySlice<UInt8>) {
        let fields = bytes.split(separator: 0, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 3, let errno = CInt(fields[2]) else { return nil }
        self.init(call: fields[0], subject: fields[1], errno: errno)
    }
}
