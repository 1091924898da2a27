// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// Why a container could not be launched.
package enum LaunchError: Error, Sendable {
    /// On our side, before or beside the child.
    case system(doing: String, SystemError)
    /// In the child.
    case step(StepFailure)
    /// The child ended without a word: killed from outside, as by the limit of its own cgroup.
    case died(Termination)
    /// What is asked for cannot be done here, in one sentence.
    case refused(String)
}

/// A child on its way to the program.
package struct Launched: ~Copyable {
    package let pid: Int32
    package let handle: ProcessHandle
    package let identity: ProcessIdentity
    /// The master of the container's terminal, if it has one.
    package var terminal: FileDescriptor?
    /// The listener of a filter that notifies, if there is one.
    package var listener: FileDescriptor?
}

/// The parent's side, from the clone to the program.
package struct Launch: ~Copyable {
    let pid: pid_t
    let handle: ProcessHandle
    let channel: Channel
    /// The child has said already that its namespaces are there.
    var hasUnshared = false
    /// Its first process does not become the program, but starts it.
    let hasReaper: Bool

    /// What only a clone can make. The child makes the other namespaces by itself, at the same time as the parent makes its mounts:
    /// a network namespace alone takes half a millisecond.
    static let cloned: Namespaces = [.user, .pid]

    /// Makes the child, which then waits for `proceed`.
    /// - Parameter cgroup: a cgroup v2 directory to be born in.
    static func clone(_ plan: Plan, steps: [Step], cgroup: CInt? = nil) throws(LaunchError) -> Launch {
        do throws(SystemError) {
            let pair = try MessageSocket.pair()
            if let offsets = plan.timeOffsets {
                // The offsets can be written only while nobody is in the new namespace; the next child is the first.
                try Namespaces.time.unshare()
                if !offsets.isEmpty { try File.writeKernel("/proc/self/timens_offsets", offsets) }
            }
            guard plan.joined.isEmpty, !plan.entersUnseen else { return try cloneJoined(plan, steps, pair) }
            guard case .parent(let pid, let handle) = try Process.clone(plan.namespaces.intersection(cloned), cgroup: cgroup) else {
                Child.run(plan, pair, steps)
            }
            return Launch(pid: pid, handle: handle, channel: Channel(socket: MessageSocket(pair)), hasReaper: plan.process.reaper)
        } catch {
            throw .system(doing: "create the container's first process", error)
        }
    }

    /// Where namespaces of others are joined, a stage of its own does that: we stay on the host. The stage's child is our child too.
    private static func cloneJoined(
        _ plan: Plan, _ steps: [Step], _ pair: consuming MessageSocketPair
    ) throws(SystemError) -> Launch {
        guard case .parent(_, let stage) = try Process.clone() else { joinAndClone(plan, steps, consume pair) }
        let ours = MessageSocket(pair)
        var message = try ours.receive()
        // The child may be faster than the stage that made it.
        var hasUnshared = false
        if let bytes = message?.bytes, ChannelMessage(bytes) == .unshared {
            hasUnshared = true
            message = try ours.receive()
        }
        _ = try stage.reap()
        guard let bytes = message?.bytes else { throw SystemError(call: "setns", subject: "namespaces to join", errno: ECHILD) }
        if case .failed(let failure) = ChannelMessage(bytes) { throw failure.error }
        guard let raw = message?.takeDescriptors().first else { throw SystemError(call: "recvmsg", errno: EPROTO) }
        let handle = ProcessHandle(owning: FileDescriptor(owning: raw))
        return Launch(
            pid: try handle.pid(), handle: handle, channel: Channel(socket: ours), hasUnshared: hasUnshared, hasReaper: plan.process.reaper)
    }

    /// The stage: joins, makes the child, tells the parent who it is, and is done.
    private static func joinAndClone(_ plan: Plan, _ steps: [Step], _ pair: consuming MessageSocketPair) -> Never {
        // A copy for bad news, whatever becomes of the pair on the way; exec closes it like all others.
        let report = (try? pair.second.descriptor.duplicate())?.release() ?? -1
        do throws(SystemError) {
            try Process.setDumpable(false)
            var plan = plan
            if plan.entersUnseen { try plan.enter(keeping: [pair.second.descriptor.raw, report]) }
            try plan.joinOthers()
            guard case .parent(_, let handle) = try Process.clone(plan.namespaces.intersection(cloned), sibling: true) else {
                Child.run(plan, consume pair, steps)
            }
            try pair.second.send(ChannelMessage.ready.bytes, descriptors: [handle.descriptor.raw])
        } catch {
            _ = try? MessageSocket(owning: FileDescriptor(owning: report)).send(
                ChannelMessage.failed(StepFailure(step: "join namespaces", error: error)).bytes)
        }
        Process.exit(0)
    }

    /// Lets the child go on, with its root.
    func proceed(_ root: [CInt] = []) throws(LaunchError) { try say(.proceed, root) }

    /// Sends mounts, in as few messages as they fit into.
    func send(_ mounts: ArraySlice<CInt>) throws(LaunchError) {
        var rest = mounts
        while !rest.isEmpty {
            try say(.mounts, Array(rest.prefix(MessageSocket.capacity)))
            rest = rest.dropFirst(MessageSocket.capacity)
        }
    }

    func say(_ message: ChannelMessage, _ descriptors: [CInt] = []) throws(LaunchError) {
        do throws(SystemError) { try channel.send(message, descriptors: descriptors) } catch { throw ended(error) }
    }

    /// Waits until the child has its namespaces.
    func waitForNamespaces() throws(LaunchError) {
        if hasUnshared { return }
        switch try next() {
        case .message(.unshared, _): return
        case .message(.failed(let failure), _):
            _ = try? handle.reap()
            throw .step(failure)
        case .message, .end: throw ended(SystemError(call: "recvmsg", errno: EPROTO))
        }
    }

    /// Listens until the program runs, or where `start` comes later until the child waits for it.
    /// - Parameters:
    ///   - hooks: what to do when the child has mounted everything and waits.
    ///   - record: what to do before the child may wait for `start` on its own, without us.
    consuming func finish(
        hooks: () throws(LaunchError) -> Void = {}, record: (ProcessIdentity) throws(LaunchError) -> Void = { _ in }
    ) throws(LaunchError) -> Launched {
        var terminal: FileDescriptor?
        var listener: FileDescriptor?
        while true {
            switch try next() {
            case .message(.mounted, _):
                do throws(LaunchError) { try hooks() } catch {
                    handle.abandon()
                    throw error
                }
                try proceed()
            case .message(.terminal, let raw?): terminal = FileDescriptor(owning: raw)
            case .message(.filter, let raw?): listener = FileDescriptor(owning: raw)
            case .message(.failed(let failure), _):
                _ = try? handle.reap()
                throw .step(failure)
            case .message(.ready, _):
                let identity = try identity(statistics())
                do throws(LaunchError) { try record(identity) } catch {
                    handle.abandon()
                    throw error
                }
                try proceed()
                return Launched(pid: pid, handle: handle, identity: identity, terminal: terminal, listener: listener)
            case .message(.unexecuted, _):
                // Its reaper ends as it did, by the code that a shell would give.
                guard let end = try? handle.reap() else { throw ended(SystemError(call: "waitid", errno: ECHILD)) }
                guard end.exitCode > 128 else { throw .died(end) }
                throw .died(.signaled(Signal(rawValue: end.exitCode - 128)))
            case .end:
                let statistics = try statistics()
                // A filter that kills whoever executes closes the socket too. (A reaper of ours lives on, and executes nothing.)
                if statistics.endsUnexecuted, !hasReaper { throw ended(SystemError(call: "execve", errno: ECHILD)) }
                let identity = try identity(statistics)
                return Launched(pid: pid, handle: handle, identity: identity, terminal: terminal, listener: listener)
            case .message:
                handle.abandon()
                throw .system(doing: "understand the container's first process", SystemError(call: "recvmsg", errno: EPROTO))
            }
        }
    }

    private func statistics() throws(LaunchError) -> ProcessStatistics {
        do throws(SystemError) { return try ProcessStatistics(of: pid) } catch { throw ended(error) }
    }

    private func identity(_ statistics: ProcessStatistics) throws(LaunchError) -> ProcessIdentity {
        do throws(SystemError) {
            return ProcessIdentity(pid: pid, startTime: statistics.startTime, inode: try handle.uniqueInode())
        } catch { throw ended(error) }
    }

    private enum Arrival {
        case message(ChannelMessage?, CInt?)
        case end
    }

    private func next() throws(LaunchError) -> Arrival {
        do throws(SystemError) {
            guard var message = try channel.socket.receive() else { return .end }
            return .message(ChannelMessage(message.bytes), message.takeDescriptors().first)
        } catch {
            throw ended(error)
        }
    }

    /// Ends the child. What it said before stays to be read: how it failed, if it did.
    func lastWords() -> StepFailure? {
        // One that still waits for us would wait for ever.
        try? handle.signal(.kill)
        while let message = try? channel.socket.receive() {
            if case .failed(let failure) = ChannelMessage(message.bytes) { return failure }
        }
        return nil
    }

    /// The child is gone or does not answer: says why as well as is known.
    private func ended(_ error: SystemError) -> LaunchError {
        if let failure = lastWords() { return .step(failure) }
        guard let end = try? handle.reap() else { return .system(doing: "speak to the container's first process", error) }
        return .died(end)
    }
}

extension Launched {
    /// Gives the master of the terminal up; −1 is never among what it gives.
    package mutating func takeTerminal() -> Int32? {
        guard let master = terminal.take() else { return nil }
        return master.release()
    }
}

extension Plan {
    /// Joins the namespaces of others. Those that belong to us come first, while we are who we are; then the user namespace, and
    /// those that belong to it or to one below.
    fileprivate func joinOthers() throws(SystemError) {
        let joinsUser = joined.contains { $0.type == .user }
        var rest: [JoinedNamespace] = []
        for namespace in joined {
            let descriptor = FileDescriptor(owning: namespace.raw)
            do throws(SystemError) {
                guard namespace.type != .user else { throw SystemError(call: "setns", errno: EPERM) }
                try descriptor.join(namespace.type)
            } catch  where joinsUser && error.errno == EPERM {
                rest.append(JoinedNamespace(type: namespace.type, raw: descriptor.release()))
            }
        }
        // The user namespace is the first of them.
        for namespace in rest { try FileDescriptor(owning: namespace.raw).join(namespace.type) }
    }

    /// Does in the stage what the child would do in sight of the container's processes: joins the cgroup and the namespaces, and lets go
    /// of everything of the host's: streams, directories, the working directory, which becomes the container's root.
    fileprivate mutating func enter(keeping kept: [CInt]) throws(SystemError) {
        guard let container else { return }
        for seat in seats ?? [] { try check("write", "tasks") { write(seat, "0", 1) } }
        seats = []
        let null = try FileDescriptor(opening: "/dev/null", [.readWrite])
        var open = kept + (0..<process.preservedDescriptors).map { 3 + $0 }
        for (target, source) in [(CInt(0), process.stdio.input), (1, process.stdio.output), (2, process.stdio.error)] {
            var raw = null.raw
            if case .descriptor(let given) = source {
                raw = given
                open.append(given)
            }
            if raw != target { try check("dup2") { dup2(raw, target) } }
        }
        try FileDescriptor(owning: container.handle).join(container.namespaces)
        self.container = (-1, [])
        try FileDescriptor.closeAll(but: open)
    }
}
