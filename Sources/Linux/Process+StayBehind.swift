// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How a process of ours stays when its caller goes, and holds nothing of the caller's.
extension Process {
    /// For a process that stays when its caller goes: it leaves the caller's session and directory, what a terminal sends is not for it, and
    /// what it cannot write, for want of a reader or for a caller's limit on the size of files, does not end it.
    package static func stayBehind(as name: StaticString, ignoring signals: [CInt] = [SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ]) {
        setName(name)
        setsid()
        chdir("/")
        for signal in signals { Glibc.signal(signal, SIG_IGN) }
    }

    /// Connects the first three descriptors to `/dev/null`: nothing of a caller's is held any more.
    package static func letGoOfStreams() {
        guard let null = try? FileDescriptor(opening: "/dev/null", [.readWrite]) else { return }
        for target in CInt(0)...2 { dup2(null.raw, target) }
    }
}

extension FileDescriptor {
    /// What whoever started this program had open beyond the first three; to be asked for the first time before anything of ours is open.
    package static let inherited: [CInt] = {
        // Since Linux 6.2 the directory's size is the number of what is open, and here that is nearly always these three.
        if let open = try? FileStatus(of: "/proc/self/fd"), open.size == 3, (CInt(0)...2).allSatisfy({ fcntl($0, F_GETFD) >= 0 }) {
            return []
        }
        guard let list = try? FileDescriptor(opening: "/proc/self/fd", .directory), let entries = try? list.entries() else { return [] }
        return entries.compactMap { CInt($0.name) }.filter { $0 > 2 && $0 != list.raw }
    }()

    /// Closes those: for a process that stays behind, lest it hold a caller's lock or the end of a pipe that somebody reads.
    package static func closeInherited() { for raw in inherited { close(raw) } }
}
