// SPDX-License-Identifier: Apache-2.0
package import Cgroups
import Glibc
package import Linux
package import OCI

extension Launch {
    /// Starts another process in a running container.
    /// - Parameters:
    ///   - target: the container's first process, held so that its number cannot go to another meanwhile.
    ///   - process: what to run, with the ids, capabilities and limits it is to have.
    package static func exec(
        _ process: Spec.Process, beside target: borrowing ProcessHandle, _ pid: Int32, of spec: Spec, _ options: LaunchOptions,
        in cgroup: Cgroup?
    ) throws(LaunchError) -> Launched {
        var plan = Plan(root: .inherited, process: try ProcessPlan(process, spec, options))
        let affinity = process.execCPUAffinity
        plan.process.processors = try affinity?.final.map { list throws(LaunchError) in try ProcessorSet(list, "final") }
        plan.keyring = options.keyring
        plan.diesWithParent = options.diesWithParent
        let handle = target.descriptor.raw
        do throws(SystemError) {
            let namespaces = try Namespaces(toJoin: pid)
            // Asked again after looking, so that what we looked at was this process.
            guard try !target.waitForEnd(milliseconds: 0) else { throw SystemError(call: "pidfd_open", errno: ESRCH) }
            plan.container = (handle, namespaces.subtracting(.pid))
            // From the clone on, processes in the container can see ours by number; they must see no more than that (CVE-2016-9962).
            try Process.setDumpable(false)
            if namespaces.contains(.user) || !namespaces.contains(.pid) {
                if namespaces.contains(.pid) { try target.descriptor.join(.pid) }
            } else {
                // Where capabilities in the container are capabilities over us (CAP_SYS_PTRACE), being undumpable does not help.
                plan.entersUnseen = true
                plan.container = (handle, namespaces)
            }
        } catch {
            throw .system(doing: "join the container's namespaces", error)
        }
        let seats = try cgroup?.seats() ?? []
        defer { for seat in seats { close(seat) } }
        plan.seats = seats
        if let list = affinity?.initial {
            // By us, from whom the child has it: version 2 has it born in its cgroup.
            let processors = try ProcessorSet(list, "initial")
            do throws(SystemError) { try processors.confine() } catch { throw .system(doing: "confine the process to \(list)", error) }
        }
        let launch = try clone(plan, Join.steps, into: cgroup, beside: pid)
        do throws(LaunchError) {
            try launch.setOOMScore(process.oomScoreAdj)
            launch.raiseLimits(plan.process.limits)
            try launch.proceed()
        } catch {
            launch.handle.abandon()
            throw error
        }
        return try launch.finish()
    }
}

extension ProcessorSet {
    fileprivate init(_ list: String, _ member: StaticString) throws(LaunchError) {
        do throws(IndexList.Invalid) { self.init(try IndexList(list).ranges) } catch {
            throw .refused("process.execCPUAffinity.\(member): \(error)")
        }
    }
}
