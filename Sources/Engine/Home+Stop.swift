// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
package import Linux

/// How containers are asked to stop, and what is told meanwhile.
package struct StopRequest {
    /// In place of the container's own.
    package var signal: Signal?
    /// How long to wait before killing, in place of the container's own; −1 for ever.
    package var seconds: Int?

    /// For a removal, which is told of as such.
    fileprivate var isSilent = false

    package init() {}

    package enum Event {
        case ended(String)
        case failed(String, EngineError)
        /// It took a kill: who held out, against what, for how long.
        case heldOut(String, processes: String, Signal, seconds: Int)
    }

    /// What was asked for, else what the container was made with, else docker's.
    func choice(for record: Record) -> (signal: Signal, seconds: Int) {
        (signal ?? record.stopSignal.flatMap { Signal($0) } ?? .terminate, seconds ?? record.stopTimeout ?? 10)
    }

    /// Ends what runs, and is not told of as a stop.
    fileprivate static var kill: StopRequest {
        var request = StopRequest()
        request.signal = .kill
        request.isSilent = true
        return request
    }

    /// How long a killed process may take to go before we give up on it.
    fileprivate static let patience: Int64 = 10_000
}

extension Home {
    /// Asks containers to stop, all of them at once, and waits until each has ended and is put away.
    /// A container that does not run has stopped already. Events come in the order in which things happen.
    package func stop(_ words: [String], _ request: StopRequest, report: (StopRequest.Event) -> Void) throws(EngineError) {
        var pending: [Stopping] = []
        for word in words {
            do throws(EngineError) {
                let stopping = try Stopping(word, container(named: word), request)
                try stopping.ask(in: self)
                pending.append(stopping)
            } catch .notAllowed(_, _, let status) where !status.isUp {
                report(.ended(word))
            } catch {
                report(.failed(word, error))
            }
        }
        while !pending.isEmpty {
            try wait(for: pending)
            var rest: [Stopping] = []
            for stopping in pending {
                do throws(EngineError) {
                    if let event = try stopping.goOn(in: self) { report(event) }
                    if !stopping.isDone { rest.append(stopping) }
                } catch {
                    report(.failed(stopping.word, error))
                }
            }
            pending = rest
        }
    }

    /// Kills containers, all at once, and waits until each is put away. Those that do not run, or cannot be killed, stay as they are.
    /// - Parameter ids: whole ones: a name whose container is gone may be the start of another's id.
    /// - Returns: those that were temporary, and have gone with their end.
    package func killAll(_ ids: [String]) throws(EngineError) -> Set<String> {
        var ended: [String] = []
        try stop(ids, .kill) { event in
            if case .ended(let id) = event { ended.append(id) }
        }
        return Set(ended.filter { faccessat(containers.raw, "\($0)/state.json", F_OK, AT_SYMLINK_NOFOLLOW) != 0 })
    }

    /// Kills a container that runs and waits until it is put away.
    package func kill(_ container: consuming Container) throws(EngineError) {
        let stopping = try Stopping(container.name, container, .kill, "kill")
        try stopping.ask(in: self)
        while !stopping.isDone {
            try wait(for: [stopping])
            _ = try stopping.goOn(in: self)
        }
    }

    private func wait(for pending: [Stopping]) throws(EngineError) {
        let now = MonotonicClock.milliseconds
        var nearest: Int64 = -1
        for stopping in pending {
            guard let deadline = stopping.deadline else { continue }
            nearest = nearest < 0 ? max(0, deadline - now) : min(nearest, max(0, deadline - now))
        }
        do throws(SystemError) {
            var entries = pending.map { PollEntry($0.raw, .readable) }
            _ = try entries.wait(milliseconds: CInt(clamping: nearest))
        } catch {
            throw .system(doing: "wait for the containers", error)
        }
    }
}

/// One container on its way to its end.
private final class Stopping {
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
