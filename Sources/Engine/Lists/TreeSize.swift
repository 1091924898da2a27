// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// Adds up the sizes of the files in trees that somebody may be changing meanwhile.
struct TreeSize {
    private struct File: Hashable {
        let device: UInt
        let inode: UInt
    }

    private(set) var bytes: Int64 = 0
    private(set) var files = 0
    /// Files with several names, which count once.
    private var linked: Set<File> = []

    /// A descriptor is held for each level, so that `..` is never trusted; what lies deeper is left out.
    private static let depth = 256

    /// Adds what is below a directory. Missing is nothing.
    mutating func add(_ path: String, at place: Place = .current) throws(SystemError) {
        do throws(SystemError) {
            try add(FileDescriptor(opening: path, at: place, [.directory, .noFollow]), level: 0)
        } catch  where error.errno == ENOENT || error.errno == ENOTDIR {}
    }

    private mutating func add(_ directory: borrowing FileDescriptor, level: Int) throws(SystemError) {
        var below: [[CChar]] = []
        var found: [FileStatus] = []
        let place = directory.place
        try directory.forEachEntry { name, _ in
            guard let status = try? place.status(of: name) else { return }
            if status.kind == .directory {
                below.append(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
            } else {
                found.append(status)
            }
        }
        for status in found {
            files += 1
            if status.links > 1, !linked.insert(File(device: UInt(status.device), inode: UInt(status.inode))).inserted { continue }
            bytes.add(size: status.size)
        }
        guard level < Self.depth else { return }
        for name in below {
            let opened = name.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.flatMap { try? place.open($0, [.directory, .noFollow]).release() }
            }
            guard let opened else { continue }
            try add(FileDescriptor(owning: opened), level: level + 1)
        }
    }
}

extension Home {
    /// What a container wrote, and with the image below it, in bytes.
    package func size(of record: Record) -> (own: Int64, all: Int64) {
        var own = TreeSize()
        // A tree that cannot be read counts for what could.
        try? own.add("\(record.id)/upper", at: containers.place)
        var image = TreeSize()
        for layer in record.layers ?? [] where ContainerID.isHexadecimal(layer) {
            try? image.add("\(path)/images/unpacked/sha256/\(layer)")
        }
        var all = own.bytes
        all.add(size: image.bytes)
        return (own.bytes, all)
    }
}
