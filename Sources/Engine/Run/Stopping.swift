// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux

/// One container on its way to its end.
final class Stopping {
    let word: String
    let container: Container
    private let signal: Signal
    private let seconds: Int
    private let isSilent: Bool
    /// Nil for one that waits to be started again.
    private let first: First?
    private var phase = Phase.asked(until: nil)

    private final class First {
        let handle: ProcessHandle
        init(_ handle: consuming ProcessHandle) { self.handle = handle }
    }

    private enum Phase {
        case asked(until: Int64?)
        case killed(until: Int64)
        /// The process is gone; whoever watched over it puts the rest away.
        case ended(until: Int64)
        case done
    }

    init(_ word: String, _ container: consuming Container, _ request: StopRequest, _ doing: String = "stop") throws(EngineError) {
        var container = container
        try container.noteStop()
        if case .restarting = try container.status(in: Machine.boot()) {
            first = nil
        } else {
            first = First(try container.process(toAllow: .stop, doing))
        }
        self.word = word
        isSilent = request.isSilent
        (signal, seconds) = request.choice(for: container.record)
        self.container = container
    }

    var isDone: Bool { if case .done = phase { true } else { false } }

    /// What to poll for the process's end; −1 once it is known.
    var raw: CInt {
        switch phase {
        case .asked, .killed: first?.handle.descriptor.raw ?? -1
        case .ended, .done: -1
        }
    }

    /// When to look again even if the process has not ended.
    var deadline: Int64? {
        switch phase {
        case .asked(let until): until
        case .killed(let until): until
        // A lock cannot be polled for.
        case .ended: MonotonicClock.milliseconds + 1
        case .done: 0
        }
    }

    func ask(in home: borrowing Home) throws(EngineError) {
        guard let first else {
            // Its monitor looks at the record when somebody knocks.
            _ = try? LocalSocket.connect(Audience.path(of: container.id, in: home), type: CInt(SOCK_SEQPACKET.rawValue))
            phase = .ended(until: MonotonicClock.milliseconds + StopRequest.patience)
            return
        }
        let isPaused = try container.status(in: Machine.boot()) == .paused
        // Looked at before it is sent: a process that hears it may have ended right after.
        let disposition = (try? first.handle.pid()).map { SignalDisposition(of: signal, to: $0) } ?? .heard
        try container.send(signal, to: first.handle)
        if isPaused { try? container.record.cgroupHandle?.thaw() }
        if signal == .kill {
            phase = .killed(until: MonotonicClock.milliseconds + StopRequest.patience)
        } else if disposition == .dropped || seconds == 0 {
            try kill()
        } else {
            phase = .asked(until: seconds < 0 ? nil : MonotonicClock.milliseconds &+ Int64(seconds) &* 1000)
        }
    }

    private func kill() throws(EngineError) {
        if let first { try container.send(.kill, to: first.handle) }
        phase = .killed(until: MonotonicClock.milliseconds + StopRequest.patience)
    }

    /// Takes the next step, if it is time for one.
    func goOn(in home: borrowing Home) throws(EngineError) -> StopRequest.Event? {
        let now = MonotonicClock.milliseconds
        switch phase {
        case .asked(let until):
            if try hasEnded() { return try finish(in: home) }
            guard let until, now >= until else { return nil }
            let processes = holdouts
            try kill()
            return .heldOut(word, processes: processes, signal, seconds: seconds)
        case .killed(let until):
            if try hasEnded() { return try finish(in: home) }
            if now >= until { throw .refused("cannot stop \(word): \(holdouts) does not end even when killed") }
            return nil
        case .ended: return try finish(in: home)
        case .done: return nil
        }
    }

    private func hasEnded() throws(EngineError) -> Bool {
        guard let first else { return true }
        do throws(SystemError) { return try first.handle.waitForEnd(milliseconds: 0) } catch {
            throw .system(doing: "wait for \(word)", error)
        }
    }

    /// Waits for the watcher to put the rest away, at most as long as for a killed process.
    private func finish(in home: borrowing Home) throws(EngineError) -> StopRequest.Event? {
        let now = MonotonicClock.milliseconds
        if Watch.isHeld(container.id, in: home) {
            if case .ended(let until) = phase {
                if now >= until { throw .refused("\(word) has ended, but the process that watches over it does not put it away") }
            } else {
                phase = .ended(until: now + StopRequest.patience)
            }
            return nil
        }
        // A watcher that was killed left it to us.
        try home.sweep()
        phase = .done
        if !isSilent { container.tell("stop") }
        return .ended(word)
    }

    /// Who is still there, in words: `sleep (process 4711)`.
    private var holdouts: String {
        let first = container.record.start?.pid ?? 0
        var pids = (try? container.record.cgroupHandle?.processes()) ?? [first]
        // Our own init only passes signals on.
        if container.record.hasInit, pids.count > 1 { pids.removeAll { $0 == first } }
        if pids.isEmpty { pids = [first] }
        let names = pids.prefix(3).map { pid in
            let name = (try? File.readKernel("/proc/\(pid)/comm"))?.split(separator: "\n").first.map(String.init) ?? "process"
            return "\(name) (process \(pid))"
        }
        return names.joined(separator: ", ") + (pids.count > 3 ? " and \(pids.count - 3) more" : "")
    }
}
