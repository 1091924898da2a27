// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A terminal as a person would sit at: the program has the one end, the test the other.
final class PseudoTerminal {
    let master: CInt
    let path: String
    private(set) var bytes: [UInt8] = []
    /// Held, so that the terminal and its settings outlive the program.
    private let other: CInt

    init(rows: UInt16 = 33, columns: UInt16 = 99) throws {
        let pair = try FileDescriptor(opening: "/dev/ptmx", [.readWrite, .noControllingTerminal])
        try pair.unlockTerminal()
        path = "/dev/pts/\(try pair.terminalNumber())"
        master = pair.release()
        other = open(path, O_RDWR | O_NOCTTY)
        _ = fcntl(master, F_SETFL, O_NONBLOCK)
        for raw in [master, other] { _ = fcntl(raw, F_SETFD, FD_CLOEXEC) }
        setSize(rows, columns)
    }

    deinit {
        close(other)
        close(master)
    }

    var text: String {
        String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).joined(separator: "\n")
    }

    func setSize(_ rows: UInt16, _ columns: UInt16) {
        try? FileDescriptor.setWindowSize(of: master, WindowSize(rows: rows, columns: columns))
    }

    func type(_ text: String) { _ = text.withCString { write(master, $0, strlen($0)) } }

    @discardableResult
    func wait(for word: String, seconds: Int = 8) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !text.contains(word), ContinuousClock.now < deadline { read() }
        return text.contains(word)
    }

    func read() {
        var entry = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, 10)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(master, &buffer, buffer.count)
        if count > 0 { bytes += buffer[..<count] }
    }

    /// The terminal's settings, to see whether they are as they were.
    var settings: [UInt32] {
        var settings = termios()
        tcgetattr(other, &settings)
        return [settings.c_iflag, settings.c_oflag, settings.c_cflag, settings.c_lflag]
    }
}
