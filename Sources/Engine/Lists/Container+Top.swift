// SPDX-License-Identifier: Apache-2.0
import Cgroups
import Glibc
import Linux

extension Container {
    /// The container's processes as `ps(1)` of this machine shows them: a line of titles, then one for each.
    /// - Parameter options: for `ps`; what they show must have a column PID.
    package func processes(_ options: [String]) throws(EngineError) -> [[String]] {
        let handle = try process(toAllow: .signal, "list the processes of")
        var pids: Set<pid_t> = []
        do throws(CgroupError) { pids = Set(try record.cgroupHandle?.processes() ?? []) } catch {
            throw .refused("cannot list the processes of \(name): \(error)")
        }
        if pids.isEmpty, let first = try? handle.pid() { pids.insert(first) }
        guard let ps = HostProgram("ps") else { throw .refused("this machine has no ps; on Debian it is in the package procps") }
        var result: (end: Termination, output: [UInt8], error: [UInt8])
        do throws(SystemError) {
            let list = pids.sorted().map { "\($0)" }.joined(separator: ",")
            result = try ps.output(options.isEmpty ? ["-ef"] : options + ["-q", list])
            // Some options select processes by themselves and cannot be joined with a list.
            if result.end != .exited(0) || result.output.isEmpty { result = try ps.output(options) }
        } catch { throw .system(doing: "run ps", error) }
        guard result.end == .exited(0) else {
            let complaint = String(decoding: result.error, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? "it failed"
            throw .refused("ps \(options.joined(separator: " ")): \(complaint)")
        }
        let table = try Self.table(String(decoding: result.output, as: UTF8.self), pids)
        tell("top")
        return table
    }

    /// Those lines of a table that are about these processes, cut into cells; the last column keeps its spaces.
    static func table(_ text: String, _ pids: Set<pid_t>) throws(EngineError) -> [[String]] {
        var lines = text.split(separator: "\n")[...]
        let titles = lines.popFirst()?.split(separator: " ").map(String.init) ?? []
        guard let column = titles.firstIndex(of: "PID") else { throw .refused("these options of ps show no column PID") }
        var table = [titles]
        for line in lines {
            let cells = line.split(separator: " ", maxSplits: max(0, titles.count - 1), omittingEmptySubsequences: true)
            guard column < cells.count, let pid = pid_t(cells[column]), pids.contains(pid) else { continue }
            table.append(cells.map { String($0.drop { $0 == " " }) })
        }
        return table
    }
}
