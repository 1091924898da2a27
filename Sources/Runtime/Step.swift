// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// One named part of what a child does between clone and exec. `Init` and `Join` are tables of these.
struct Step: Sendable {
    let name: StaticString
    let body: @Sendable (Child) throws(SystemError) -> Void

    init(_ name: StaticString, _ body: @escaping @Sendable (Child) throws(SystemError) -> Void) {
        self.name = name
        self.body = body
    }
}

/// What the steps share.
final class Child {
    let plan: Plan
    var channel: Channel
    /// The `tasks` files of version 1 cgroups that we move ourselves into, in place of those in the plan.
    var seats: [CInt]?
    /// The mounts that the parent has sent so far; the root first, if it made one.
    var received: [CInt] = []
    /// The file systems of the plan's setups that were made before there was a root to mount them in; −1 for any other.
    var fileSystems: [CInt] = []
    var root: RootDirectory?
    /// Where the root is attached; nil for `/`.
    var rootPoint: FileDescriptor?
    /// Our own view of the kernel's tables, under no path: nothing in the container can stand in its way. Nil unless `Plan.needsProc`.
    var proc: Place?
    /// It has been waited for.
    var hasNetwork = false
    /// Where the container's own `/proc` has the parameters of its interfaces.
    var interfaces: FileDescriptor?
    /// The first place of the program that is worth a try.
    var firstCandidate = 0
    /// By which a reaper learns that the program runs: exec closes the writing end.
    var begun: (reader: CInt, writer: CInt)?
    /// The user's home, where it had to be looked up.
    var home: String?
    /// The container's side of its terminal.
    var terminal: FileDescriptor?

    init(plan: Plan, channel: consuming Channel) {
        self.plan = plan
        self.channel = channel
        seats = plan.seats
    }

    /// The descriptors above the standard streams that the rest of the way needs, once the root is `/`.
    var needed: [CInt] {
        [channel.socket.descriptor.raw, root?.place.raw ?? -1, proc?.raw ?? -1] + (0..<plan.process.preservedDescriptors).map { 3 + $0 }
    }

    /// What the new process does, its end of the pair in hand and the other end closed: a parent that dies must be noticed.
    static func run(_ plan: Plan, _ pair: consuming MessageSocketPair, _ steps: [Step]) -> Never {
        let child = Child(plan: plan, channel: Channel(socket: pair.second))
        for raw in plan.parentDescriptors { close(raw) }
        child.carryOut(steps)
    }

    /// Carries out a table of steps. Returns only if one failed; the last one executes the program.
    func carryOut(_ steps: [Step]) -> Never {
        for step in steps {
            do throws(SystemError) {
                try step.body(self)
            } catch {
                fail(StepFailure(step: "\(step.name)", error: error))
            }
        }
        Process.exit(0)
    }

    func fail(_ failure: StepFailure) -> Never {
        // If the parent is gone too there is nobody left to tell.
        try? channel.send(.failed(failure))
        Process.exit(failure.program?.exitCode ?? 125)
    }
}
