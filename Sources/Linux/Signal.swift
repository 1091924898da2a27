// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A signal by number, with the words of `signal(7)`.
package struct Signal: RawRepresentable, Sendable, Equatable, Hashable {
    package let rawValue: CInt
    package init(rawValue: CInt) { self.rawValue = rawValue }

    package static let hangup = Signal(rawValue: SIGHUP)
    package static let interrupt = Signal(rawValue: SIGINT)
    package static let quit = Signal(rawValue: SIGQUIT)
    package static let kill = Signal(rawValue: SIGKILL)
    package static let terminate = Signal(rawValue: SIGTERM)
    package static let child = Signal(rawValue: SIGCHLD)
    package static let windowChange = Signal(rawValue: SIGWINCH)
    package static let pipe = Signal(rawValue: SIGPIPE)
    package static let stop = Signal(rawValue: SIGSTOP)
    package static let badSystemCall = Signal(rawValue: SIGSYS)
    package static let segmentationFault = Signal(rawValue: SIGSEGV)
    package static let `continue` = Signal(rawValue: SIGCONT)

    private static let names: [(StaticString, CInt)] = [
        ("HUP", SIGHUP), ("INT", SIGINT), ("QUIT", SIGQUIT), ("ILL", SIGILL), ("TRAP", SIGTRAP), ("ABRT", SIGABRT), ("BUS", SIGBUS),
        ("FPE", SIGFPE), ("KILL", SIGKILL), ("USR1", SIGUSR1), ("SEGV", SIGSEGV), ("USR2", SIGUSR2), ("PIPE", SIGPIPE),
        ("ALRM", SIGALRM), ("TERM", SIGTERM), ("STKFLT", 16), ("CHLD", SIGCHLD), ("CONT", SIGCONT), ("STOP", SIGSTOP),
        ("TSTP", SIGTSTP), ("TTIN", SIGTTIN), ("TTOU", SIGTTOU), ("URG", SIGURG), ("XCPU", SIGXCPU), ("XFSZ", SIGXFSZ),
        ("VTALRM", SIGVTALRM), ("PROF", SIGPROF), ("WINCH", SIGWINCH), ("IO", SIGIO), ("PWR", SIGPWR), ("SYS", SIGSYS),
        ("CLD", SIGCHLD), ("IOT", SIGABRT), ("POLL", SIGIO),
    ]

    /// The first and last signal of `signal(7)`'s real-time range as glibc numbers it.
    private static let realTime: (first: CInt, last: CInt) = (linux_sigrtmin(), linux_sigrtmax())

    /// Reads `9`, `KILL`, `SIGKILL`, `sigkill`, `RTMIN+3`, `RTMAX-1`. Nil for anything else.
    package init?(_ word: String) {
        if let number = CInt(word) {
            guard (1...64).contains(number) else { return nil }
            rawValue = number
            return
        }
        var name = word.uppercased()
        if name.hasPrefix("SIG") { name.removeFirst(3) }
        if let entry = Self.names.first(where: { $0.0.description == name }) {
            rawValue = entry.1
            return
        }
        for (base, start) in [("RTMIN", Self.realTime.first), ("RTMAX", Self.realTime.last)] where name.hasPrefix(base) {
            let offset = name.dropFirst(base.count)
            guard let delta = offset.isEmpty ? 0 : CInt(offset), abs(Int(delta)) <= 32,
                (Self.realTime.first...Self.realTime.last).contains(start + delta)
            else { return nil }
            rawValue = start + delta
            return
        }
        return nil
    }
}

extension Signal: CustomStringConvertible {
    /// `SIGTERM`; a real-time signal as `SIGRTMIN+n`.
    package var description: String {
        if let entry = Self.names.first(where: { $0.1 == rawValue }) { return "SIG\(entry.0)" }
        if rawValue >= Self.realTime.first, rawValue <= Self.realTime.last { return "SIGRTMIN+\(rawValue - Self.realTime.first)" }
        return "signal \(rawValue)"
    }
}

/// A set of signals. The corresponding calls are `sigprocmask(2)` and `signalfd(2)`.
package struct SignalSet: Sendable {
    var raw = sigset_t()

    package init(_ signals: [Signal]) {
        sigemptyset(&raw)
        for signal in signals { sigaddset(&raw, signal.rawValue) }
    }

    package static var all: SignalSet {
        var set = SignalSet([])
        sigfillset(&set.raw)
        return set
    }

    package func block() throws(SystemError) {
        var set = raw
        try check("sigprocmask") { sigprocmask(SIG_BLOCK, &set, nil) }
    }

    /// A descriptor that reads as each of these signals arrives; they must be blocked.
    package func descriptor() throws(SystemError) -> FileDescriptor {
        var set = raw
        return FileDescriptor(owning: try check("signalfd") { signalfd(-1, &set, CInt(SFD_CLOEXEC | SFD_NONBLOCK)) })
    }

    /// Gives a program a clean start: every handler at its default, nothing blocked. exec keeps what is ignored and blocked.
    package static func reset() throws(SystemError) {
        for number in CInt(1)...64 where number != SIGKILL && number != SIGSTOP {
            signal(number, SIG_DFL)  // the two that glibc keeps for itself refuse, rightly
        }
        var none = SignalSet([]).raw
        try check("sigprocmask") { sigprocmask(SIG_SETMASK, &none, nil) }
    }
}

/// A signal as `signalfd(2)` reports it.
package struct SignalReport: Sendable {
    package let signal: Signal
    /// Its number in our pid namespace; 0 if it has none.
    package let sender: Int32
    /// True if a process sent it, false if the kernel did (as a terminal does on ^C).
    package let fromProcess: Bool
}

extension Signal {
    /// The next signal of a signal descriptor; nil when there is none now.
    package static func next(from raw: CInt) throws(SystemError) -> SignalReport? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        do throws(SystemError) {
            guard try check("read", "signalfd", { read(raw, &info, size) }) == size else { return nil }
        } catch  where error.errno == EAGAIN {
            return nil
        }
        return SignalReport(
            signal: Signal(rawValue: CInt(info.ssi_signo)), sender: Int32(bitPattern: info.ssi_pid), fromProcess: info.ssi_code <= 0)
    }
}
