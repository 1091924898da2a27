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
        _ = try monitor(creation)
        return id
    }

    /// Starts one that was created before. One that runs already stays as it is.
    /// - Parameter isTemporary: goes as it ends from now on, whatever its record says.
    package func start(_ word: String, isTemporary: Bool = false) throws(EngineError) {
        let orphans = try sweep()
        let container = try container(named: word)
        let status = try container.status(in: Machine.boot())
        if status.isGoingOn, status != .paused { return }
        if container.record.sharesRoot { try protectProgram() }
        guard status.allows(.start) else { throw .notAllowed("start", container.name, status) }
        _ = try monitor(prepare(container.id, besides: orphans, isTemporary: isTemporary), isWrittenDown: true)
    }

    /// Takes a container that does not run under watch, and makes its spec fit for this moment.
    /// - Parameter orphans: id ranges of containers that run unwatched.
    func prepare(_ id: ContainerID, besides orphans: Set<UInt32>, isTemporary: Bool = false) throws(EngineError) -> Creation {
        guard var watch = try Watch.atRest(id, in: self) else {
            throw .refused("\(id.short) is just being started or removed by another process")
        }
        // As it is now that nobody else can start, rename or remove it. One that runs without its monitor keeps its watch's file.
        var container: Container
        do throws(EngineError) {
            try settleChanges(of: id)
            container = try self.container(id)
        } catch {
            try watch.end(in: self)
            throw error
        }
        let status = try container.status(in: Machine.boot())
        guard status.allows(.start) else { throw .notAllowed("start", container.name, status) }
        do throws(EngineError) {
            var spec = try container.spec()
            if isTemporary { container.record.isTemporary = true }
            container.record.stoppedByHand = nil
            container.record.restarts = nil
            container.record.retry = nil
            try container.rejoin(&spec, in: self)
            if let slot = container.record.slot {
                let ranges = try UserRanges.configured()
                watch.range = try ranges.claim(for: id, wish: slot, besides: orphans, in: self)
                if let slot = watch.slot { try container.move(to: slot, &spec) }
            }
            try watch.reservePorts(for: &container.record, in: self)
            return Creation(container: container, watch: watch, spec: spec)
        } catch {
            try watch.end(in: self)
            throw error
        }
    }

    /// Leaves a monitor with the container, and returns when its program runs.
    /// - Parameters:
    ///   - isAttached: gives back a socket by which we are attached to it from the beginning; else −1.
    ///   - size: that its terminal has from the beginning.
    func monitor(
        _ creation: consuming Creation, isWrittenDown: Bool = false, isAttached: Bool = false, size: WindowSize? = nil
    ) throws(EngineError) -> CInt {
        let report: MonitorReport
        var ends: (first: CInt, second: CInt) = (-1, -1)
        do throws(SystemError) {
            let pipe = try FileDescriptor.pipe()
            if isAttached { ends = try MessageSocket.pair().release() }
            guard case .parent = try Process.clone() else {
                if isAttached { close(ends.first) }
                let raw = pipe.release()
                close(raw.reader)
                Monitor.run(creation, MonitorOutset(report: raw.writer, client: ends.second, size: size, isNew: !isWrittenDown), in: self)
            }
            if isAttached { close(ends.second) }
            report = try MonitorReport(from: pipe.readerAlone())
            try roster().handOver()
        } catch {
            throw .system(doing: "start the container's monitor", error)
        }
        guard let failure = report.failure else { return ends.first }
        if isAttached { close(ends.first) }
        throw .reported(failure.sentence, exitCode: failure.code)
    }
}

/// What a monitor says once, when the program runs or cannot.
struct MonitorReport {
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

/// What a monitor is given by the command that leaves it behind.
struct MonitorOutset {
    /// Where to say once that the program runs, or why it does not.
    let report: CInt
    /// A socket of somebody who is attached from the beginning; −1 for nobody.
    let client: CInt
    let size: WindowSize?
    /// The container's files are yet to be written.
    let isNew: Bool
}

/// The process that stays with a container: it holds its terminal or pipes, its log and those attached to it, and learns how it ended.
enum Monitor {
    static func run(_ creation: consuming Creation, _ outset: MonitorOutset, in home: borrowing Home) -> Never {
        prepare()
        FileDescriptor.closeInherited()
        var creation = creation
        let audience: Audience
        let first: MonitoredRun
        do throws(EngineError) {
            try creation.watch.inherit(in: home)
            audience = try Audience(of: creation.container.id, holding: creation.watch.reservation(), in: home)
            if outset.client >= 0 { audience.admit(outset.client) }
            first = try creation.container.begin(creation.spec, outset, audience, in: home)
        } catch {
            try? creation.fail(error, in: home)
            MonitorReport.send("\(error.exitCode)\n\(error)", to: outset.report)
            Process.exit(1)
        }
        Process.exit(creation.live(on: first, audience, in: home))
    }

    /// Lets go of whoever started us: terminal, signals, working directory.
    static func prepare() {
        try? SignalSet.reset()
        Process.stayBehind(as: "minictl-mon")
    }
}

extension Container {
    /// Gives it a range of ids, unless it has that one: another may have taken its old one, and `/etc/subuid` may say by now that a slot
    /// is elsewhere. What is on disk has the image's own ids, so another range changes the maps and nothing else.
    fileprivate mutating func move(to slot: UserRanges.Slot, _ spec: inout Spec) throws(EngineError) {
        let (oldUsers, oldGroups) = (spec.linux?.uidMappings ?? [], spec.linux?.gidMappings ?? [])
        guard
            slot.users != UserRanges.base(of: oldUsers) || slot.groups != UserRanges.base(of: oldGroups) || slot.number != record.slot
        else { return }
        let (newUsers, newGroups) = (UserRanges.moved(oldUsers, to: slot.users), UserRanges.moved(oldGroups, to: slot.groups))
        spec.linux?.uidMappings = newUsers
        spec.linux?.gidMappings = newGroups
        record.slot = slot.number
        record.users = newUsers.map(Record.Range.init)
        record.groups = newGroups.map(Record.Range.init)
        try write(spec)
        try save()
    }
}
