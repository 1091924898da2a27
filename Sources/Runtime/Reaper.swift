// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A first process that does what a first process must (`--init`): passes signals on, and takes the status of every orphan.
/// It is this very program after a fork, with the container's own rights, filter and limits.
enum Reaper {
    /// Splits in two: returns in the child, which becomes the program. The parent stays, and ends as the program ends.
    static func split(closing channel: CInt) throws(SystemError) {
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
        Process.setName("minictl-init")
        setpgid(pid, pid)
        // The parent outside learns of the program's start by the end of this socket: ours must not keep it open.
        close(channel)
        for raw in CInt(0)...2 { close(raw) }
        // Both lie in memory that everybody in the container can read of us, and are the caller's.
        Process.wipeArguments()
        guard let arrivals = try? signals.descriptor() else { Process.exit(125) }
        while true {
            var entries = [PollEntry(arrivals.raw, .readable)]
            guard (try? entries.wait()) != nil else { Process.exit(125) }
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
