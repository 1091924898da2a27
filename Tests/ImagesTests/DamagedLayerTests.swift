// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import OCI
import Testing

@testable import Images

/// Layers that lie about their size, or end too early, or never.
@Suite struct DamagedLayerTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test func aHeaderOfAGigabyteIsRefusedAtOnce() throws {
        for type in ["x", "g", "L", "K"] as [Character] {
            var tar = Tar()
            tar.header("big", type: type, size: 1 << 30)
            tar.data([UInt8](repeating: 0x61, count: 1 << 20))
            _ = try scratch.refuse(tar.bytes)
        }
    }

    @Test func headersWithoutEndAreRefused() throws {
        for type in ["x", "g", "L"] as [Character] {
            var tar = Tar()
            for _ in 0..<20_000 { tar.header("h", type: type, size: 0) }
            tar.file("file")
            _ = try scratch.refuse(tar.closed)
        }
    }

    @Test func aSparseMapWithoutEndIsRefused() throws {
        var tar = Tar()
        tar.pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "hole"), ("GNU.sparse.realsize", "100")])
        let map = Array("100000000000\n".utf8) + (0..<2_000_000).flatMap { _ in [0x30, 0x0a, 0x30, 0x0a] as [UInt8] }
        tar.header("hole", type: "0", size: map.count)
        tar.data(map)
        _ = try scratch.refuse(tar.closed)
    }

    @Test func aSparseFileKeepsItsHoles() throws {
        var tar = Tar()
        tar.pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "hole"), ("GNU.sparse.realsize", "1048576")])
        var map = Array("2\n4096\n4\n1048576\n0\n".utf8)
        map += [UInt8](repeating: 0, count: 512 - map.count)
        tar.header("hole", type: "0", size: map.count + 4)
        tar.data(map + Array("data".utf8))
        let image = try scratch.add(tar.closed)
        let bytes = try File.read(image.tree + "/hole")
        #expect(bytes.count == 1 << 20)
        #expect(Array(bytes[4096..<4100]) == Array("data".utf8))
        #expect(bytes.reduce(0) { $0 + Int($1) } == "data".utf8.reduce(0) { $0 + Int($1) })
    }

    @Test func aFileThatFailsToTellItsHolesIsNotTakenForOne() throws {
        let path = scratch.path + "/hole"
        let file = try FileDescriptor(opening: path, [.readWrite, .create], mode: 0o600)
        try file.setSize(8 << 20)
        // Every look into it fails.
        let contents = try TarContents(FileDescriptor(opening: path, [.path]), file.status(), tellsHoles: true)
        var header = TarHeader("hole".utf8, .regular, mode: 0o644)
        #expect(contents.tell(&header).isEmpty)
        #expect(header.size == 8 << 20 && header.sparse == nil)
        var buffer = [UInt8](repeating: 1, count: 4096)
        #expect(throws: SystemError.self) { try buffer.withUnsafeMutableBytes { try contents.next(into: $0) } }
    }

    @Test func sizesBeyondReasonAreRefused() throws {
        let negative: [UInt8] = [UInt8](repeating: 0xff, count: 12)
        let exbibytes: [UInt8] = [0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]
        for field in [negative, exbibytes] {
            var tar = Tar()
            tar.header("file", type: "0", sizeField: field)
            _ = try scratch.refuse(tar.closed)
        }
        var tar = Tar()
        tar.pax([
            ("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "hole"),
            ("GNU.sparse.realsize", "4611686018427387904"),
        ])
        tar.header("hole", type: "0", size: 512)
        tar.data(Array("1\n4611686018427387900\n0\n".utf8))
        _ = try scratch.refuse(tar.closed)
    }

    @Test func sizesWhoseSumNoNumberHoldsAreRefused() throws {
        for record in ["size", "GNU.sparse.size"] {
            let message = try scratch.refuse { tar in
                tar.file("first")
                tar.pax([(record, "\(Int64.max - 1)"), ("GNU.sparse.numblocks", "0")])
                tar.header("second", type: "0")
            }
            #expect(message.contains("larger than"), "\(record): \(message)")
        }
    }

    @Test func aBombIsRefusedByItsSizeAndByItsRatio() throws {
        var tar = Tar()
        tar.file("zeros", String(repeating: "\0", count: 4 << 20))
        try scratch.write("bomb", "")
        let file = try FileDescriptor(opening: scratch.path + "/bomb.tar", [.writeOnly, .create], mode: 0o600)
        try file.write(tar.closed)
        #expect(run("gzip \(scratch.path)/bomb.tar && rm \(scratch.path)/bomb").code == 0)
        let bomb = try File.read(scratch.path + "/bomb.tar.gz")
        unlink(scratch.path + "/bomb.tar.gz")

        var budget = Budget()
        budget.ratioGrace = 1 << 20
        budget.ratio = 100
        #expect(try scratch.refuse(bomb, budget: budget).contains("bomb"))
        budget = Budget()
        budget.bytes = 1 << 20
        #expect(try scratch.refuse(bomb, budget: budget).contains("larger than"))
        #expect(try scratch.refuse(tar.closed, budget: budget).contains("larger than"))
        budget = Budget()
        budget.entries = 2
        tar.file("second")
        tar.file("third")
        #expect(try scratch.refuse(tar.closed, budget: budget).contains("more than 2 entries"))
        #expect(try scratch.add(bomb).text("zeros").utf8.count == 4 << 20)
    }

    @Test func pathsBeyondTheKernelsAreRefused() throws {
        for path in [String(repeating: "a/", count: 3000), String(repeating: "n", count: 256), String(repeating: "p/", count: 600_000)] {
            _ = try scratch.refuse { tar in
                tar.pax([("path", path + "f")])
                tar.file("x")
            }
        }
        let image = try scratch.add { tar in
            tar.pax([("path", String(repeating: "a/", count: 1000) + "f")])
            tar.file("x", "deep")
        }
        #expect(try image.text(String(repeating: "a/", count: 1000) + "f") == "deep")
    }

    @Test func ownersThatAreNoUserIdsAreRefused() throws {
        for owner in ["4294967295", "4294967296", "99999999999999999999", "-1"] {
            do {
                let image = try scratch.add { tar in
                    tar.pax([("uid", owner)])
                    tar.file("file")
                }
                #expect(try image.status("file").owner != .max)
            } catch is ImageError {}
        }
    }

    @Test func anArchiveCutAnywhereLeavesNothing() throws {
        var tar = Tar()
        tar.directory("folder")
        tar.file("folder/file", String(repeating: "x", count: 3000))
        tar.pax([("path", "long")])
        tar.file("x", String(repeating: "y", count: 600))
        for length in [100, 511, 700, 1100, 2000, 4500, 4700, 5200, 5800] {
            _ = try scratch.refuse(Array(tar.bytes.prefix(length)))
        }
    }

    @Test func whatIsNoTarIsRefused() throws {
        for bytes: [UInt8] in [[], [0], Array("hello\n".utf8), [UInt8](repeating: 0xff, count: 4096), [0x1f, 0x8b, 8, 0, 0, 0]] {
            _ = try scratch.refuse(bytes)
        }
        var tar = Tar()
        tar.file("file")
        var bytes = tar.closed
        bytes[3] ^= 0xff
        _ = try scratch.refuse(bytes)
        tar.file("second")
        bytes = tar.closed
        bytes[1027] ^= 0xff
        #expect(try scratch.refuse(bytes).contains("Damaged"))
    }

    @Test func bytesInDisorderNeverTrap() throws {
        var tar = Tar()
        tar.directory("folder")
        tar.pax([("path", "folder/f"), ("size", "4"), ("mtime", "1.5"), ("SCHILY.xattr.user.a", "b")])
        tar.file("x")
        tar.symlink("link", to: "folder")
        tar.hardLink("hard", to: "folder/f")
        var state: UInt64 = 42
        for _ in 0..<300 {
            var bytes = tar.closed
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let offset = Int(state >> 33) % bytes.count
                bytes[offset] = UInt8(truncatingIfNeeded: state >> 20)
                // A right checksum lets the damage through to what is behind it.
                let block = offset & ~511
                for index in 148..<156 { bytes[block + index] = 0x20 }
                let sum = String(bytes[block..<block + 512].reduce(0) { $0 + Int($1) }, radix: 8)
                for (index, digit) in (String(repeating: "0", count: 6 - sum.count) + sum + "\0").utf8.enumerated() {
                    bytes[block + 148 + index] = digit
                }
            }
            do { try scratch.add(bytes) } catch is ImageError {}
        }
        try scratch.expectUnharmed()
    }

    @Test func archivesOfImagesAreRefusedWithAdvice() throws {
        let hex = String(repeating: "ab", count: 32)
        #expect(
            try scratch.refuse { tar in
                tar.file("\(hex).tar")
                tar.file("manifest.json", "[]")
            }.contains("docker-archive"))
        #expect(
            try scratch.refuse { tar in
                tar.file("manifest.json", "[]")
                tar.file("\(hex)/layer.tar")
            }.contains("docker-archive"))
        #expect(
            try scratch.refuse { tar in
                tar.file("index.json", "{}")
                tar.file("oci-layout", "{}")
            }.contains("oci-archive"))
    }
}
