// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension Cgroup {
    /// Stops every process in it and below, and returns when all stand still. At most `milliseconds`, then the error `ETIMEDOUT`.
    package func freeze(within milliseconds: Int = 2000) throws(CgroupError) { try setFrozen(true, within: milliseconds) }

    /// Lets them run on.
    package func thaw(within milliseconds: Int = 2000) throws(CgroupError) { try setFrozen(false, within: milliseconds) }

    /// True if it was frozen, or is about to be.
    package var isFrozen: Bool {
        get throws(CgroupError) {
            guard let switches = try? freezer() else { return false }
            return try Self.call { () throws(SystemError) in
                let text = try File.readKernel(switches.file)
                return text.hasPrefix(switches.version == .v1 ? "FRO" : "1") || text.hasPrefix("FREEZING")
            }
        }
    }

    private func freezer() throws(CgroupError) -> (file: String, version: Hierarchy.Version) {
        if let directory = paths.legacy(.freezer) { return (directory + "/freezer.state", .v1) }
        if let directory = paths.unified { return (directory + "/cgroup.freeze", .v2) }
        throw .controllerMissing(.freezer)
    }

    private func setFrozen(_ frozen: Bool, within milliseconds: Int) throws(CgroupError) {
        let (file, version) = try freezer()
        let text = version == .v1 ? (frozen ? "FROZEN" : "THAWED") : (frozen ? "1" : "0")
        var waited = 0
        // Version 1 may miss a process that forks meanwhile and stay FREEZING until told again; version 2 needs one telling.
        while true {
            let done = try Self.call { () throws(SystemError) in
                if version == .v1 || waited == 0 { try File.writeKernel(file, text) }
                return try version == .v1 ? File.readKernel(file).hasPrefix(text) : isSettled(frozen)
            }
            if done { return }
            guard waited < milliseconds * 1000 else {
                if frozen { _ = try? File.writeKernel(file, version == .v1 ? "THAWED" : "0") }
                throw .system(SystemError(call: frozen ? "freeze" : "thaw", subject: file, errno: ETIMEDOUT))
            }
            let pause = waited < 1000 ? 50 : 1000
            usleep(UInt32(pause))
            waited += pause
        }
    }

    private func isSettled(_ frozen: Bool) throws(SystemError) -> Bool {
        guard let directory = paths.unified else { return true }
        return CgroupFile.value("frozen", in: try File.readKernel(directory + "/cgroup.events")) == (frozen ? 1 : 0)
    }
}

extension Cgroup {
    /// Ends every process in it and below, even those that fork while we look. They may still be ending when it returns.
    package func kill() throws(CgroupError) {
        if let directory = paths.unified {
            do throws(SystemError) {
                return try File.writeKernel(directory + "/cgroup.kill", "1")
            } catch  where error.errno == ENOENT {
                // Before Linux 5.14, or the cgroup is gone and the loop below finds nothing.
            } catch { throw CgroupError(error) }
        }
        try signal(SIGKILL)
    }

    /// Sends a signal to every process in it and below. They are held still meanwhile, so that none escapes by forking
    /// and no pid passes to a stranger.
    package func signal(_ signal: CInt) throws(CgroupError) {
        let wasFrozen = (try? isFrozen) ?? false
        let held = wasFrozen || (try? freeze()) != nil
        defer { if held && (!wasFrozen || signal == SIGKILL) { _ = try? thaw() } }
        // Without a freezer a fork bomb can outrun one round; SIGKILL goes round until nobody is left.
        for round in 0..<100 {
            let processes: [pid_t]
            do throws(CgroupError) {
                processes = try self.processes()
            } catch {
                if case .system(let cause) = error, cause.errno == ENOENT { return }
                throw error
            }
            for pid in processes where Glibc.kill(pid, signal) != 0 && errno != ESRCH {
                throw CgroupError(SystemError(call: "kill", subject: "\(pid)", errno: errno))
            }
            if held || signal != SIGKILL || processes.isEmpty { return }
            usleep(UInt32(min(round, 10)) * 1000)
        }
    }
}
