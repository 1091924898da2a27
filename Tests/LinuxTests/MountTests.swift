// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import Testing

@Suite struct MountTests {
    @Test func `option words set, clear, and undo each other`() {
        var options = MountOptions(["ro", "nosuid", "noatime"])
        #expect(options.set == [.readOnly, .noSetID, .noAccessTime] && options.data.isEmpty)
        options = MountOptions(["ro", "rw", "rnodev", "rslave"])
        #expect(options.set == [] && options.clear == [.readOnly] && options.recursiveSet == [.noDevices])
        #expect(options.propagation == .slave && options.propagatesRecursively)
    }

    @Test func `a word that is not the runtime's is left for the file system, with its value`() {
        let options = MountOptions(["size=65536k", "newinstance", "ro"])
        #expect(options.data.map(\.key) == ["size", "newinstance"] && options.data.map(\.value) == ["65536k", nil])
    }

    @Test(arguments: ["nofail", "_netdev", "x-systemd.automount"])
    func `words for user space are known to libmount`(_ word: String) { #expect(MountOptions.isForUserSpace(word)) }

    @Test(arguments: ["loop", "offset=4096", "sync", "nonsense", ""])
    func `words that change what is mounted are not`(_ word: String) { #expect(!MountOptions.isForUserSpace(word)) }

    @Test func `the mount table says where a path lies`() {
        guard let table = MountTable() else {
            Issue.record("libmount reads no mount table")
            return
        }
        let proc = table.mount(of: "/proc/self/status")
        let nothing = table.mount(of: "/no/such/path")
        #expect(proc?.point == "/proc" && proc?.type == "proc" && nothing == nil)
    }

    @Test(.enabled(if: geteuid() == 0)) func `a directory without devices shows them, and opens none`() throws {
        let devices = try FileDescriptor(opening: "/dev", [.path, .directory]).withoutDevices()
        #expect(try devices.place.status(of: "null")?.kind == .character)
        #expect(throws: SystemError(call: "open", subject: "null", errno: EACCES)) { _ = try devices.place.open("null").release() }
    }
}
