// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

extension FileDescriptor {
    /// The next stretch of a file that somebody has written, from that offset on; nil where nothing but a hole follows. Files are made to
    /// look large at no cost. A file system that keeps no holes has it all in one stretch. The corresponding calls are `lseek(2)` with
    /// `SEEK_DATA` and `SEEK_HOLE`.
    package func extent(from offset: Int64) throws(SystemError) -> Range<Int64>? {
        let start = lseek(raw, off_t(offset), CInt(linux_seek_data))
        guard start >= 0 else {
            guard errno == ENXIO else { throw SystemError(call: "lseek", errno: errno) }
            return nil
        }
        let end = try check("lseek") { lseek(raw, start, CInt(linux_seek_hole)) }
        // Cut off in between by somebody else.
        return end > start ? Int64(start)..<Int64(end) : nil
    }

    /// Reads into a buffer from that offset on, and gives back how many bytes there were. The corresponding call is `pread(2)`.
    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemError) -> Int {
        try check("pread") { pread(raw, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// Leaves a hole of that many bytes where it stands, in place of zeros that would be written there; the caller writes something behind it.
    /// False for what is no file, and where something is already that would show through.
    package func leaveHole(_ count: Int64) throws(SystemError) -> Bool {
        let status = try status()
        let flags = try check("fcntl") { fcntl(raw, F_GETFL) }
        guard status.kind == .regular, flags & O_APPEND == 0 else { return false }
        guard try check("lseek", "", { lseek(raw, 0, SEEK_CUR) }) >= status.size else { return false }
        return lseek(raw, off_t(count), SEEK_CUR) >= 0
    }
}
