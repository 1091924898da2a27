// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What goes to a hook and comes from it while it runs.
struct HookTalk: ~Copyable {
    private var writer: FileDescriptor?
    private let reader: FileDescriptor
    private var state: ArraySlice<UInt8>
    private var output: [UInt8] = []
    private var isReading = true

    init(writer: consuming FileDescriptor, reader: consuming FileDescriptor, state: [UInt8]) {
        self.writer = consume writer
        self.reader = reader
        self.state = state[...]
    }

    /// False if it has not ended by then. One that does not read what it is told is within its rights, and must not keep us from looking
    /// at the clock; nor must one that has left somebody behind who keeps its output open.
    mutating func attend(_ hook: borrowing ProcessHandle, until deadline: Int64?) throws(SystemError) -> Bool {
        if let raw = writer?.raw { try FileDescriptor.setNonBlocking(raw) }
        try FileDescriptor.setNonBlocking(reader.raw)
        while true {
            var entries = [
                PollEntry(hook.descriptor.raw, .readable), PollEntry(isReading ? reader.raw : -1, .readable),
                PollEntry(writer?.raw ?? -1, .writable),
            ]
            let rest = deadline.map { CInt(clamping: max(0, $0 &- MonotonicClock.milliseconds)) }
            guard try entries.wait(milliseconds: rest ?? -1) else { return false }
            if !entries[1].ready.isEmpty { read() }
            if !entries[2].ready.isEmpty { write() }
            guard entries[0].ready.isEmpty else {
                read()
                return true
            }
        }
    }

    /// Takes what is there; the last of it is kept.
    private mutating func read() {
        while let bytes = try? reader.read(atMost: 4096) {
            isReading = !bytes.isEmpty
            output = Array((output + bytes).suffix(512))
            if bytes.count < 4096 { return }
        }
    }

    /// Once all is written the writer is closed: that is the end of its input.
    private mutating func write() {
        guard let raw = writer?.raw else { return }
        let count = state.withUnsafeBytes { Glibc.write(raw, $0.baseAddress, $0.count) }
        if count > 0 { state = state.dropFirst(count) } else if errno == EAGAIN || errno == EINTR { return } else { state = [] }
        if state.isEmpty { writer = nil }
    }

    /// What it said, on one line of printable characters.
    var said: String {
        let text = output.map { (0x20...0x7e).contains($0) ? $0 : UInt8(ascii: " ") }
        let words = text.split(separator: UInt8(ascii: " "))
        return words.isEmpty ? "" : ": " + words.map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }
}
