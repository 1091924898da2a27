// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Bytes on their way from one descriptor to others, never more than one buffer of them.
struct Stream {
    /// Closed when it ends, unless it is one of our own first three.
    private let source: CInt
    private let log: LogFile.Channel?
    private let audience: Audience?
    private let isError: Bool
    /// From the container to the outside: the run is not over before it has ended.
    let isOutward: Bool
    /// The other side learns of the end of the source by the end of the target.
    private let closesTarget: Bool
    private var keys: DetachScanner?
    private var pending: Backlog
    private(set) var isOpen = true
    /// Bytes that were on their way when the process ended and are yet to be read; nil before.
    private var owed: Int?
    /// The detach keys came.
    private(set) var isDetached = false

    /// From the container outwards.
    /// - Parameter target: −1 for a log or an audience alone.
    init(from source: CInt, to target: CInt, log: LogFile.Channel? = nil, audience: Audience? = nil, isError: Bool = false) {
        self.source = source
        self.log = log
        self.audience = audience
        self.isError = isError
        isOutward = true
        closesTarget = false
        pending = Backlog(to: target)
        // Our end of a pipe, or a terminal's master: ours alone. What is typed into one that does not listen must not hold us up either.
        try? FileDescriptor.setNonBlocking(source)
    }

    /// From outside into the container. The descriptor it goes to is ours alone, so it can be made not to block.
    init(from source: CInt, into target: CInt, closesTarget: Bool, keys: DetachKeys? = nil) {
        self.source = source
        log = nil
        audience = nil
        isError = false
        isOutward = false
        self.closesTarget = closesTarget
        self.keys = DetachScanner(keys)
        pending = Backlog(to: target, isOurs: true)
    }

    /// Whether what the process has written has yet to be read, or to be taken by somebody outside.
    var isWaiting: Bool { isOpen && isOutward && (owed ?? 0 > 0 || !pending.isEmpty || audience?.isBehind == true) }

    /// To be told each time round once the process has ended: what is here by then is not lost, however slow we are. What others write
    /// after that is, and what they read in our place.
    mutating func countOwed() {
        if isOpen, isOutward { owed = min(owed ?? .max, FileDescriptor.available(in: source)) }
    }

    /// What came out of the container and could not be passed on.
    var loss: SystemError? { isOutward ? pending.loss : nil }

    /// Two places in a `poll` list: the source while nothing is pending, the target while something is.
    var pollEntries: [PollEntry] {
        let isReading = isOpen && pending.isEmpty && audience?.isBehind != true
        return [PollEntry(isReading ? source : -1, .readable), pending.pollEntry]
    }

    /// Moves what can be moved now.
    mutating func move(_ from: PollEntry, _ to: PollEntry) {
        guard isOpen else { return }
        if audience?.hasHungUp == true { return close() }
        if pending.isEmpty {
            guard !from.ready.isEmpty, audience?.isBehind != true else { return }
            fill()
        } else if !to.ready.isEmpty {
            drain()
        }
    }

    private mutating func fill() {
        let capacity = audience == nil ? 65536 : AttachMessage.limit
        var failure: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            // A terminal gives little at a time. Somebody else's input may block where there is no more.
            repeat {
                let result = read(source, buffer.baseAddress.map { $0 + count }, capacity - count)
                failure = result < 0 ? errno : 0
                count += max(0, result)
                if result <= 0 { break }
            } while isOutward && count < capacity
        }
        if bytes.isEmpty, failure == EAGAIN || failure == EINTR { return }
        // What was read goes first; the end is seen again. A terminal whose last user is gone answers EIO.
        guard !bytes.isEmpty else { return close() }
        if let owed { self.owed = max(0, owed - bytes.count) }
        log?.append(bytes)
        audience?.tell(isError ? .error(bytes[...]) : .output(bytes[...]))
        if let found = keys?.scan(bytes) {
            isDetached = found.isDetached
            pending.add(found.passed[...])
        } else {
            pending.add(bytes[...])
        }
        if !isOutward { drain() }
    }

    private mutating func drain() {
        if pending.drain() { return }
        // Whoever read has enough: the container learns of it, as it would without us. Of a terminal that is gone or a full disk one that
        // has a log need not.
        if log == nil || !isOutward || pending.isUnread { close() }
    }

    mutating func close() {
        guard isOpen else { return }
        isOpen = false
        log?.flush()
        audience?.terminalEnds(source)
        if source > 2 { Glibc.close(source) }
        if closesTarget { Glibc.close(pending.target) }
    }
}
