// SPDX-License-Identifier: Apache-2.0

/// Puts lines together from the pieces in which they are read.
struct LineSplitter {
    private var partial: [UInt8] = []

    /// Those that are whole with these bytes, without their breaks.
    mutating func add(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(partial + bytes[start..<end])
            partial.removeAll(keepingCapacity: true)
            start = end + 1
        }
        partial += bytes[start...]
        return lines
    }
}
