// SPDX-License-Identifier: Apache-2.0
package import Cgroups
import Glibc
package import Linux
package import OCI

extension Launch {
    /// From one spec to one running process.
    /// - Parameters:
    ///   - cgroup: made, and its limits set, before; nil leaves the container in the caller's, unless `makeCgroup` has one.
    ///   - makeCgroup: makes a cgroup, of version 1 alone, at the same time as the child makes its namespaces; `options.cgroup` is
    ///     where it is going to be.
    ///   - prepare: makes what the mounts need and the child does not.
    ///   - hooks: told the first process's number when the spec's `prestart` and `createRuntime` hooks are due.
    ///   - connect: with `waitsForNetwork`, connects the first process's network namespace while the child sets itself up.
    ///   - meanwhile: what the caller has to do while the child sets itself up; told its number.
    ///   - record: told the first process before it waits for `start` on its own, so that it can be found again.
    package static func container(
        _ spec: Spec, _ options: LaunchOptions, in cgroup: Cgroup?, makeCgroup: () throws(LaunchError) -> Cgroup? = { nil },
        prepare: () throws(LaunchError) -> Void = {}, hooks: (Int32) throws(LaunchError) -> Void = { _ in },
        connect: (Int32) throws(LaunchError) -> Void = { _ in }, meanwhile: (Int32) throws(LaunchError) -> Void = { _ in },
        record: (ProcessIdentity) throws(LaunchError) -> Void = { _ in }
    ) throws(LaunchError) -> Launched {
        let plan = try Plan(spec, options)
        defer { plan.release() }
        let host = HostSide(
            root: plan.root, binds: plan.binds, devices: plan.devices, userMap: plan.userMap,
            joinsUser: plan.joined.contains { $0.type == .user })
        let launch = try clone(plan, Init.steps, into: cgroup)
        // Its namespaces and our cgroup, its file systems and our mounts take about as long.
        let aside = Aside(launch.pid)
        do throws(LaunchError) {
            try launch.setOOMScore(spec.process?.oomScoreAdj)
            launch.raiseLimits(plan.process.limits)
            var spent: [CInt] = []
            defer { for raw in spent { close(raw) } }
            let user = try host.giveIDs(to: launch.pid, &spent)
            let cgroup = if let cgroup { cgroup } else { try makeCgroup() }
            // What lies there in the mount namespace of another may be anything.
            try launch.tell(cgroup, planned: plan.joined.isEmpty ? options.cgroup : nil)
            try prepare()
            try host.sendMounts(to: launch, user, &spent)
            aside?.end()
            if plan.waitsForNetwork {
                try launch.waitForNamespaces()
                do throws(LaunchError) { try connect(launch.pid) } catch {
                    // A child that failed meanwhile took its network namespace with it, and knows better why.
                    throw launch.lastWords().map { .step($0) } ?? error
                }
                try launch.say(.connected)
            }
            try meanwhile(launch.pid)
        } catch {
            launch.handle.abandon()
            throw error
        }
        let pid = launch.pid
        return try launch.finish(hooks: { () throws(LaunchError) in try hooks(pid) }, record: record)
    }

    /// Makes the child, born in its cgroup of version 2. Into those of version 1 it moves itself.
    static func clone(_ plan: Plan, _ steps: [Step], into cgroup: Cgroup?, beside companion: Int32? = nil) throws(LaunchError) -> Launch {
        guard let cgroup, cgroup.paths.unified != nil else { return try clone(plan, steps: steps) }
        if companion == nil, plan.joined.isEmpty, let directory = try? cgroup.openUnified() {
            return try clone(plan, steps: steps, cgroup: directory.raw)
        }
        let launch = try clone(plan, steps: steps)
        do throws(CgroupError) { try cgroup.joinUnified(launch.pid, beside: companion) } catch {
            launch.handle.abandon()
            throw .refused("cannot put the process into its cgroup: \(error)")
        }
        return launch
    }

    /// Tells the child that it has its ids, and which cgroup.
    private func tell(_ cgroup: Cgroup?, planned: CgroupPaths?) throws(LaunchError) {
        guard let cgroup, cgroup.paths != planned else { return try say(.cgroup) }
        let seats = try cgroup.seats()
        defer { for seat in seats { close(seat) } }
        try say(.seats, seats)
    }

    /// What cannot be raised the child finds out when it sets its limits, and knows whether that is an error.
    func raiseLimits(_ limits: [ResourceLimit]) {
        for limit in limits { try? limit.raise(of: pid) }
    }

    func setOOMScore(_ score: Int?) throws(LaunchError) {
        guard let score else { return }
        do throws(SystemError) {
            try File.writeKernel("/proc/\(pid)/oom_score_adj", "\(score)")
        } catch {
            throw .system(doing: "set the OOM score to \(score)", error)
        }
    }
}

extension Cgroup {
    /// Open `tasks` files for a child that moves itself; the caller closes them.
    func seats() throws(LaunchError) -> [CInt] {
        do throws(CgroupError) { return try openSeats() } catch {
            throw .refused("cannot put the container into its cgroup: \(error)")
        }
    }
}

/// What the parent prepares on the host while the child sets itself up.
private struct HostSide {
    let root: Root
    let binds: [BindSource]
    let devices: DeviceTree?
    let userMap: UserMap?
    /// Its user namespace is another's, which has its ids.
    let joinsUser: Bool

    /// Gives the child its ids.
    /// - Parameter spent: gets what is open for our mounts' sake, to be closed after.
    /// - Returns: its user namespace; nil for ours.
    func giveIDs(to pid: Int32, _ spent: inout [CInt]) throws(LaunchError) -> UserNamespaceView? {
        guard userMap != nil || joinsUser else { return nil }
        do throws(SystemError) {
            let map = if let userMap { userMap } else { try UserMap(of: pid) }
            if userMap != nil { try map.write(to: pid) }
            // Now, while its files in /proc are its own: soon it cannot be looked into.
            let namespace = try FileDescriptor(opening: "/proc/\(pid)/ns/user").release()
            spent.append(namespace)
            return UserNamespaceView(raw: namespace, map: map)
        } catch {
            throw .system(doing: "give the container its user and group ids", error)
        }
    }

    /// Makes its mounts, attached nowhere, and sends each as soon as the child can use it: the root, what lies in it, `/dev`, and the rest.
    /// - Parameter spent: gets what can be closed when there is time, see `Overlay`.
    func sendMounts(to launch: borrowing Launch, _ user: UserNamespaceView?, _ spent: inout [CInt]) throws(LaunchError) {
        let top = try root.mount(for: user, spent: &spent)?.release()
        if let top { spent.append(top) }
        try launch.proceed(top.map { [$0] } ?? [])
        if let devices, let user {
            spent.append(try devices.mount(for: user).release())
            try launch.send(spent.suffix(1))
        }
        let start = spent.count
        for bind in binds { spent.append(try bind.make(for: user).release()) }
        try launch.send(spent[start...])
    }
}
