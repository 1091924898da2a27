// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Waits for one process of a container, and meanwhile carries bytes and signals between it and whoever is outside.
///
/// The one loop of the house: a foreground run, an exec and a monitor differ only in what they give it.
struct Supervisor: ~Copyable {
    var streams: [Stream] = []
    /// Where signals for us arrive that are the container's; −1 for none.
    var signals: CInt = -1
    /// The container's terminal, seen from outside; −1 for none.
    var master: CInt = -1
    /// The user's terminal, whose size the container's follows; −1 for none.
    var terminal: CInt = -1
    /// The user's terminal in raw mode, as long as this lasts.
    var rawMode: RawMode?
    private var interrupts = 0

    init() {}

    /// How long after the end of the process, in milliseconds, its output may still arrive from what it leaves behind.
    private static let drainTime: Int64 = 200

    /// Waits until the process has ended and what it wrote has been passed on.
    mutating func wait(for process: borrowing ProcessHandle) throws(SystemError) -> Termination {
        var end: Termination?
        var deadline: Int64 = 0
        while true {
            var entries = [PollEntry(end == nil ? process.descriptor.raw : -1, .readable), PollEntry(signals, .readable)]
            for stream in streams { entries += stream.pollEntries }
            _ = try entries.wait(milliseconds: end == nil ? -1 : CInt(clamping: max(0, deadline - MonotonicClock.milliseconds)))
            if !entries[0].ready.isEmpty {
                end = try process.reap()
                // A grandchild that keeps a pipe open does not hold the run up.
                deadline = MonotonicClock.milliseconds + Self.drainTime
            }
            if !entries[1].ready.isEmpty { try passSignals(to: process) }
            for index in streams.indices { streams[index].move(entries[2 + 2 * index], entries[3 + 2 * index]) }
            if let end, !streams.contains(where: { $0.isOutward && $0.isOpen }) || MonotonicClock.milliseconds >= deadline { return end }
        }
    }

    private mutating func passSignals(to process: borrowing ProcessHandle) throws(SystemError) {
        while let report = try Signal.next(from: signals) {
            switch report.signal {
            case .windowChange: followSize()
            case .child, .pipe: break
            case .continue:
                rawMode?.set()
                followSize()
            default:
                if report.signal == .interrupt { interrupts += 1 }
                // A first process without a handler hears nothing of ^C: the third one means it.
                try? process.signal(interrupts >= 3 ? .kill : report.signal)
            }
        }
    }

    private func followSize() {
        guard let size = FileDescriptor.windowSize(of: terminal) else { return }
        try? FileDescriptor.setWindowSize(of: master, size)
    }
}

extension SignalSet {
    /// What a command passes on to the container's process: all but those that stop this one, tell it of its children, or that it owes to itself.
    static let forwarded: SignalSet = {
        let own: Set<Signal> = [
            .kill, .stop, Signal(rawValue: SIGTSTP), Signal(rawValue: SIGTTIN), Signal(rawValue: SIGTTOU), Signal(rawValue: SIGSEGV),
            Signal(rawValue: SIGILL), Signal(rawValue: SIGBUS), Signal(rawValue: SIGFPE), Signal(rawValue: SIGTRAP),
            Signal(rawValue: SIGABRT),
            Signal(rawValue: SIGURG), Signal(rawValue: SIGSYS),
        ]
        return SignalSet((CInt(1)...64).map(Signal.init(rawValue:)).filter { !own.contains($0) })
    }()
}
