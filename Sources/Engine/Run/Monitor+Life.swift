// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import OCI
import Runtime

/// How one run of a container under its monitor went.
struct MonitoredRun {
    var end: Record.End
    /// What its health check did to it, one of `HealthPlan.actions`; nil for nothing.
    var action: String?
    /// In milliseconds.
    var duration: Int64
}

extension Creation {
    /// Goes on after a run: starts the container again as long as its policy says so, then puts it away. Gives the monitor's exit status.
    /// - Parameter ready: closed as soon as it is decided what comes next; −1 for none.
    consuming func live(on first: MonitoredRun, _ audience: Audience, ready: CInt = -1, in home: borrowing Home) -> CInt {
        var run = first
        var ready = ready
        var backoff = Backoff()
        do throws(EngineError) {
            while try container.plansRestart(after: run, in: backoff.next(afterRunning: run.duration)) {
                // Whoever waits sees it as restarting from here on.
                if ready >= 0 { close(ready) }
                ready = -1
                home.tellEnd(run.end, of: container.record)
                audience.end(run.end, limit: container.record.memoryLimit)
                try home.putAway(container.record)
                guard try container.waitForRestart(audience, after: run.end) else { break }
                run = container.restart(audience, in: home)
            }
        } catch {
            return (try? fail(error, in: home)) == nil ? 1 : 0
        }
        let limit = container.record.memoryLimit
        let isPutAway = (try? finish(run.end, in: home)) != nil
        // Whoever was attached may look for it now, and finds it as it is to stay.
        audience.end(run.end, limit: limit)
        return isPutAway ? 0 : 1
    }
}

extension Audience {
    /// Whether somebody has knocked since: who only does so wants the record to be looked at, and who wanted to attach came too late.
    fileprivate func waitForKnock(_ end: Record.End, milliseconds: Int64) -> Bool {
        guard waitForKnock(milliseconds: milliseconds) else { return false }
        self.end(end, limit: nil)
        return true
    }

    func end(_ end: Record.End, limit: Int64?) {
        self.end(.ended(exitCode: end.exitCode ?? 255, memoryLimit: end.outOfMemory == true ? limit ?? 0 : -1))
    }
}

extension Container {
    /// The first run: says to the command that waits for it that the program runs, and lets go of that command.
    mutating func begin(
        _ spec: Spec, _ outset: MonitorOutset, _ audience: Audience, in home: borrowing Home
    ) throws(EngineError) -> MonitoredRun {
        var connection = Connection()
        connection.isWrittenDown = !outset.isNew
        connection.windowSize = outset.size
        return try run(spec, connection, audience, in: home) {
            MonitorReport.send(MonitorReport.started, to: outset.report)
            close(outset.report)
            // Whoever started us goes on without us.
            Process.letGoOfStreams()
        }
    }

    /// Another run, after what is on disk by now. One that cannot be started has failed, and is tried again as any other that has.
    mutating func restart(_ audience: Audience, in home: borrowing Home) -> MonitoredRun {
        do throws(EngineError) { return try startAgain(audience, in: home) } catch {
            let end = Record.End(exitCode: error.exitCode, at: Timestamp.now.description, outOfMemory: nil, reason: "\(error)")
            return MonitoredRun(end: end, action: nil, duration: 0)
        }
    }

    private mutating func startAgain(_ audience: Audience, in home: borrowing Home) throws(EngineError) -> MonitoredRun {
        try home.settleChanges(of: id)
        try refreshIfChanged()
        var spec = try spec()
        try rejoin(&spec, in: home)
        var connection = Connection()
        connection.isWrittenDown = true
        connection.isRestart = true
        return try run(spec, connection, audience, in: home) {}
    }

    private mutating func run(
        _ spec: Spec, _ connection: Connection, _ audience: Audience, in home: borrowing Home, started: () -> Void
    ) throws(EngineError) -> MonitoredRun {
        var connection = connection
        connection.ports = audience.ports
        let log = try openLog()
        var launched: Launched
        var streams: [Stream]
        if record.terminal {
            if connection.windowSize == nil { connection.windowSize = WindowSize(rows: 24, columns: 80) }
            launched = try start(spec, connection, in: home)
            streams = takeTerminal(of: &launched, log, audience)
        } else {
            var plumbing: Plumbing
            do throws(SystemError) {
                plumbing = try Plumbing(
                    under: audience, log: log, input: record.interactive, closesInput: record.stdinOnce == true)
            } catch { throw .system(doing: "make pipes", error) }
            connection.stdio = plumbing.stdio
            connection.pipes = plumbing.pipes
            defer { plumbing.release() }
            launched = try start(spec, connection, in: home)
            streams = plumbing.takeStreams()
        }
        started()
        // A stop that came just now found nobody to stop.
        if connection.isRestart, record.stoppedByHand == true { try? launched.handle.signal(.kill) }
        do throws(SystemError) { return try attend(launched.handle, streams, audience, resumes: false, in: home) } catch {
            launched.handle.abandon()
            throw .system(doing: "wait for the container", error)
        }
    }

    private func takeTerminal(of launched: inout Launched, _ log: LogFile?, _ audience: Audience) -> [Stream] {
        guard let master = launched.takeTerminal() else { return [] }
        audience.begin(input: record.interactive ? master : -1, terminal: master, closesInput: false)
        return [Stream(from: master, to: -1, log: log.map { LogFile.Channel($0, "stdout") }, audience: audience)]
    }

    /// Stays with the first process until its end.
    /// - Parameter resumes: another monitor did that before.
    func attend(
        _ process: borrowing ProcessHandle, _ streams: [Stream], _ audience: Audience, resumes: Bool, in home: borrowing Home
    ) throws(SystemError) -> MonitoredRun {
        let began = MonotonicClock.milliseconds
        let kills = record.cgroupHandle?.oomKills ?? 0
        var supervisor = Supervisor()
        supervisor.streams = streams
        supervisor.attendants = [audience]
        let health = HealthCheck(of: self, in: home, resumes: resumes)
        if let health { supervisor.attendants.append(health) }
        // What the start took is not needed again.
        Process.trimMemory()
        let end: Record.End
        switch try supervisor.wait(for: process) {
        case .ended(let termination): end = ending(termination, killsBefore: kills)
        case .unknown, .detached: end = unseenEnd(in: record.start?.boot ?? "")
        }
        health?.end()
        return MonitoredRun(end: end, action: health?.action, duration: MonotonicClock.milliseconds - began)
    }

    /// Decides whether it is started again, and writes that down: in one step, so that whoever stops it is either heard here or sees it coming.
    fileprivate mutating func plansRestart(after run: MonitoredRun, in pause: Int64) throws(EngineError) -> Bool {
        try refreshIfChanged()
        guard record.restart != nil || run.action != nil else { return false }
        let boot = try Machine.boot()
        var isPlanned = false
        try change { record in
            record.end = run.end
            if run.action == "stop" { record.stoppedByHand = true }
            let count = record.restarts ?? 0
            let isWanted = record.restart?.wantsRestart(after: run.end.exitCode, restarts: count) ?? false
            guard isWanted || run.action == "restart", record.stoppedByHand != true else { return }
            isPlanned = true
            record.restarts = count &+ 1
            let time = Timestamp(nanoseconds: Timestamp.now.nanoseconds + pause * 1_000_000)
            record.retry = Record.Retry(at: time.description, boot: boot, exitCode: run.end.exitCode)
        }
        return isPlanned
    }

    /// Waits for the time of the next start. False if somebody has stopped it meanwhile, who knocks to be heard.
    mutating func waitForRestart(_ audience: Audience, after end: Record.End) throws(EngineError) -> Bool {
        while true {
            try refreshIfChanged()
            guard let retry = record.retry, record.stoppedByHand != true else {
                try change { $0.retry = nil }
                return false
            }
            let rest = ((Timestamp(retry.at)?.nanoseconds ?? 0) - Timestamp.now.nanoseconds) / 1_000_000
            // A clock that was set back does not make anybody wait longer.
            guard rest > 0, audience.waitForKnock(end, milliseconds: min(rest, 60_000)) else { return true }
        }
    }
}
