// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Somebody who takes part in the loop of a supervisor, and is asked each time round.
protocol Attendant: AnyObject {
    var pollEntries: [PollEntry] { get }
    /// When to be asked although nothing has come, in milliseconds of `MonotonicClock`; nil for never.
    var deadline: Int64? { get }
    /// - Parameter entries: those of `pollEntries`, with what came.
    func attend(_ entries: ArraySlice<PollEntry>, _ process: borrowing ProcessHandle)
}

/// Waits for one process of a container, and meanwhile carries bytes and signals between it and whoever is outside.
///
/// The one loop of the house: a foreground run, an exec and a monitor differ only in what they give it.
struct Supervisor: ~Copyable {
    var streams: [Stream] = []
    var attendants: [any Attendant] = []
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

    /// What was written in the container and could not be passed on.
    var loss: SystemError? { streams.lazy.compactMap(\.loss).first }

    enum End {
        case ended(Termination)
        /// It has, but it was not our child, and the kernel does not tell how.
        case unknown
        /// It goes on: the detach keys came.
        case detached
    }

    /// How long after the end of the process, in milliseconds, its output may still arrive from what it leaves behind.
    private static let drainTime: Int64 = 200

    /// Waits until the process has ended and what it wrote has been passed on.
    mutating func wait(for process: borrowing ProcessHandle) throws(SystemError) -> End {
        var end: End?
        var deadline = Int64.max
        while true {
            var entries = [PollEntry(end == nil ? process.descriptor.raw : -1, .readable), PollEntry(signals, .readable)]
            for stream in streams { entries += stream.pollEntries }
            var places: [Int] = []
            for attendant in attendants {
                places.append(entries.count)
                entries += attendant.pollEntries
            }
            places.append(entries.count)
            try wait(&entries, until: attendants.reduce(deadline) { min($0, $1.deadline ?? .max) })
            if !entries[0].ready.isEmpty {
                end = try process.termination().map { .ended($0) } ?? .unknown
                // A grandchild that keeps a pipe open does not hold the run up.
                deadline = MonotonicClock.milliseconds + Self.drainTime
            }
            if end != nil { for index in streams.indices { streams[index].countOwed() } }
            if !entries[1].ready.isEmpty { try passSignals(to: process) }
            for index in streams.indices { streams[index].move(entries[2 + 2 * index], entries[3 + 2 * index]) }
            for (index, attendant) in attendants.enumerated() {
                attendant.attend(entries[places[index]..<places[index + 1]], process)
            }
            if streams.contains(where: \.isDetached) { return .detached }
            guard let end else { continue }
            // What has come this far is not lost because somebody is slow to take it.
            if streams.contains(where: \.isWaiting) { deadline = MonotonicClock.milliseconds + Self.drainTime }
            if !streams.contains(where: { $0.isOutward && $0.isOpen }) || MonotonicClock.milliseconds >= deadline {
                // What a grandchild still keeps open ends for us: half a line goes to the log, and a monitor lives on without it.
                for index in streams.indices { streams[index].close() }
                return end
            }
        }
    }

    private func wait(_ entries: inout [PollEntry], until deadline: Int64) throws(SystemError) {
        let rest = deadline == .max ? -1 : CInt(clamping: max(0, deadline - MonotonicClock.milliseconds))
        _ = try entries.wait(milliseconds: rest)
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
