// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension ProcessHandle {
    /// Waits for a process whose terminal is ours and for which signals to us are meant: passes on bytes and signals until it has ended.
    func waitInForeground(terminal: consuming FileDescriptor?) throws(SystemError) -> Termination {
        try SignalSet.all.block()
        let arrivals = try SignalSet.all.descriptor()
        guard let master = terminal.take() else { return try wait(arrivals) }
        // Whatever we write there, the process must not be able to hold us up.
        try master.setNonBlocking(true)
        let mode = RawMode(0)
        var input = Flow(from: 0, to: master.raw)
        var output = Flow(from: master.raw, to: 1)
        while true {
            var entries = [
                PollEntry(arrivals.raw, .readable), PollEntry(descriptor.raw, .readable), input.entry, output.entry,
            ]
            _ = try entries.wait()
            if try pass(arrivals), let size = FileDescriptor.windowSize(of: 0) { try master.setWindowSize(size) }
            if !entries[2].ready.isEmpty { input.step() }
            if !entries[3].ready.isEmpty { output.step() }
            guard !entries[1].ready.isEmpty else { continue }
            // What it wrote last is still in the terminal.
            while output.isOpen, output.hasMore() { output.step() }
            _ = consume mode
            return try reap()
        }
    }

    private func wait(_ arrivals: borrowing FileDescriptor) throws(SystemError) -> Termination {
        while true {
            var entries = [PollEntry(arrivals.raw, .readable), PollEntry(descriptor.raw, .readable)]
            _ = try entries.wait()
            _ = try pass(arrivals)
            if !entries[1].ready.isEmpty { return try reap() }
        }
    }

    /// Passes on the signals that came. The process is in a session of its own, so even ^C of our terminal reaches only us.
    /// - Returns: whether our window has changed.
    private func pass(_ arrivals: borrowing FileDescriptor) throws(SystemError) -> Bool {
        var hasChanged = false
        while let report = try Signal.next(from: arrivals.raw) {
            switch report.signal {
            case .child, .pipe: break
            case .windowChange: hasChanged = true
            default:
                do throws(SystemError) { try signal(report.signal) } catch  where error.errno == ESRCH {}
            }
        }
        return hasChanged
    }
}

/// Bytes on their way from one descriptor to another, at most one buffer of them.
private struct Flow {
    let source: CInt
    let target: CInt
    private var pending: ArraySlice<UInt8> = []
    private(set) var isOpen = true

    init(from source: CInt, to target: CInt) {
        self.source = source
        self.target = target
    }

    /// What to wait for.
    var entry: PollEntry {
        guard isOpen else { return PollEntry(-1, .readable) }
        return pending.isEmpty ? PollEntry(source, .readable) : PollEntry(target, .writable)
    }

    /// Whether it could go on at once.
    func hasMore() -> Bool {
        var entries = [entry]
        return (try? entries.wait(milliseconds: 0)) ?? false
    }

    /// Reads, or writes what was read. A terminal whose other side is gone answers EIO, which is its end of file.
    mutating func step() {
        if pending.isEmpty {
            var buffer = [UInt8](repeating: 0, count: 8192)
            let count = Glibc.read(source, &buffer, buffer.count)
            if count > 0 { pending = buffer[..<count] } else if count == 0 || (errno != EAGAIN && errno != EINTR) { isOpen = false }
        } else {
            let count = pending.withUnsafeBytes { Glibc.write(target, $0.baseAddress, $0.count) }
            if count > 0 { pending = pending.dropFirst(count) } else if errno != EAGAIN && errno != EINTR { isOpen = false }
        }
    }
}
