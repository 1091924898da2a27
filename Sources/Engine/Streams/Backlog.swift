// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Bytes on their way into a descriptor that is never waited for: they go as `poll` says that it takes them.
struct Backlog {
    /// −1 for none: then everything is taken and dropped.
    let target: CInt
    /// What the target takes at once without blocking, when `poll` says it takes anything: a pipe or terminal at least `PIPE_BUF`.
    private let chunk: Int
    private var bytes: ArraySlice<UInt8> = []
    /// Why the target takes no more.
    private(set) var failure: SystemError?
    /// As the caller knows the target.
    private let number: CInt

    /// - Parameter isOurs: nobody else has this descriptor's file open, so that it was made not to block.
    init(to target: CInt, isOurs: Bool = false) {
        number = target
        let kind = isOurs || target < 0 ? nil : (try? FileStatus(ofDescriptor: target))?.kind
        // A pipe that others hold too is opened once more: then not to block is a matter of ours alone.
        if kind == .fifo, let own = try? FileDescriptor(opening: "/proc/self/fd/\(target)", [.writeOnly, .nonBlocking]) {
            self.target = own.release()
            chunk = 65536
        } else {
            self.target = target
            chunk = isOurs || kind == .regular ? 65536 : 4096
        }
    }

    var isEmpty: Bool { bytes.isEmpty }

    /// The other end is closed, by somebody who wants no more.
    var isUnread: Bool { failure?.errno == EPIPE }

    /// What was to be written and could not be, unless whoever read has had enough. A terminal that is gone (`EIO`) has nobody to be told.
    var loss: SystemError? { isUnread || failure?.errno == EIO ? nil : failure }

    /// A place in a `poll` list.
    var pollEntry: PollEntry { PollEntry(isEmpty ? -1 : target, .writable) }

    mutating func add(_ new: ArraySlice<UInt8>) {
        guard target >= 0 else { return }
        if bytes.isEmpty { bytes = new } else { bytes += new }
    }

    /// False if it takes no more.
    mutating func drain() -> Bool {
        while !bytes.isEmpty {
            let size = min(chunk, bytes.count)
            let written = bytes.withUnsafeBytes { write(target, $0.baseAddress, size) }
            if written < 0 {
                if errno == EAGAIN || errno == EINTR { return true }
                failure = SystemError(call: "write", subject: number == 2 ? "standard error" : "standard output", errno: errno)
                bytes = []
                return false
            }
            bytes = bytes.dropFirst(written)
            // A shared descriptor may block at the second chunk.
            if chunk < 65536 { return true }
        }
        bytes = []
        return true
    }
}
