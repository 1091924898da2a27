// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// The size of a terminal in characters.
package struct WindowSize: Sendable, Equatable {
    package let rows: UInt16
    package let columns: UInt16

    package init(rows: UInt16, columns: UInt16) {
        self.rows = rows
        self.columns = columns
    }
}

extension FileDescriptor {
    /// The size of the terminal behind a descriptor number; nil if it is none. The corresponding call is `ioctl(TIOCGWINSZ)`.
    package static func windowSize(of raw: CInt) -> WindowSize? {
        var size = winsize()
        guard linux_ioctl_pointer(raw, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        return WindowSize(rows: size.ws_row, columns: size.ws_col)
    }

    package static func isTerminal(_ raw: CInt) -> Bool { isatty(raw) == 1 }

    /// Sets the size and has the terminal's foreground group told by `SIGWINCH`.
    package func setWindowSize(_ size: WindowSize) throws(SystemError) { try Self.setWindowSize(of: raw, size) }

    package static func setWindowSize(of terminal: CInt, _ size: WindowSize) throws(SystemError) {
        var raw = winsize(ws_row: size.rows, ws_col: size.columns, ws_xpixel: 0, ws_ypixel: 0)
        try check("ioctl", "TIOCSWINSZ") { linux_ioctl_pointer(terminal, UInt(TIOCSWINSZ), &raw) }
    }

    /// Makes this terminal the controlling one of the calling session leader.
    package func becomeControllingTerminal() throws(SystemError) {
        try check("ioctl", "TIOCSCTTY") { linux_ioctl(raw, UInt(TIOCSCTTY), 0) }
    }

    /// Opens the other side of this pty master without any path. The corresponding call is `ioctl(TIOCGPTPEER)`, Linux 4.13.
    package func terminalPeer() throws(SystemError) -> FileDescriptor {
        FileDescriptor(
            owning: try check("ioctl", "TIOCGPTPEER") { linux_ioctl(raw, UInt(linux_tiocgptpeer), UInt(O_RDWR | O_NOCTTY | O_CLOEXEC)) })
    }

    /// Lets the other side of this pty master be opened. The corresponding call is `ioctl(TIOCSPTLCK)`.
    package func unlockTerminal() throws(SystemError) {
        var lock: CInt = 0
        try check("ioctl", "TIOCSPTLCK") { linux_ioctl_pointer(raw, UInt(linux_tiocsptlck), &lock) }
    }

    /// The number of the pty whose master this is, as in `/dev/pts/N`.
    package func terminalNumber() throws(SystemError) -> CInt {
        var number: CInt = 0
        try check("ioctl", "TIOCGPTN") { linux_ioctl_pointer(raw, UInt(linux_tiocgptn), &number) }
        return number
    }

    /// Stops this terminal from writing a carriage return before each newline. The corresponding call is `tcsetattr(3)`.
    package func keepNewlines() throws(SystemError) {
        var mode = termios()
        try check("tcgetattr") { tcgetattr(raw, &mode) }
        mode.c_oflag &= ~tcflag_t(ONLCR)
        try check("tcsetattr") { tcsetattr(raw, TCSANOW, &mode) }
    }

    package func setNonBlocking(_ on: Bool) throws(SystemError) {
        try Self.setNonBlocking(raw, on)
    }
}

/// A terminal in raw mode for as long as this value lives, or the process does: a crash restores it too.
package struct RawMode: ~Copyable {
    private let raw: CInt
    private var saved = termios()

    /// Nil if the descriptor is no terminal. The corresponding calls are `tcgetattr(3)` and `cfmakeraw(3)`.
    package init?(_ raw: CInt) {
        self.raw = raw
        guard tcgetattr(raw, &saved) == 0 else { return nil }
        Rescue.arm(raw, saved)
        set()
    }

    /// Raw again, after the process was stopped and continued.
    package func set() {
        var mode = saved
        cfmakeraw(&mode)
        tcsetattr(raw, TCSADRAIN, &mode)
    }

    deinit {
        var mode = saved
        tcsetattr(raw, TCSADRAIN, &mode)
        Rescue.disarm()
    }
}

/// Gives the terminal back when this process dies of a fault. What the handler needs lies in memory that was there before: it may not
/// run Swift that allocates.
private struct Rescue: @unchecked Sendable {
    private static let shared = Rescue()
    private let terminal = UnsafeMutablePointer<CInt>.allocate(capacity: 1)
    private let mode = UnsafeMutablePointer<termios>.allocate(capacity: 1)

    static func arm(_ raw: CInt, _ saved: termios) {
        shared.mode.initialize(to: saved)
        shared.terminal.initialize(to: raw)
        for fault in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV] {
            signal(fault) { number in
                if Rescue.shared.terminal.pointee >= 0 { tcsetattr(Rescue.shared.terminal.pointee, TCSANOW, Rescue.shared.mode) }
                signal(number, SIG_DFL)
                raise(number)
            }
        }
    }

    static func disarm() { shared.terminal.pointee = -1 }
}
