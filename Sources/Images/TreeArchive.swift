// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// The tar of gathered files: sorted, owned by root, and for the same files always the same bytes.
final class TreeArchive: ByteSource {
    private let files: [(path: String, file: ImageFile)]
    private var index = 0
    /// The host file that is being copied, with what is still to come of it and its padding.
    private var source: FileDescriptor?
    private var isCopying = false
    private var sourcePath = ""
    /// By path in the image.
    private var copied: [String: (mode: mode_t, modified: Int64)] = [:]
    private var remaining: Int64 = 0
    private var padding = 0
    /// A header, or a whole text, and how much of it is out.
    private var pending: [UInt8] = []
    private var emitted = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
    private var isFinished = false

    init(_ files: [String: ImageFile]) {
        self.files = Self.ordered(files)
    }

    deinit { buffer.deallocate() }

    /// Bytes of file contents, for the line that says what is going on.
    var size: Int64 {
        files.reduce(0) { sum, item in
            switch item.file {
            case .copy(_, _, let size, _): sum + size
            case .text(let bytes, _): sum + Int64(bytes.count)
            default: sum
            }
        }
    }

    /// By path; of the names of one file, the first is the file and the others link to it.
    private static func ordered(_ files: [String: ImageFile]) -> [(path: String, file: ImageFile)] {
        let sorted = files.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        var firstNames: [String: String] = [:]
        return sorted.map { path, file in
            let original: String
            switch file {
            case .copy: original = path
            case .hardLink(let target): original = target
            default: return (path, file)
            }
            if let first = firstNames[original] { return (path, .hardLink(to: first)) }
            firstNames[original] = path
            return (path, files[original] ?? file)
        }
    }

    func next() throws(ImageError) -> UnsafeRawBufferPointer {
        if emitted < pending.count { return emit() }
        if isCopying { return try copy() }
        guard index < files.count else {
            // Two empty blocks end a tar.
            defer { isFinished = true }
            if isFinished { return UnsafeRawBufferPointer(start: nil, count: 0) }
            pending = [UInt8](repeating: 0, count: 1024)
            emitted = 0
            return emit()
        }
        let (path, file) = files[index]
        index += 1
        pending = try start(file, at: String(path.dropFirst()))
        emitted = 0
        return emit()
    }

    private func emit() -> UnsafeRawBufferPointer {
        let count = min(pending.count - emitted, buffer.count)
        buffer.copyBytes(from: pending[emitted..<emitted + count])
        emitted += count
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }

    private func start(_ file: ImageFile, at path: String) throws(ImageError) -> [UInt8] {
        switch file {
        case .directory(let mode): return TarHeader((path + "/").utf8, .directory, mode: mode).bytes
        case .link(let target):
            var header = TarHeader(path.utf8, .symlink, mode: 0o777)
            header.target = Array(target.utf8)
            return header.bytes
        case .hardLink(let target):
            // Whoever unpacks may give the file what its link's header says: docker does.
            let first = copied[target]
            var header = TarHeader(path.utf8, .hardLink, mode: first?.mode ?? 0o644)
            header.target = Array(target.utf8.dropFirst())
            header.modified = first?.modified ?? 0
            return header.bytes
        case .text(let bytes, let mode):
            var header = TarHeader(path.utf8, .regular, mode: mode)
            header.size = Int64(bytes.count)
            return header.bytes + bytes + [UInt8](repeating: 0, count: TarHeader.padding(after: header.size))
        case .copy(let host, let mode, let size, let modified):
            source = try attempt { () throws(SystemError) in try FileDescriptor(opening: host, .nonBlocking) }
            isCopying = true
            sourcePath = host
            remaining = size
            padding = TarHeader.padding(after: size)
            var header = TarHeader(path.utf8, .regular, mode: mode)
            header.size = size
            header.modified = modified
            copied["/" + path] = (mode, modified)
            return header.bytes
        }
    }

    private func copy() throws(ImageError) -> UnsafeRawBufferPointer {
        // The last piece takes the padding along, so it must leave room for it.
        let wanted = Int(min(remaining, Int64(buffer.count - 512)))
        let raw = source?.raw ?? -1
        var count = 0
        if wanted > 0 {
            count = try attempt { () throws(SystemError) in try check("read") { read(raw, buffer.baseAddress, wanted) } }
            guard count > 0 else { throw .invalid(sourcePath, why: "became shorter while it was copied") }
        }
        remaining -= Int64(count)
        if remaining == 0 {
            for offset in 0..<padding { buffer[count + offset] = 0 }
            count += padding
            source = nil
            isCopying = false
            // An empty piece would be the end: an empty file has nothing after its header.
            if count == 0 { return try next() }
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}
