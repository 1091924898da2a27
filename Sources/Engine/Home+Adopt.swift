// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux
import Network
import OCI

extension Home {
    /// Has another monitor take the place of one that was killed: this program in a process of its own, which gets the watch, locked as it is,
    /// as its descriptor 3. So nobody can take the container for one that nobody cares for in between. Returns when it has taken over, which
    /// it tells by closing its descriptor 4.
    func replaceMonitor(of id: ContainerID, _ watch: borrowing Watch) throws(SystemError) {
        let words = CStrings(["minictl", "--root", path, "monitor", id.text])
        let environment = CStrings(Machine.environment)
        let ready = try FileDescriptor.pipe()
        guard case .child = try Process.clone() else {
            let reader = ready.readerAlone()
            var entries = [PollEntry(reader.raw, .readable)]
            _ = try entries.wait(milliseconds: 5000)
            return
        }
        setsid()
        do throws(SystemError) {
            let null = try FileDescriptor(opening: "/dev/null", [.readWrite])
            for target in CInt(0)...2 { try null.replace(target) }
            let writer = try ready.writer.duplicate(atLeast: 16)
            try watch.give(as: 3)
            try writer.replace(4)
            try FileDescriptor.closeAll(from: 5, onlyOnExec: false)
            throw Process.execute("/proc/self/exe", words, environment)
        } catch {
            // The watch is free again, and the next command tries once more.
            Process.exit(1)
        }
    }

    /// What that process does: stays with the container as the killed one would have.
    /// - Parameters:
    ///   - raw: the watch, as `replaceMonitor` gives it.
    ///   - ready: to be closed when the container is as if it had never been without a monitor.
    package func takeOver(_ id: ContainerID, watch raw: CInt, ready: CInt) throws(EngineError) {
        let watch: Watch
        do throws(SystemError) { watch = try Watch(given: raw, of: id, in: self) } catch {
            throw .system(doing: "take over the watch over \(id.short)", error)
        }
        var creation = Creation(container: try container(id), watch: watch, spec: Spec())
        if creation.container.record.sharesRoot {
            // It starts this program again, which must find the watch where it is now.
            creation.watch.keepOverExec()
            _ = fcntl(ready, F_SETFD, 0)
            try protectProgram()
        }
        Monitor.prepare()
        if let slot = creation.container.record.idRange {
            // Nil if two ever had the same: then there is nothing to hold.
            do throws(SystemError) { creation.watch.range = try UserRanges.Claim(slot, in: self) } catch {
                throw .system(doing: "hold the container's range of user ids", error)
            }
        }
        let ports = creation.watch.reservation()
        ports.take(creation.container.record.published ?? [])
        let audience = try Audience(of: id, holding: ports, in: self)
        if case .restarting = try creation.container.status(in: Machine.boot()) {
            close(ready)
            return try creation.resumeRestart(audience, in: self)
        }
        var ready = ready
        let run = try creation.container.resume(audience, &ready, in: self)
        _ = creation.live(on: run, audience, ready: ready, in: self)
    }
}

extension Creation {
    /// Goes on with the wait for the next start.
    fileprivate consuming func resumeRestart(_ audience: Audience, in home: borrowing Home) throws(EngineError) {
        let end = container.record.end ?? Record.End(exitCode: nil, at: Timestamp.now.description, outOfMemory: nil, reason: nil)
        let run: MonitoredRun
        do throws(EngineError) {
            try home.putAway(container.record)
            // What a monitor was making as it was killed is nowhere written down.
            try home.disconnectAll(container.id, container.record)
            guard try container.waitForRestart(audience, after: end) else {
                _ = live(on: MonitoredRun(end: end, action: nil, duration: 0), audience, in: home)
                return
            }
            run = container.restart(audience, in: home)
        } catch {
            return try fail(error, in: home)
        }
        _ = live(on: run, audience, in: home)
    }
}

extension Container {
    /// Stays with a run that another monitor began.
    /// - Parameter ready: closed, and then −1, if it goes on still.
    fileprivate mutating func resume(_ audience: Audience, _ ready: inout CInt, in home: borrowing Home) throws(EngineError) -> MonitoredRun
    {
        let log = try openLog()
        let started = (record.start?.at).flatMap { Timestamp($0) } ?? .now
        audience.begin(input: -1, terminal: -1, closesInput: false)
        var streams: [Stream] = []
        for (index, pipe) in (record.start?.pipes ?? []).prefix(2).enumerated() {
            guard let raw = reopen(pipe) else { continue }
            let channel = log.map { LogFile.Channel($0, index == 0 ? "stdout" : "stderr") }
            streams.append(Stream(from: raw, to: -1, log: channel, audience: audience, isError: index == 1))
        }
        let lost = record.terminal ? "its terminal" : streams.count < 2 ? "what it writes" : record.interactive ? "its input" : nil
        if let lost { try change { $0.start?.lost = "its monitor was killed, and \(lost) went with it" } }
        let boot = try Machine.boot()
        guard let process = try holdProcess(in: boot) else {
            // It has ended since.
            return MonitoredRun(end: unseenEnd(in: boot), action: nil, duration: 0)
        }
        close(ready)
        ready = -1
        do throws(SystemError) {
            var run = try attend(process, streams, audience, resumes: true, in: home)
            run.duration = (Timestamp.now.nanoseconds - started.nanoseconds) / 1_000_000
            return run
        } catch {
            throw .system(doing: "wait for the container", error)
        }
    }

    /// Opens the reading end of a pipe that processes of the container still hold, known by its inode. Those processes may be hostile:
    /// what is not that very pipe is never opened.
    private func reopen(_ inode: UInt64) -> CInt? {
        let processes = (try? record.cgroupHandle?.processes()) ?? (record.start.map { [$0.pid] } ?? [])
        for pid in processes {
            for target in 0...2 {
                guard let held = try? FileDescriptor(opening: "/proc/\(pid)/fd/\(target)", [.path]),
                    FileDescriptor.isAnonymousPipe(held.raw), let status = try? held.status(), UInt64(status.inode) == inode,
                    let pipe = try? FileDescriptor(opening: "/proc/self/fd/\(held.raw)", [.nonBlocking])
                else { continue }
                return pipe.release()
            }
        }
        return nil
    }
}
