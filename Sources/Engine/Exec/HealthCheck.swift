// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux

/// Asks a container now and then how it is: the part of its monitor that does, and that acts on the answer.
final class HealthCheck: Attendant {
    private let plan: HealthPlan
    private let id: ContainerID
    private let root: String
    private let directory: Place
    private let cgroup: Cgroup?
    private let stop: (signal: Signal, seconds: Int)
    private let attributes: [String: String]
    private let began = MonotonicClock.milliseconds
    private var state = HealthState()
    private var question: HealthQuestion?
    private var next: Int64
    private var killTime: Int64?
    /// What was done to it, one of `HealthPlan.actions`; nil for nothing so far.
    private(set) var action: String?

    /// - Parameter resumes: it goes on under another monitor, and is what it was.
    init?(of container: borrowing Container, in home: borrowing Home, resumes: Bool) {
        guard let plan = container.record.health else { return nil }
        self.plan = plan
        id = container.id
        root = home.path
        directory = container.directory.place
        cgroup = container.record.cgroupHandle
        stop = StopRequest().choice(for: container.record)
        attributes = container.record.eventAttributes([:])
        next = began
        next = began &+ pause
        if resumes, let old = HealthState.read(in: directory) { state = old }
        try? state.write(in: directory)
    }

    /// Ends what is asked just now: nobody is left to answer.
    func end() { question = nil }

    private var isStarting: Bool { MonotonicClock.milliseconds - began < plan.startPeriod }
    private var pause: Int64 { isStarting && state.status == "starting" ? plan.startInterval : plan.interval }

    // MARK: Attendant

    var pollEntries: [PollEntry] { question?.pollEntries ?? [] }

    var deadline: Int64? {
        let own = question?.deadline ?? next
        return killTime.map { min($0, own) } ?? own
    }

    func attend(_ entries: ArraySlice<PollEntry>, _ process: borrowing ProcessHandle) {
        // One that has ended meanwhile could not answer, and what it answers now says nothing.
        if (try? process.waitForEnd(milliseconds: 0)) != false {
            question = nil
            killTime = nil
            next = .max
            return
        }
        let now = MonotonicClock.milliseconds
        if let time = killTime, now >= time {
            killTime = nil
            try? process.signal(.kill)
        }
        if let result = question?.answer(entries) {
            question = nil
            next = now &+ pause
            let before = state.status
            if state.add(result, plan, isStarting: isStarting) { act(on: process) }
            if state.status != before {
                Journal(root: root).add(Event(.container, "health_status: \(state.status)", id.text, attributes))
            }
            // A full disk must not stop the watching.
            try? state.write(in: directory)
        } else if question == nil, now >= next {
            next = now &+ pause
            // One that stands still could not answer, and that is nobody's fault.
            if (try? cgroup?.isFrozen) != true { question = HealthQuestion(plan, id, root) }
        }
    }

    private func act(on process: borrowing ProcessHandle) {
        guard plan.onFailure != "none", action == nil else { return }
        action = plan.onFailure
        var signal = stop.signal
        if plan.onFailure == "kill" || (try? process.pid()).map({ SignalDisposition(of: signal, to: $0) }) == .dropped { signal = .kill }
        try? process.signal(signal)
        if signal != .kill, stop.seconds >= 0 { killTime = MonotonicClock.milliseconds &+ Int64(stop.seconds) &* 1000 }
    }
}

/// One command of a health check that runs now: a process of ours that executes it in the container as `exec` does, and what it says.
///
/// A process of its own, because whoever enters a container's pid namespace does not leave it again.
private final class HealthQuestion {
    private let handle: ProcessHandle
    private let output: FileDescriptor
    private let timeout: Int64
    private let began = Timestamp.now
    private var bytes: [UInt8] = []
    private var isSilent = false
    private let lateness: Int64
    /// Long after the process should have killed what takes too long, in milliseconds of `MonotonicClock`.
    let deadline: Int64
    private static let patience: Int64 = 2000

    /// Nil if it cannot be asked; then it is asked again later.
    init?(_ plan: HealthPlan, _ id: ContainerID, _ root: String) {
        timeout = plan.timeout
        lateness = MonotonicClock.milliseconds &+ plan.timeout
        deadline = lateness &+ Self.patience
        do throws(SystemError) {
            let pipe = try FileDescriptor.pipe()
            try pipe.reader.setNonBlocking(true)
            guard case .parent(_, let handle) = try Process.clone() else { Self.ask(plan, id, root, pipe.writer.raw) }
            self.handle = handle
            output = pipe.readerAlone()
        } catch { return nil }
    }

    /// With the question goes who asks it, and with that who was to answer.
    deinit {
        guard (try? handle.waitForEnd(milliseconds: 0)) == false else { return }
        handle.abandon()
    }

    private static func ask(_ plan: HealthPlan, _ id: ContainerID, _ root: String, _ output: CInt) -> Never {
        // Nothing of the monitor's stays open here: its lock must go with it.
        for target in CInt(1)...2 { dup2(output, target) }
        guard (try? FileDescriptor.closeAll(from: 3, onlyOnExec: false)) != nil, (try? Process.dieWithParent()) != nil,
            (try? SignalSet.reset()) != nil
        else { Process.exit(125) }
        Process.setName("minictl-health")
        do throws(EngineError) {
            let home = try Home(root)
            var request = ExecRequest(plan.command)
            request.diesWithCaller = true
            request.timeout = plan.timeout
            Process.exit(try home.exec(request, in: home.container(id)).exitCode)
        } catch {
            try? FileDescriptor.write(Array("\(error)\n".utf8), to: 2)
            Process.exit(error.exitCode)
        }
    }

    var pollEntries: [PollEntry] { [PollEntry(handle.descriptor.raw, .readable), PollEntry(isSilent ? -1 : output.raw, .readable)] }

    /// Nil as long as there is none.
    func answer(_ entries: ArraySlice<PollEntry>) -> HealthState.Result? {
        let first = entries.startIndex
        guard entries.count == 2 else { return nil }
        let hasEnded = !entries[first].ready.isEmpty
        if hasEnded || !entries[first + 1].ready.isEmpty { listen() }
        let now = MonotonicClock.milliseconds
        guard hasEnded || now >= deadline else { return nil }
        let code = hasEnded ? (try? handle.reap())?.exitCode ?? -1 : -1
        guard now >= lateness, code == 128 + SIGKILL || !hasEnded else { return result(code) }
        let limit = timeout % 1000 == 0 ? "\(timeout / 1000)s" : "\(timeout)ms"
        bytes = Array("Health check exceeded timeout (\(limit))\(bytes.isEmpty ? "" : ": ")".utf8) + bytes
        return result(-1)
    }

    private func listen() {
        while !isSilent, let more = try? output.read(atMost: 4096) {
            isSilent = more.isEmpty
            // What is beyond the limit is read and forgotten, so that nobody waits to say it.
            bytes += more.prefix(max(0, HealthState.outputLimit - bytes.count))
        }
    }

    private func result(_ code: Int32) -> HealthState.Result {
        var result = HealthState.Result()
        result.start = began.description
        result.end = Timestamp.now.description
        result.exitCode = code
        result.output = String(decoding: bytes, as: UTF8.self)
        return result
    }
}
