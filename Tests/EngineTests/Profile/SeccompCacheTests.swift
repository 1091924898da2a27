// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import Linux
import OCI
import TestGround
import Testing

@testable import Runtime

private func withScratch(_ body: (borrowing FileDescriptor, String) throws -> Void) throws {
    let scratch = try ScratchDirectory("minictl-seccomp")
    try body(scratch.open(), scratch.path)
}

private let profile = DefaultSeccomp(capabilities: [])

@Suite struct SeccompCacheTests {
    @Test("A stored filter is the compiled one, and the profile is not asked for again")
    func hit() throws {
        try withScratch { directory, path in
            let compiled = try SeccompFilter(compiling: profile.profile)
            var asked = 0
            for _ in 0..<3 {
                let filter = try SeccompFilter(key: profile.cacheKey, storedIn: directory.place) {
                    asked += 1
                    return profile.profile
                }
                #expect(filter.program.bytes == compiled.program.bytes)
                #expect(filter.flags == compiled.flags)
            }
            #expect(asked == 1)
            #expect(try FileStatus(of: "\(path)/\(profile.cacheKey).bpf").permissions == 0o600)
            #expect(try directory.entries().count == 1)
        }
    }

    @Test("Damage of any byte, truncation and another key mean compiling again")
    func damage() throws {
        let filter = try SeccompFilter(compiling: profile.profile)
        let key = Array("key".utf8)
        let stored = filter.stored(key: key)
        #expect(SeccompFilter(stored: stored, key: key)?.program.bytes == filter.program.bytes)
        #expect(SeccompFilter(stored: stored, key: Array("kez".utf8)) == nil)
        for index in stored.indices {
            var damaged = stored
            damaged[index] ^= 0x40
            if SeccompFilter(stored: damaged, key: key) != nil { Issue.record("byte \(index) is not checked") }
        }
        for length in [0, 1, 20, 28, 29, stored.count - 1] { #expect(SeccompFilter(stored: Array(stored[..<length]), key: key) == nil) }
    }

    @Test("A damaged file is replaced; a link in its place is not followed")
    func repair() throws {
        try withScratch { directory, path in
            let file = "\(path)/k.bpf"
            try File.replace("k.bpf", at: directory.place, with: [1, 2, 3])
            _ = try SeccompFilter(key: "k", storedIn: directory.place) { profile.profile }
            #expect(try FileStatus(of: file).size > 100)
            unlink(file)
            try File.replace("target", at: directory.place, with: [7])
            #expect(symlink("target", file) == 0)
            _ = try SeccompFilter(key: "k", storedIn: directory.place) { profile.profile }
            #expect(try File.read("\(path)/target") == [7])
            #expect(try FileStatus(of: file).kind == .regular)
        }
    }

    @Test("A profile of anybody's is stored under its contents")
    func contents() throws {
        try withScratch { directory, _ in
            let first = Spec.Seccomp(defaultAction: .allow, syscalls: [.init(names: ["getpid"], action: .errno)])
            let second = Spec.Seccomp(defaultAction: .allow, flags: [.log], syscalls: [.init(names: ["getppid"], action: .errno)])
            for _ in 0..<2 {
                for one in [first, second] {
                    let filter = try SeccompFilter(one, storedIn: directory.place)
                    let compiled = try SeccompFilter(compiling: one)
                    #expect(filter.program.bytes == compiled.program.bytes)
                    #expect(filter.flags == compiled.flags)
                }
            }
            #expect(try directory.entries().count == 2)
        }
    }

    @Test("Where nothing can be stored the filter is compiled all the same")
    func unwritable() throws {
        let nowhere = try FileDescriptor(opening: "/proc/self", .directory)
        #expect(try !SeccompFilter(key: "k", storedIn: nowhere.place) { profile.profile }.program.bytes.isEmpty)
    }
}
