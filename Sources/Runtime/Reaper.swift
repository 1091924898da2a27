// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A first process that does what a first process must (`--init`): passes signals on, and takes the status of every orphan.
/// It is this very program after a fork, with the container's own rights, filter and limits.
enum Reaper {
    /// Splits in two: returns in the child, which becomes the program. The parent stays, and ends as the program ends.
    /// - Parameters:
    ///   - child: what its channel says to the parent outside waits for the program.
    ///   - channel: the number of that channel.
    static func split(_ child: Child, channel: CInt) throws(SystemError) {
        // Blocked before the split, so that no signal falls between; the child is given a clean mask again.
        let signals = SignalSet.all
        try signals.block()
        let pid = try Process.fork()
        if pid == 0 {
            // Its own group in the foreground, so that ^C of the terminal reaches the program and what it starts, once.
            setpgid(0, 0)
            signal(SIGTTOU, SIG_IGN)
            tcsetpgrp(0, getpid())
            try SignalSet.reset()
            return
        }
        let name: StaticString = "minictl-init"
        Process.setName(name)
        setpgid(pid, pid)
        if let writer = child.begun?.writer { close(writer) }
        for raw in CInt(0)...2 { close(raw) }
        // Both lie in memory that everybody in the container can read of us, and are the caller's.
        Process.wipeArguments(leaving: name)
        guard let arrivals = try? signals.descriptor() else { Process.exit(125) }
        var begun = child.begun?.reader ?? -1
        while true {
            var entries = [PollEntry(arrivals.raw, .readable), PollEntry(begun, .readable)]
            guard (try? entries.wait()) != nil else { Process.exit(125) }
            if !entries[1].ready.isEmpty {
                close(begun)
                begun = -1
                // It executes, or has ended before it could. Only in the latter case may we still choose its group (`setpgid(2)`, EACCES).
                if setpgid(pid, pid) == 0 { try? child.channel.send(.unexecuted) }
                // The parent outside learns of the program's start by the end of this socket.
                close(channel)
            }
            while let report = try? Signal.next(from: arrivals.raw) {
                if report.signal == .child {
                    if let end = Process.reapAll(until: pid) { Process.exit(end.exitCode) }
                } else {
                    kill(pid, report.signal.rawValue)
                }
            }
        }
    }
}
