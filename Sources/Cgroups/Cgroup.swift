// SPDX-License-Identifier: Apache-2.0
package import Glibc
package import Linux

/// One container's cgroup: a directory in each hierarchy that limits or counts it.
package struct Cgroup: Equatable, Sendable {
    package let paths: CgroupPaths

    package init(_ paths: CgroupPaths) { self.paths = paths }

    /// Moves a process, with all its threads, into the cgroup; 0 is the caller.
    ///
    /// A container that runs systemd hands controllers down itself, so version 2 lets nobody join its top (`EBUSY`). Then the process
    /// goes where `companion`, usually the container's init, lives.
    package func join(_ pid: pid_t = 0, beside companion: pid_t? = nil) throws(CgroupError) {
        for entry in paths.entries {
            do throws(SystemError) {
                try File.writeKernel(entry.directory + "/cgroup.procs", "\(pid)")
            } catch {
                guard error.errno == EBUSY, let companion, let home = try home(of: companion, below: entry.directory) else {
                    throw CgroupError(error)
                }
                try Self.call { () throws(SystemError) in try File.writeKernel(home + "/cgroup.procs", "\(pid)") }
            }
        }
    }

    /// The `tasks` files of version 1, opened for a child that is to move itself: it writes `0` into each. The caller closes them.
    ///
    /// A thread that moves itself needs no lock on all forks and exits of the machine, which whoever moves another does: with nobody else
    /// moving, that lock first waits out an RCU grace period, some milliseconds (`cgroup_attach_lock` in the kernel).
    package func openSeats() throws(CgroupError) -> [CInt] {
        var seats: [CInt] = []
        do throws(SystemError) {
            for file in paths.seatFiles { seats.append(try FileDescriptor(opening: file, [.writeOnly]).release()) }
        } catch {
            for seat in seats { close(seat) }
            throw CgroupError(error)
        }
        return seats
    }

    /// Moves a process into the version 2 cgroup, for one that was not born in it; see `join`.
    package func joinUnified(_ pid: pid_t, beside companion: pid_t? = nil) throws(CgroupError) {
        try Cgroup(CgroupPaths(paths.entries.filter { $0.version == .v2 })).join(pid, beside: companion)
    }

    /// The version 2 directory opened, for `CLONE_INTO_CGROUP` (Linux 5.7): the child is born in it. Nil where version 1 serves alone.
    package func openUnified() throws(CgroupError) -> FileDescriptor? {
        guard let directory = paths.unified else { return nil }
        do throws(SystemError) {
            return try FileDescriptor(opening: directory, [.path, .directory])
        } catch { throw CgroupError(error) }
    }

    /// The processes in it and below, each once, as this pid namespace numbers them. Those it cannot see are left out.
    package func processes() throws(CgroupError) -> [pid_t] {
        guard let directory = listed else { return [] }
        var all: [pid_t] = []
        try Self.call { () throws(SystemError) in
            try CgroupTree.walk(directory) { (place: Place, _: [[CChar]]) throws(SystemError) in all += try Self.processes(at: place) }
        }
        return all
    }

    /// Whether anybody is in it, also a process that this pid namespace does not see.
    package var isPopulated: Bool {
        if let directory = paths.unified, let events = try? File.readKernel(directory + "/cgroup.events") {
            return events.split(separator: "\n").contains("populated 1")
        }
        if let directory = paths.legacy(.pids), let count = try? File.readKernel(directory + "/pids.current") { return count != "0\n" }
        return (try? processes())?.isEmpty == false
    }

    /// The directory whose list of processes counts: the freezer's, because it holds still what is listed.
    private var listed: String? { paths.unified ?? paths.legacy(.freezer) ?? paths.entries.first?.directory }

    private static func processes(at place: Place) throws(SystemError) -> [pid_t] {
        do throws(SystemError) {
            let text = try File.readKernel("cgroup.procs", at: place)
            return text.split(separator: "\n").compactMap { pid_t($0) }.filter { $0 > 0 }
        } catch  where error.errno == EOPNOTSUPP {
            // A threaded cgroup lists threads only; their processes stand in the domain above it.
            return []
        } catch  where error.errno == ENODEV || error.errno == ENOENT {
            // Removed between the listing and the read.
            return []
        }
    }

    private func home(of pid: pid_t, below directory: String) throws(CgroupError) -> String? {
        var found: String?
        try Self.call { () throws(SystemError) in
            try CgroupTree.walk(directory) { (place: Place, path: [[CChar]]) throws(SystemError) in
                guard found == nil, try Self.processes(at: place).contains(pid) else { return }
                found = ([directory] + path.map(\.text)).joined(separator: "/")
            }
        }
        return found
    }

    static func call<Value>(_ body: () throws(SystemError) -> Value) throws(CgroupError) -> Value {
        do throws(SystemError) { return try body() } catch { throw CgroupError(error) }
    }
}
