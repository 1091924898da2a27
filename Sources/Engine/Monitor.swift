// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import OCI
import Runtime

extension Home {
    /// Starts a container that outlives this command, and gives back its id. One process stays behind for it, the monitor:
    /// it holds the log and learns the exit status, and does nothing else.
    package func runDetached(
        _ request: Request, progress: (String) -> Void, created: (ContainerID) throws(EngineError) -> Void
    ) throws(EngineError) -> ContainerID {
        try protectProgram(from: request)
        let creation = try create(request, besides: sweep(), progress: progress)
        let id = creation.container.id
        do throws(EngineError) { try created(id) } catch {
            try creation.fail(error, in: self)
            throw error
        }
        try monitor(consume creation)
        return id
    }

    /// Starts one that was created before. One that runs already stays as it is.
    /// - Parameter isTemporary: goes as it ends from now on, whatever its record says.
    package func start(_ word: String, isTemporary: Bool = false) throws(EngineError) {
        let orphans = try sweep()
        let container = try container(named: word)
        let status = try container.status(in: Machine.boot())
        if status == .running { return }
        if container.record.sharesRoot { try protectProgram() }
        guard status.allows(.start) else { throw .notAllowed("start", container.name, status) }
        try monitor(prepare(container.id, besides: orphans, isTemporary: isTemporary), isWrittenDown: true)
    }

    /// Takes a container that does not run under watch, and makes its spec fit for this moment.
    /// - Parameter orphans: id ranges of containers that run unwatched.
    func prepare(_ id: ContainerID, besides orphans: Set<UInt32>, isTemporary: Bool = false) throws(EngineError) -> Creation {
        guard var watch = try Watch(id, in: self) else { throw .refused("\(id.short) is just being started or removed by another process") }
        // As it is now that nobody else can start, rename or remove it. One that runs without its monitor keeps its watch's file.
        var container: Container
        do throws(EngineError) { container = try self.container(id) } catch {
            try watch.end(in: self)
            throw error
        }
        let status = try container.status(in: Machine.boot())
        guard status.allows(.start) else { throw .notAllowed("start", container.name, status) }
        do throws(EngineError) {
            var spec = try container.spec()
            if isTemporary { container.record.isTemporary = true }
            try container.rejoin(&spec, in: self)
            if let slot = container.record.slot {
                let ranges = try UserRanges.configured()
                watch.range = try ranges.claim(for: id, wish: slot, besides: orphans, in: self)
                // What is on disk has the image's own ids, so another range changes the maps and nothing else.
                if let new = watch.slot, new != slot { try container.move(to: ranges.map(new), slot: new, &spec) }
            }
            try watch.reservePorts(for: &container.record, in: self)
            return Creation(container: container, watch: watch, spec: spec)
        } catch {
            try watch.end(in: self)
            throw error
        }
    }

    private func monitor(_ creation: consuming Creation, isWrittenDown: Bool = false) throws(EngineError) {
        let report: MonitorReport
        do throws(SystemError) {
            let pipe = try FileDescriptor.pipe()
            guard case .parent = try Process.clone() else {
                Monitor.run(consume creation, isWrittenDown, reportingTo: consume pipe, in: self)
            }
            report = try MonitorReport(from: pipe.readerAlone())
        } catch {
            throw .system(doing: "start the container's monitor", error)
        }
        if let failure = report.failure { throw .reported(failure.sentence, exitCode: failure.code) }
    }
}

/// What a monitor says once, when the program runs or cannot.
private struct MonitorReport {
    let failure: (code: Int32, sentence: String)?

    /// The word for success; its absence means that the monitor died without a word.
    static let started = "started"

    /// If nobody listens any more, nobody need know.
    static func send(_ text: String, to raw: CInt) { _ = text.withCString { write(raw, $0, strlen($0)) } }

    init(from pipe: consuming FileDescriptor) throws(SystemError) {
        let text = String(decoding: try pipe.readAll(limit: 65536), as: UTF8.self)
        if text == Self.started {
            failure = nil
        } else {
            let parts = text.split(separator: "\n", maxSplits: 1)
            let code = parts.first.flatMap { Int32($0) } ?? 125
            failure = (code, parts.count > 1 ? String(parts[1]) : "the container's monitor was killed before the container could start")
        }
    }
}

private enum Monitor {
    static func run(_ creation: consuming Creation, _ isWrittenDown: Bool, reportingTo pipe: consuming Pipe, in home: borrowing Home)
        -> Never
    {
        let report = pipe.release()
        close(report.reader)
        Process.setName("minictl-mon")
        setsid()
        chdir("/")
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE] { Glibc.signal(signal, SIG_IGN) }
        Process.exit(watch(consume creation, isWrittenDown, report.writer, home))
    }

    private static func watch(_ creation: consuming Creation, _ isWrittenDown: Bool, _ report: CInt, _ home: borrowing Home) -> CInt {
        var creation = creation
        let end: Record.End
        do throws(EngineError) {
            end = try creation.container.monitorToEnd(creation.spec, isWrittenDown, report, in: home)
        } catch {
            try? creation.fail(error, in: home)
            MonitorReport.send("\(error.exitCode)\n\(error)", to: report)
            return 1
        }
        return (try? creation.finish(end, in: home)) == nil ? 1 : 0
    }
}

extension Container {
    /// Gives it another range of ids.
    fileprivate mutating func move(
        to maps: (users: [Spec.IDMapping], groups: [Spec.IDMapping]), slot: UInt32, _ spec: inout Spec
    ) throws(EngineError) {
        guard let old = record.slot, let users = maps.users.first, let groups = maps.groups.first else { return }
        let was = try UserRanges.configured().map(old)
        let newUsers = UserRanges.moved(spec.linux?.uidMappings ?? [], from: was.users, to: users.hostID)
        let newGroups = UserRanges.moved(spec.linux?.gidMappings ?? [], from: was.groups, to: groups.hostID)
        spec.linux?.uidMappings = newUsers
        spec.linux?.gidMappings = newGroups
        record.slot = slot
        record.users = newUsers.map(Record.Range.init)
        record.groups = newGroups.map(Record.Range.init)
        try write(spec)
        try save()
    }

    fileprivate mutating func monitorToEnd(_ spec: Spec, _ isWrittenDown: Bool, _ report: CInt, in home: borrowing Home) throws(EngineError)
        -> Record.End
    {
        let log = try openLog()
        var supervisor = Supervisor()
        var connection = Connection()
        connection.isWrittenDown = isWrittenDown
        var launched: Launched
        if record.terminal {
            connection.windowSize = WindowSize(rows: 24, columns: 80)
            launched = try start(spec, connection, in: home)
            if let master = launched.takeTerminal() {
                supervisor.streams.append(Stream(from: master, to: -1, log: log.map { LogFile.Channel($0, "stdout") }))
            }
        } else {
            var plumbing: Plumbing
            do throws(SystemError) { plumbing = try Plumbing(loggingTo: log) } catch { throw .system(doing: "make pipes", error) }
            connection.stdio = plumbing.stdio
            launched = try start(spec, connection, in: home)
            plumbing.release()
            supervisor.streams = plumbing.streams
        }
        let kills = record.cgroupHandle?.oomKills ?? 0
        MonitorReport.send(MonitorReport.started, to: report)
        close(report)
        // Whoever started us goes on without us; nothing of theirs is held.
        detachFromCaller()
        do throws(SystemError) { return ending(try supervisor.wait(for: launched.handle), killsBefore: kills) } catch {
            launched.abandon()
            throw .system(doing: "wait for the container", error)
        }
    }

    private func detachFromCaller() {
        guard let null = try? FileDescriptor(opening: "/dev/null", [.readWrite]) else { return }
        for target in CInt(0)...2 { dup2(null.raw, target) }
    }
}
