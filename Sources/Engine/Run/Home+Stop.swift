// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// How containers are asked to stop, and what is told meanwhile.
package struct StopRequest {
    /// In place of the container's own.
    package var signal: Signal?
    /// How long to wait before killing, in place of the container's own; −1 for ever.
    package var seconds: Int?

    /// For a removal, which is told of as such.
    var isSilent = false

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
    static var kill: StopRequest {
        var request = StopRequest()
        request.signal = .kill
        request.isSilent = true
        return request
    }

    /// How long a killed process may take to go before we give up on it.
    static let patience: Int64 = 10_000
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
        return Set(ended.filter { !hasRecord($0) })
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
