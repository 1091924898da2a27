// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The log of one container in docker's `json-file` format: one object a line, bounded in size and number of files.
/// `log` is the newest, `log.1` the one before it, and so on.
final class LogFile {
    private let directory: Place
    private let maxSize: Int64
    private let maxFiles: Int
    private var file: FileDescriptor?
    private var size: Int64 = 0

    /// - Parameter directory: the container's; kept open by whoever logs.
    init(in directory: Place, _ options: Record.Log) throws(SystemError) {
        self.directory = directory
        maxSize = options.maxSize
        maxFiles = options.maxFiles
        try open()
    }

    private func open() throws(SystemError) {
        let file = try FileDescriptor(opening: "log", at: directory, [.readWrite, .create, .append, .noFollow], mode: 0o640)
        size = try file.status().size
        var last = UInt8(ascii: "\n")
        if size > 0, pread(file.raw, &last, 1, off_t(size - 1)) == 1, last != UInt8(ascii: "\n") {
            // A writer was killed in the middle of a line: what follows must not become a part of it.
            try file.write([UInt8(ascii: "\n")])
            size += 1
        }
        self.file = consume file
    }

    /// Takes whole lines. A disk that is full must not stop the container: what cannot be written is lost, and the next line tried again.
    fileprivate func write(_ lines: [UInt8]) {
        if maxSize > 0, size > 0, size + Int64(lines.count) > maxSize { rotate() }
        guard let file = file.take() else { return }
        if (try? file.write(lines)) != nil {
            size += Int64(lines.count)
        } else {
            // Whole lines or none: the one that comes after must not be joined to half of another.
            ftruncate(file.raw, off_t(size))
        }
        self.file = consume file
    }

    private func rotate() {
        // The oldest goes first: a name that a rename takes from another file makes ext4 write the renamed one to the disk at once
        // (`auto_da_alloc`), which cost more than all else. Of what nobody keeps, most then never gets there.
        unlinkat(directory.raw, Self.name(max(0, maxFiles - 1)), 0)
        for number in stride(from: maxFiles - 1, to: 0, by: -1) {
            renameat(directory.raw, Self.name(number - 1), directory.raw, Self.name(number))
        }
        // A reader that follows sees the old file end and finds the new one by its name.
        try? open()
    }

    /// That of the newest is without a number.
    static func name(_ number: Int) -> String { number == 0 ? "log" : "log.\(number)" }

    /// One stream's way into the log: puts lines together from the pieces in which they arrive.
    final class Channel {
        private let log: LogFile
        private let name: StaticString
        private var partial: [UInt8] = []
        /// Whole lines on their way to the file.
        private var lines: [UInt8] = []

        /// docker's: a line that is longer is written in pieces without a line break.
        private static let limit = 16384

        init(_ log: LogFile, _ name: StaticString) {
            self.log = log
            self.name = name
        }

        func append(_ bytes: [UInt8]) {
            let end = lineEnd()
            bytes.withUnsafeBufferPointer { buffer in
                var rest = buffer[...]
                while !rest.isEmpty {
                    let line = Self.firstLine(of: rest.prefix(Self.limit - partial.count))
                    rest = rest[line.endIndex...]
                    guard line.last == UInt8(ascii: "\n") || partial.count + line.count == Self.limit else {
                        partial += line
                        continue
                    }
                    if partial.isEmpty {
                        put(UnsafeBufferPointer(rebasing: line), end)
                    } else {
                        partial += line
                        partial.withUnsafeBufferPointer { put($0, end) }
                        partial.removeAll(keepingCapacity: true)
                    }
                }
            }
            write()
        }

        /// With its line break, or all of it where there is none.
        private static func firstLine(of bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Slice<UnsafeBufferPointer<UInt8>> {
            let buffer = UnsafeBufferPointer(rebasing: bytes)
            guard let start = buffer.baseAddress, let end = memchr(start, CInt(UInt8(ascii: "\n")), buffer.count) else { return bytes }
            return bytes.prefix(UnsafeRawPointer(end) - UnsafeRawPointer(start) + 1)
        }

        func flush() {
            guard !partial.isEmpty else { return }
            let end = lineEnd()
            partial.withUnsafeBufferPointer { put($0, end) }
            partial.removeAll(keepingCapacity: true)
            write()
        }

        private func lineEnd() -> [UInt8] { Array("\",\"stream\":\"\(name)\",\"time\":\"\(Timestamp.now)\"}\n".utf8) }

        private func put(_ line: UnsafeBufferPointer<UInt8>, _ end: [UInt8]) {
            lines += "{\"log\":\"".utf8
            LogFile.escape(line, into: &lines)
            lines += end
            // Short lines grow more than tenfold: written in parts, so that a file's bound is kept.
            if lines.count >= Self.limit { write() }
        }

        private func write() {
            if lines.isEmpty { return }
            log.write(lines)
            lines.removeAll(keepingCapacity: true)
        }
    }

    /// Makes a JSON string of bytes that may be anything; what is not UTF-8 becomes U+FFFD, as docker has it.
    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, into text: inout [UInt8]) {
        if bytes.reduce(0, |) < 0x80 { return escapeCharacters(bytes, into: &text) }
        Array(String(decoding: bytes, as: UTF8.self).utf8).withUnsafeBufferPointer { escapeCharacters($0, into: &text) }
    }

    private static func escapeCharacters(_ bytes: UnsafeBufferPointer<UInt8>, into text: inout [UInt8]) {
        var rest = bytes[...]
        while true {
            let plain = rest.prefix { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
            text += plain
            rest = rest[plain.endIndex...]
            guard let byte = rest.popFirst() else { return }
            text.append(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\n"): text.append(UInt8(ascii: "n"))
            case UInt8(ascii: "\r"): text.append(UInt8(ascii: "r"))
            case UInt8(ascii: "\t"): text.append(UInt8(ascii: "t"))
            case 0..<0x20:
                text += "u00".utf8
                text.append(UInt8(ascii: "0") + byte >> 4)
                text.append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") - 10 + byte & 15)
            default: text.append(byte)
            }
        }
    }
}
