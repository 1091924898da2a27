// SPDX-License-Identifier: Apache-2.0
import JSON
package import Linux
package import OCI

extension SeccompFilter {
    /// Raised when the same profile compiles to something else.
    private static let format: UInt32 = 1

    /// The filter of a profile that a short `key` describes completely; `profile` is asked for only if it is not stored yet.
    /// `key` is a file name, such as `default-1-0-x86_64`.
    package init(
        key: String, storedIn directory: Place, otherwise profile: () -> Spec.Seccomp
    ) throws(SeccompFilterError) {
        try self.init(key: Array(key.utf8), name: key + ".bpf", directory, profile)
    }

    /// The filter of any profile. What is stored carries the whole profile and is compared with it, so that no two can be mistaken.
    package init(_ profile: Spec.Seccomp, storedIn directory: Place) throws(SeccompFilterError) {
        guard let key = try? JSONEncoder().encode(profile) else {
            try self.init(compiling: profile)
            return
        }
        let name = "profile-" + String(Self.checksum(key[...]), radix: 16) + ".bpf"
        try self.init(key: key, name: name, directory) { profile }
    }

    private init(
        key: [UInt8], name: String, _ directory: Place, _ profile: () -> Spec.Seccomp
    ) throws(SeccompFilterError) {
        if let bytes = try? File.read(name, at: directory, limit: 2 << 20), let stored = SeccompFilter(stored: bytes, key: key) {
            self = stored
            return
        }
        try self.init(compiling: profile())
        // The store only saves time: one that is full or read-only is no reason to fail. Who finds it locked lets the other write.
        if let place = try? FileDescriptor(opening: ".", at: directory, .directory),
            let locked = try? place.lock(exclusive: true, wait: false), locked
        {
            try? File.replace(name, at: directory, with: stored(key: key))
        }
    }
}

// MARK: - the file

extension SeccompFilter {
    /// Five words (format, libseccomp's version, flags, key's length, program's length), the key, the program, and their checksum.
    func stored(key: [UInt8]) -> [UInt8] {
        let program = self.program.bytes
        var bytes: [UInt8] = []
        bytes.reserveCapacity(28 + key.count + program.count)
        for word in [Self.format, SeccompArchitecture.tableVersion, flags.rawValue, UInt32(key.count), UInt32(program.count)] {
            withUnsafeBytes(of: word) { bytes.append(contentsOf: $0) }
        }
        bytes += key
        bytes += program
        withUnsafeBytes(of: Self.checksum(bytes[...])) { bytes.append(contentsOf: $0) }
        return bytes
    }

    /// Nil unless it was stored whole, for this key, by a version that would compile the same.
    init?(stored bytes: [UInt8], key: [UInt8]) {
        guard bytes.count > 28 else { return nil }
        func word(_ index: Int) -> UInt32 { bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self) } }
        let end = bytes.count - 8
        let keyEnd = 20 + Int(word(3))
        guard word(0) == Self.format, word(1) == SeccompArchitecture.tableVersion, keyEnd <= end, keyEnd + Int(word(4)) == end,
            bytes[20..<keyEnd].elementsEqual(key),
            bytes.withUnsafeBytes({ $0.loadUnaligned(fromByteOffset: end, as: UInt64.self) }) == Self.checksum(bytes[..<end]),
            let program = SeccompProgram(bytes: bytes[keyEnd..<end])
        else { return nil }
        self.init(program: program, flags: SeccompFlags(rawValue: word(2)))
    }

    /// For damage alone: the directory belongs to who runs containers.
    private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.withUnsafeBytes { UInt64(fnv1a: $0) } }
}
