// SPDX-License-Identifier: Apache-2.0
import Glibc
import Images
import Linux
import OCI
import TestGround
import Testing

/// A folder of a test's own: a store's root inside, and beside it files that nobody may touch.
final class Scratch {
    private let directory: ScratchDirectory
    var path: String { directory.path }
    var root: String { path + "/root" }
    var images: String { root + "/images" }

    init() throws {
        directory = try ScratchDirectory("minictl-images")
        try write("canary", "alive")
        try Directory.make(path + "/victim")
        try Place.current.setPermissions(of: path + "/victim", 0o750)
    }

    func store() throws -> ImageStore { try Self.store(at: root) }

    /// A store that does not wait for the disk.
    static func store(at root: String) throws -> ImageStore {
        var store = try ImageStore(root: root)
        store.isDurable = false
        return store
    }

    func write(_ name: String, _ text: String) throws {
        let directory = try FileDescriptor(opening: path, .directory)
        try File.replace(name, at: directory.place, with: Array(text.utf8))
    }

    /// Imports bytes as an archive.
    @discardableResult
    func add(_ bytes: [UInt8], as name: String = "test", budget: Budget = Budget()) throws -> Image {
        let file = try FileDescriptor(opening: path, [.temporary, .readWrite], mode: 0o600)
        try file.write(bytes)
        lseek(file.raw, 0, SEEK_SET)
        var store = try store()
        store.budget = budget
        return try store.importRootFileSystem(from: file, as: Reference(name))
    }

    func add(_ build: (inout Tar) -> Void) throws -> Image {
        var tar = Tar()
        build(&tar)
        return try add(tar.closed)
    }

    /// A failed import: the error, after it is clear that nothing came of it.
    func refuse(_ bytes: [UInt8], budget: Budget = Budget()) throws -> String {
        var message = ""
        do {
            try add(bytes, budget: budget)
            Issue.record("the archive was accepted")
        } catch { message = "\(error)" }
        try expectUnharmed()
        #expect(try names("root/images/blobs/sha256").isEmpty)
        #expect(try names("root/images/unpacked/sha256").isEmpty)
        #expect(try names("root/images/unpacked") == ["sha256"])
        return message
    }

    func refuse(_ build: (inout Tar) -> Void) throws -> String {
        var tar = Tar()
        build(&tar)
        return try refuse(tar.closed)
    }

    /// What lies outside the store is as it was.
    func expectUnharmed() throws {
        #expect(try text("canary") == "alive")
        #expect(try names("victim").isEmpty)
        #expect(try FileStatus(of: path + "/victim").permissions == 0o750)
        #expect(try names("") == ["canary", "root", "victim"])
    }

    func names(_ folder: String) throws -> [String] {
        try FileDescriptor(opening: path + "/" + folder, .directory).entries().map(\.name).sorted()
    }

    func text(_ name: String) throws -> String {
        String(decoding: try File.read(path + "/" + name), as: UTF8.self)
    }
}

extension Image {
    /// The only layer's tree.
    var tree: String { layerPaths.first ?? "" }

    func text(_ path: String) throws -> String { String(decoding: try File.read(tree + "/" + path), as: UTF8.self) }
    func status(_ path: String) throws -> FileStatus { try FileStatus(of: tree + "/" + path) }
    func attribute(_ name: String, of path: String) throws -> String? {
        try FileDescriptor(opening: tree + "/" + path, .noFollow).attribute(name).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// What a shell command prints, and its exit code.
func run(_ command: String) -> (output: String, code: CInt) {
    guard let pipe = popen(command + " 2>&1", "r") else { return ("", -1) }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output += buffer[..<count]
    }
    return (String(decoding: output, as: UTF8.self), pclose(pipe) >> 8)
}
