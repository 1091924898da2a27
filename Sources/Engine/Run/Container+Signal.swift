// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
package import Linux

extension Container {
    /// The first process, held so that its number cannot go to another; throws where the container does not run.
    func process(toAllow verb: Status.Verb, _ doing: String) throws(EngineError) -> ProcessHandle {
        let boot = try Machine.boot()
        let status = status(in: boot)
        guard status.allows(verb) else { throw .notAllowed(doing, name, status) }
        guard let handle = try holdProcess(in: boot) else { throw lacksProcess(doing, in: boot) }
        return handle
    }

    /// Why something cannot be done with a first process that is not to be found.
    func lacksProcess(_ doing: String, in boot: String) -> EngineError {
        guard record.isOutOfSight(in: boot) else { return .notAllowed(doing, name, .exited(nil)) }
        return .refused("cannot \(doing) \(name): it runs in another pid namespace; call minictl there")
    }

    /// The first process, held; nil if it is over.
    func holdProcess(in boot: String) throws(EngineError) -> ProcessHandle? {
        guard let identity = record.start?.identity(in: boot) else { return nil }
        do throws(SystemError) { return try ProcessHandle.holding(identity) } catch {
            throw .system(doing: "hold the first process of \(name)", error)
        }
    }

    /// Passes a signal of an attached command's on: the container's own end by it is no stop by hand, as with docker.
    func pass(_ signal: Signal) throws(EngineError) {
        let handle = try process(toAllow: .signal, "signal")
        try send(signal, to: handle)
    }

    /// Sends a signal to the first process. One that stands still gets it when it goes on, except the one that ends everything.
    package mutating func signal(_ signal: Signal) throws(EngineError) {
        if signal == StopRequest().choice(for: record).signal { try noteStop() }
        let handle = try process(toAllow: .signal, "kill")
        try send(signal, to: handle)
    }

    /// Writes down that it is not to be started again by itself, and knows the record as it is now.
    mutating func noteStop() throws(EngineError) {
        try refresh()
        guard record.restart != nil || record.health != nil, record.stoppedByHand != true else { return }
        // Nothing may be noted that cannot be done.
        if try record.isOutOfSight(in: Machine.boot()) { throw try lacksProcess("stop", in: Machine.boot()) }
        try change { $0.stoppedByHand = true }
    }

    func send(_ signal: Signal, to process: borrowing ProcessHandle) throws(EngineError) {
        do throws(SystemError) {
            try process.signal(signal)
        } catch {
            if error.errno == ESRCH { return }
            throw .system(doing: "send \(signal) to \(name)", error)
        }
        tell("kill", ["signal": "\(signal.rawValue)"])
        // Version 1's freezer holds on to the killed too.
        if signal == .kill { try? record.cgroupHandle?.thaw() }
    }

    /// Makes every process of it stand still. Noted before it is done and forgotten after it is undone, so that whoever is killed between
    /// leaves a note too many, never one too few.
    package mutating func pause() throws(EngineError) {
        _ = try process(toAllow: .pause, "pause")
        try change { $0.start?.pausedAt = Timestamp.now.description }
        do throws(EngineError) { try freeze(true) } catch {
            try? change { $0.start?.pausedAt = nil }
            throw error
        }
    }

    package mutating func resume() throws(EngineError) {
        _ = try process(toAllow: .resume, "unpause")
        try freeze(false)
        // It may be over by now, and gone.
        try? change { $0.start?.pausedAt = nil }
    }

    private func freeze(_ on: Bool) throws(EngineError) {
        guard let cgroup = record.cgroupHandle else { throw .refused("cannot pause \(name): it has no cgroup") }
        do throws(CgroupError) {
            if on { try cgroup.freeze() } else { try cgroup.thaw() }
        } catch {
            throw .refused("cannot \(on ? "pause" : "unpause") \(name): \(error)")
        }
        tell(on ? "pause" : "unpause")
    }
}
