// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Bytes on their way from one descriptor to others, never more than one buffer of them.
struct Stream {
    /// Closed when it ends, unless it is one of our own first three.
    private let source: CInt
    /// −1 for none: a log alone.
    private let target: CInt
    private let log: LogFile.Channel?
    /// From the container to the outside: the run is not over before it has ended.
    let isOutward: Bool
    /// The other side learns of the end of the source by the end of the target.
    private let closesTarget: Bool
    /// What the target takes at once without blocking, when `poll` says it takes anything: a pipe or terminal at least `PIPE_BUF`.
    private let chunk: Int
    private(set) var isOpen = true
    private var pending: ArraySlice<UInt8> = []

    /// From the container outwards.
    init(from source: CInt, to target: CInt, log: LogFile.Channel? = nil) {
        self.source = source
        self.target = target
        self.log = log
        isOutward = true
        closesTarget = false
        chunk = (try? FileStatus(ofDescriptor: target))?.kind == .regular ? 65536 : 4096
    }

    /// From outside into the container. The descriptor it goes to is ours alone, so it can be made not to block.
    init(from source: CInt, into target: CInt, closesTarget: Bool) {
        self.source = source
        self.target = target
        log = nil
        isOutward = false
        self.closesTarget = closesTarget
        chunk = 65536
    }

    /// Two places in a `poll` list: the source while nothing is pending, the target while something is.
    var pollEntries: [PollEntry] {
        [PollEntry(isOpen && pending.isEmpty ? source : -1, .readable), PollEntry(isOpen && !pending.isEmpty ? target : -1, .writable)]
    }

    /// Moves what can be moved now.
    mutating func move(_ from: PollEntry, _ to: PollEntry) {
        guard isOpen else { return }
        if pending.isEmpty {
            guard !from.ready.isEmpty else { return }
            fill()
        } else if !to.ready.isEmpty {
            drain()
        }
    }

    private mutating func fill() {
        var failure: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
            let result = read(source, buffer.baseAddress, 65536)
            failure = result < 0 ? errno : 0
            count = max(0, result)
        }
        if failure == EAGAIN || failure == EINTR { return }
        // A terminal whose last user is gone answers EIO.
        guard !bytes.isEmpty else { return close() }
        log?.append(bytes)
        if target >= 0 {
            pending = bytes[...]
            drain()
        }
    }

    private mutating func drain() {
        while !pending.isEmpty {
            let size = min(chunk, pending.count)
            let written = pending.withUnsafeBytes { write(target, $0.baseAddress, size) }
            if written < 0 {
                if errno == EAGAIN || errno == EINTR { return }
                // Nobody reads any more. With a log the container need not learn of it; else it does, as it would without us.
                if log == nil || !isOutward { return close() }
                pending = []
                return
            }
            pending = pending.dropFirst(written)
            if chunk < 65536 { return }
        }
    }

    private mutating func close() {
        isOpen = false
        pending = []
        log?.flush()
        if source > 2 { Glibc.close(source) }
        if closesTarget { Glibc.close(target) }
    }
}
