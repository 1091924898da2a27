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
        for number in stride(from: maxFiles - 1, to: 0, by: -1) {
            renameat(directory.raw, number == 1 ? "log" : "log.\(number - 1)", directory.raw, "log.\(number)")
        }
        if maxFiles <= 1 { unlinkat(directory.raw, "log", 0) }
        // A reader that follows sees the old file end and finds the new one by its name.
        try? open()
    }

    /// One stream's way into the log: puts lines together from the pieces in which they arrive.
    final class Channel {
        private let log: LogFile
        private let name: StaticString
        private var partial: [UInt8] = []

        /// docker's: a line that is longer is written in pieces without a line break.
        private static let limit = 16384

        init(_ log: LogFile, _ name: StaticString) {
            self.log = log
            self.name = name
        }

        func append(_ bytes: [UInt8]) {
            let time = Timestamp.now.description
            var lines: [UInt8] = []
            for byte in bytes {
                partial.append(byte)
                if byte == UInt8(ascii: "\n") || partial.count >= Self.limit { finish(&lines, time) }
                // Short lines grow more than tenfold: written in parts, so that a file's bound is kept.
                if lines.count >= Self.limit {
                    log.write(lines)
                    lines.removeAll(keepingCapacity: true)
                }
            }
            if !lines.isEmpty { log.write(lines) }
        }

        func flush() {
            guard !partial.isEmpty else { return }
            var lines: [UInt8] = []
            finish(&lines, Timestamp.now.description)
            log.write(lines)
        }

        private func finish(_ lines: inout [UInt8], _ time: String) {
            lines += "{\"log\":\"".utf8
            LogFile.escape(partial, into: &lines)
            lines += "\",\"stream\":\"".utf8
            lines += name.description.utf8
            lines += "\",\"time\":\"".utf8
            lines += time.utf8
            lines += "\"}\n".utf8
            partial.removeAll(keepingCapacity: true)
        }
    }

    /// Makes a JSON string of bytes that may be anything; what is not UTF-8 becomes U+FFFD, as docker has it.
    private static func escape(_ bytes: [UInt8], into text: inout [UInt8]) {
        let isPlain = bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        let repaired = isPlain ? bytes : Array(String(decoding: bytes, as: UTF8.self).utf8)
        for byte in repaired {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): text += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): text += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case UInt8(ascii: "\t"): text += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                text += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: text.append(byte)
            }
        }
    }
}
