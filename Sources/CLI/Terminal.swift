// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The screen on standard output.
package enum Terminal {
    /// Columns to lay text out in: the terminal's, else `COLUMNS`, else 80.
    package static var width: Int {
        if let size = FileDescriptor.windowSize(of: STDOUT_FILENO), size.columns > 0 { return Int(size.columns) }
        if let text = getenv("COLUMNS"), let columns = Int(String(cString: text)), (1...10_000).contains(columns) { return columns }
        return 80
    }

    /// Its lines; 24 where standard output is none.
    package static var height: Int {
        guard let size = FileDescriptor.windowSize(of: STDOUT_FILENO), size.rows > 0 else { return 24 }
        return Int(size.rows)
    }
}
