// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The screen on standard output.
package enum Terminal {
    /// Columns to lay text out in: the terminal's (`TIOCGWINSZ`), else `COLUMNS`, else 80.
    package static var width: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), (1...10_000).contains(columns) { return columns }
        return 80
    }

    /// Its lines; 24 where standard output is none.
    package static var height: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return 24 }
        return Int(size.ws_row)
    }
}
