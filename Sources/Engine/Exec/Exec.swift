// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import OCI
import Runtime

extension Home {
    package func exec(_ request: ExecRequest, in container: borrowing Container) throws(EngineError) -> Outcome {
        try request.streams.checkInput(terminal: request.terminal)
        let boot = try Machine.boot()
        let status = container.status(in: boot)
        guard status.allows(.exec), let identity = container.record.start?.identity(in: boot) else {
            throw .notAllowed("exec in", container.name, status)
        }
        if container.record.sharesRoot { try protectProgram() }
        let target: ProcessHandle
        do throws(SystemError) { target = try ProcessHandle(identity) } catch { throw container.lacksProcess("exec in", in: boot) }
        let spec = try container.spec()
        let process = try request.process(spec, pid: identity.pid)
        var options = LaunchOptions(bundle: container.path)
        options.clampsLimits = true
        options.keyring = "_ses.\(container.id.short)"
        options.diesWithParent = request.diesWithCaller
        if !request.isPrivileged { options.filter = try container.filter(spec, in: self) }
        let errand = ExecErrand(request: request, process: process, spec: spec, options: options, pid: identity.pid)
        return try request.detached ? container.startDetached(errand, beside: target) : container.carryOut(errand, beside: target)
    }
}

/// A process about to be started in a container: all that is decided.
private struct ExecErrand {
    let request: ExecRequest
    let process: Spec.Process
    let spec: Spec
    let options: LaunchOptions
    /// The container's first process.
    let pid: Int32
    /// In docker's events.
    let id = ["execID": (try? ContainerID().text) ?? ""]

    var words: String { String((process.args ?? []).joined(separator: " ").prefix(4096)) }
}

extension Container {
    fileprivate func carryOut(_ errand: ExecErrand, beside target: borrowing ProcessHandle) throws(EngineError) -> Outcome {
        let request = errand.request
        var options = errand.options
        tell("exec_create: \(errand.words)", errand.id)
        var supervisor = Supervisor()
        supervisor.signals = try SignalSet.forwarded.arrivals().release()
        var plumbing: Plumbing?
        if request.terminal {
            options.windowSize = FileDescriptor.windowSize(of: 0) ?? FileDescriptor.windowSize(of: 1)
        } else {
            do throws(SystemError) { plumbing = try Plumbing(request.streams, log: nil) } catch {
                throw .system(doing: "make pipes", error)
            }
            options.stdio = plumbing?.stdio ?? options.stdio
        }
        var launched = try launch(errand, options, beside: target)
        supervisor.streams = plumbing?.takeStreams() ?? []
        plumbing?.release()
        if let timeout = request.timeout { supervisor.attendants.append(Timeout(timeout, session: launched.pid)) }
        let kills = record.cgroupHandle?.oomKills ?? 0
        if let master = launched.takeTerminal() { supervisor.connect(master: master, request) }
        do throws(SystemError) {
            let end = try supervisor.wait(for: launched.handle)
            supervisor.rawMode = nil
            switch end {
            case .ended(let end):
                tellEnd(end, of: errand)
                let isOut = ending(end, killsBefore: kills).outOfMemory == true
                return Outcome(exitCode: end.exitCode, memoryLimit: isOut ? record.memoryLimit ?? 0 : nil, loss: supervisor.loss)
            case .unknown: throw SystemError(call: "waitid", errno: ECHILD)
            case .detached:
                try leave(launched, on: supervisor.master, errand)
                tell("exec_detach", errand.id)
                return Outcome(exitCode: 0, memoryLimit: nil, isDetached: true)
            }
        } catch {
            throw .system(doing: "wait for the process", error)
        }
    }

    private func launch(
        _ errand: ExecErrand, _ options: LaunchOptions, beside target: borrowing ProcessHandle
    ) throws(EngineError) -> Launched {
        let launched: Launched
        do throws(LaunchError) {
            launched = try Launch.exec(errand.process, beside: target, errand.pid, of: errand.spec, options, in: record.cgroupHandle)
        } catch {
            throw .launch(error, limit: record.memoryLimit)
        }
        tell("exec_start: \(errand.words)", errand.id)
        return launched
    }

    private func tellEnd(_ end: Termination, of errand: ExecErrand) {
        tell("exec_die", errand.id.merging(["exitCode": "\(end.exitCode)"]) { $1 })
    }

    /// Starts the process from one of ours that stays behind as its parent: it holds its terminal, learns how it ends, and does nothing else.
    fileprivate func startDetached(_ errand: ExecErrand, beside target: borrowing ProcessHandle) throws(EngineError) -> Outcome {
        let report: MonitorReport
        tell("exec_create: \(errand.words)", errand.id)
        do throws(SystemError) {
            let pipe = try FileDescriptor.pipe()
            guard case .parent = try Process.clone() else {
                let raw = pipe.release()
                close(raw.reader)
                runDetached(errand, beside: target, report: raw.writer)
            }
            report = try MonitorReport(from: pipe.readerAlone())
        } catch {
            throw .system(doing: "leave a process behind", error)
        }
        if let failure = report.failure { throw .reported(failure.sentence, exitCode: failure.code) }
        return Outcome(exitCode: 0, memoryLimit: nil)
    }

    private func runDetached(_ errand: ExecErrand, beside target: borrowing ProcessHandle, report: CInt) -> Never {
        try? SignalSet.reset()
        Process.stayBehind(as: "minictl-exec")
        FileDescriptor.closeInherited()
        var launched: Launched
        do throws(EngineError) { launched = try launch(errand, errand.options, beside: target) } catch {
            MonitorReport.send("\(error.exitCode)\n\(error)", to: report)
            Process.exit(1)
        }
        MonitorReport.send(MonitorReport.started, to: report)
        close(report)
        Process.letGoOfStreams()
        let master = launched.takeTerminal()
        Process.trimMemory()
        attend(launched.handle, master: master, errand)
        Process.exit(0)
    }

    /// Leaves the process as it runs. Its terminal lasts as long as somebody holds it, so a copy of ours stays that does nothing else.
    private func leave(_ launched: borrowing Launched, on master: CInt, _ errand: ExecErrand) throws(SystemError) {
        guard case .child = try Process.clone() else { return }
        Process.stayBehind(as: "minictl-exec")
        Process.letGoOfStreams()
        // Nor a second descriptor of a pipe of the caller's, whose reader would wait for us.
        try? FileDescriptor.closeAll(but: [launched.handle.descriptor.raw, master])
        // It is not its parent; what the kernel tells of others' ends it tells since Linux 6.15.
        attend(launched.handle, master: master, errand)
        Process.exit(0)
    }

    /// Holds its terminal, if it has one, until it ends, and tells how.
    private func attend(_ handle: borrowing ProcessHandle, master: CInt?, _ errand: ExecErrand) {
        var supervisor = Supervisor()
        if let master { supervisor.streams = [Stream(from: master, to: -1)] }
        if let end = try? supervisor.wait(for: handle), case .ended(let end) = end { tellEnd(end, of: errand) }
    }
}

extension Supervisor {
    /// Connects the user's terminal, or whatever the first two descriptors are, to the container's.
    fileprivate mutating func connect(master: CInt, _ request: ExecRequest) {
        self.master = master
        terminal = FileDescriptor.isTerminal(0) ? 0 : FileDescriptor.isTerminal(1) ? 1 : -1
        if request.interactive {
            rawMode = RawMode(0)
            streams.append(Stream(from: 0, into: master, closesTarget: false, keys: request.keys))
        }
        streams.append(Stream(from: master, to: 1))
    }
}

/// Kills a session when its time is over.
private final class Timeout: Attendant {
    private let session: pid_t
    private(set) var deadline: Int64?

    init(_ milliseconds: Int64, session: pid_t) {
        self.session = session
        deadline = MonotonicClock.milliseconds &+ milliseconds
    }

    var pollEntries: [PollEntry] { [] }

    func attend(_ entries: ArraySlice<PollEntry>, _ process: borrowing ProcessHandle) {
        guard let time = deadline, MonotonicClock.milliseconds >= time else { return }
        deadline = nil
        // Held by us, who have not taken its status: the number is its own still.
        if session > 1 { kill(-session, SIGKILL) }
        try? process.signal(.kill)
    }
}
