// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
package import Linux
import Network
import OCI
import Runtime

/// How a run or an exec ended.
package struct Outcome: Sendable {
    package let exitCode: Int32
    /// The limit that was hit, in bytes, when the kernel killed it for want of memory; 0 for a limit of somebody else's.
    package let memoryLimit: Int64?
    /// It goes on: we have only left it.
    package var isDetached = false
    /// Some of what it wrote could not be passed on.
    package var loss: SystemError?
}

extension Record {
    /// Whether somebody stays with it who is not the command that started it: for a terminal that one may leave, and for what is to be done
    /// when nobody is there, such as holding an input open that may be given later.
    var needsMonitor: Bool { terminal || restart != nil || health != nil || (interactive && !attaches("stdin")) }
}

extension Home {
    /// Runs a container in the foreground, to its end.
    /// - Parameter created: told the id before anything runs.
    package func run(
        _ request: Request, _ options: AttachOptions, progress: (String) -> Void, created: (ContainerID) throws(EngineError) -> Void
    ) throws(EngineError) -> Outcome {
        try options.checkInput(terminal: request.terminal)
        try protectProgram(from: request)
        let creation = try create(request, besides: sweep(), progress: progress)
        do throws(EngineError) { try created(creation.container.id) } catch {
            try creation.fail(error, in: self)
            throw error
        }
        return try runAttached(creation, options)
    }

    /// Starts a container that was created before or has ended, in the foreground, to its end.
    package func startAttached(_ word: String, _ options: AttachOptions) throws(EngineError) -> Outcome {
        let orphans = try sweep()
        let container = try container(named: word)
        let status = try container.status(in: Machine.boot())
        // One that runs already is attached to, as with docker.
        if status == .running { return try attach(word, options) }
        guard status.allows(.start) else { throw .notAllowed("start", container.name, status) }
        if container.record.sharesRoot { try protectProgram() }
        return try runAttached(prepare(container.id, besides: orphans), options, isWrittenDown: true)
    }

    /// Watches over it ourselves, or where that is not enough leaves a monitor with it and attaches to that.
    private func runAttached(
        _ creation: consuming Creation, _ options: AttachOptions, isWrittenDown: Bool = false
    ) throws(EngineError) -> Outcome {
        var creation = creation
        // docker's order: whoever is there sees the first word.
        creation.container.keep("attach")
        // Where a signal is to end us alone, it has to have somebody else.
        guard creation.container.record.needsMonitor || !options.passesSignals else {
            return try runToEnd(creation, options, isWrittenDown: isWrittenDown)
        }
        var attachment = try AttachedClient(to: creation.container, options)
        let size = FileDescriptor.windowSize(of: 0) ?? FileDescriptor.windowSize(of: 1)
        let id = creation.container.id
        attachment.begin(on: try monitor(creation, isWrittenDown: isWrittenDown, isAttached: true, size: size), asStarter: true)
        let outcome = try attachment.carry(in: self)
        if outcome.isDetached { try? container(id).tell("detach") }
        return outcome
    }

    private func runToEnd(_ creation: consuming Creation, _ options: AttachOptions, isWrittenDown: Bool) throws(EngineError) -> Outcome {
        var creation = creation
        let end: Record.End
        let loss: SystemError?
        do throws(EngineError) {
            (end, loss) = try creation.container.runToEnd(creation.spec, options, isWrittenDown, holding: creation.watch.ports, in: self)
        } catch {
            try creation.fail(error, in: self)
            throw error
        }
        let limit = end.outOfMemory == true ? creation.container.record.memoryLimit ?? 0 : nil
        try creation.finish(end, in: self)
        return Outcome(exitCode: end.exitCode ?? 125, memoryLimit: limit, loss: loss)
    }
}

extension AttachOptions {
    /// Whoever has a terminal types at one.
    func checkInput(terminal: Bool) throws(EngineError) {
        if terminal, takesInput, !FileDescriptor.isTerminal(0) {
            throw .refused("the input device is not a TTY; leave -t out when standard input is not a terminal")
        }
    }
}

extension Home {
    /// Starts a container to which our standard input alone is attached, and gives back its id when all of that has been given. It runs on,
    /// with nobody who waits for it (docker's `-a stdin`).
    /// - Parameter started: told the id when the program runs.
    package func runFed(
        _ request: Request, _ options: AttachOptions, progress: (String) -> Void, created: (ContainerID) throws(EngineError) -> Void,
        started: (ContainerID) throws -> Void
    ) throws {
        try options.checkInput(terminal: request.terminal)
        let id = try runDetached(request, progress: progress, created: created)
        try started(id)
        guard options.takesInput else { return }
        var options = options
        options.showsOutput = false
        options.showsErrors = false
        options.endsWithInput = true
        // One that is over by now wants no more.
        do throws(EngineError) { _ = try attach(id.text, options) } catch .notAllowed {} catch .notFound {}
    }

    /// Where container root is host root it could write the file this program runs from.
    /// It starts again from the beginning, so this comes before anything is made.
    package func protectProgram(from request: Request) throws(EngineError) {
        let sharesRoot =
            switch request.users {
            case .host: true
            case .maps(let users, _): users.contains { $0.hostID == 0 }
            case .keepID: getuid() == 0
            case .automatic: false
            }
        if sharesRoot { try protectProgram() }
    }

    func protectProgram() throws(EngineError) {
        do throws(SystemError) {
            // Started again, the program no longer knows where it lies, and so not where a checkout keeps its state.
            try check("setenv") { setenv("MINICTL_ROOT", path, 1) }
            // An option may name one of our caller's, as `--env-file /dev/fd/63`; it is read again.
            try SealedProgram.enter(Process.arguments, keeping: FileDescriptor.inherited)
        } catch {
            throw .system(doing: "run from where the container cannot write", error)
        }
    }
}

extension Container {
    /// Starts it, connected to our own streams, and waits for its end.
    fileprivate mutating func runToEnd(
        _ spec: Spec, _ options: AttachOptions, _ isWrittenDown: Bool, holding ports: PortReservation?, in home: borrowing Home
    ) throws(EngineError) -> (Record.End, loss: SystemError?) {
        // From here on a signal for us is the container's.
        let signals = try SignalSet.forwarded.arrivals()
        var supervisor = Supervisor()
        supervisor.signals = signals.raw
        var connection = Connection()
        connection.diesWithParent = true
        connection.isWrittenDown = isWrittenDown
        connection.ports = ports
        let log = try record.isTemporary ? nil : openLog()
        var plumbing: Plumbing
        do throws(SystemError) { plumbing = try Plumbing(options, log: log) } catch { throw .system(doing: "make pipes", error) }
        connection.stdio = plumbing.stdio
        let launched = try start(spec, connection, in: home)
        supervisor.streams = plumbing.takeStreams()
        plumbing.release()
        do throws(SystemError) {
            guard case .ended(let end) = try supervisor.wait(for: launched.handle) else { throw SystemError(call: "waitid", errno: ECHILD) }
            return (ending(end), supervisor.loss)
        } catch {
            launched.handle.abandon()
            throw .system(doing: "wait for the container", error)
        }
    }

    /// What is known of the end: its code, and whether the kernel killed it for want of memory.
    /// - Parameter killsBefore: how often that had happened in its cgroup before; in a container's own new one never.
    func ending(_ end: Termination, killsBefore: UInt64 = 0) -> Record.End {
        // A shell that is first passes the code of its killed child on.
        let killed = end.exitCode == 137 && (record.cgroupHandle?.oomKills ?? 0) > killsBefore
        return Record.End(exitCode: end.exitCode, at: Timestamp.now.description, outOfMemory: killed ? true : nil, reason: nil)
    }

    func openLog() throws(EngineError) -> LogFile? {
        guard let options = record.log, options.driver != "none" else { return nil }
        do throws(SystemError) { return try LogFile(in: directory.place, options) } catch {
            throw .system(doing: "open the container's log", error)
        }
    }
}

extension Creation {
    /// Records the end, puts away what the container had while it ran, and with `--rm` the container itself.
    consuming func finish(_ end: Record.End, in home: borrowing Home) throws(EngineError) {
        // On disk before anybody can see the container gone.
        try container.refreshIfChanged()
        if !container.record.isTemporary {
            try container.change { record in
                record.end = end
                record.retry = nil
            }
        }
        home.tellEnd(end, of: container.record)
        // Whoever waits learns it here, also when the container itself is gone by then, or runs again. On a full disk they do not, and all else is
        // put away still.
        try? watch.report(end)
        let unread = try home.putAway(container.record)
        if container.record.isTemporary {
            try home.removeAnonymousVolumes(container.record)
            try container.lock()
            try home.remove(files: container.id, record: container.record)
        }
        // By now the name server has mostly got round to it.
        unread.awaitReading()
        try watch.end(in: home)
    }

    /// After a failure to start: the container stays to be looked at, as docker has it, unless it is temporary.
    consuming func fail(_ error: EngineError, in home: borrowing Home) throws(EngineError) {
        container.tellKept()
        // To be started again it needs its files and its spec, which are written while it starts.
        if !container.record.isTemporary {
            try container.makeFiles()
            if (try? container.directory.place.status(of: "config.json")) == nil { try container.write(spec) }
        }
        try finish(Record.End(exitCode: error.exitCode, at: Timestamp.now.description, outOfMemory: nil, reason: "\(error)"), in: home)
    }
}

extension SignalSet {
    /// Blocks these signals and gives a descriptor on which they arrive.
    func arrivals() throws(EngineError) -> FileDescriptor {
        do throws(SystemError) {
            try block()
            return try descriptor()
        } catch {
            throw .system(doing: "listen for signals", error)
        }
    }
}
