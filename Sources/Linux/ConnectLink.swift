// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A program of type `BPF_PROG_TYPE_CGROUP_SOCK_ADDR` which the kernel asks at each `connect(2)` over IPv4 of a process in a cgroup, or below it.
///
/// It counts as long as anybody has the link's descriptor open (`BPF_LINK_CREATE`, Linux 5.7), so nothing of it outlives its processes,
/// however they end. A cgroup has room for 64 (`E2BIG`).
package struct ConnectLink: ~Copyable {
    package let descriptor: FileDescriptor
    /// The kernel's number for it, which no other gets until the machine is started again.
    package let id: UInt32

    /// - Parameter name: by which it is known again: at most 15 letters, digits, dots and underscores.
    package init(_ instructions: [BPFInstruction], name: String, at cgroup: borrowing FileDescriptor) throws(SystemError) {
        // BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT
        let program = try BPFAttributes.load(instructions, type: 18, attachType: Self.attachType, name: name)
        var create = BPFAttributes()
        create.set(UInt32(bitPattern: program.raw), at: 0)
        create.set(UInt32(bitPattern: cgroup.raw), at: 4)
        create.set(Self.attachType, at: 8)
        let link = FileDescriptor(owning: try create.call(28, "BPF_LINK_CREATE"))
        // struct bpf_link_info: type, id, program's id.
        id = Self.word(4, of: try BPFAttributes.information(of: link))
        descriptor = link
    }

    /// How many such programs a cgroup has of its own, whoever they are from. The corresponding call is `bpf(BPF_PROG_QUERY)`.
    package static func count(at cgroup: borrowing FileDescriptor) throws(SystemError) -> UInt32 {
        var query = BPFAttributes()
        query.set(UInt32(bitPattern: cgroup.raw), at: 0)
        query.set(attachType, at: 4)
        _ = try query.call(16, "BPF_PROG_QUERY")
        return query.get(at: 24)
    }

    /// Gives its descriptor up: the caller closes it, which ends it.
    package consuming func release() -> CInt { descriptor.release() }

    private static let attachType: UInt32 = 10

    /// Ends one for good, whoever has it open (Linux 5.9). One that is gone, or whose program has another name, is none of ours;
    /// nor is there any where the machine was started again without bpf(2).
    package static func detach(_ id: UInt32, named name: String) throws(SystemError) {
        do throws(SystemError) {
            var lookUp = BPFAttributes()
            lookUp.set(id, at: 0)
            let link = FileDescriptor(owning: try lookUp.call(30, "BPF_LINK_GET_FD_BY_ID"))
            let program = try BPFAttributes.program(word(8, of: try BPFAttributes.information(of: link)))
            // struct bpf_prog_info: the name is the last of the first 80 bytes.
            let found = try BPFAttributes.information(of: program)[64..<80].prefix { $0 != 0 }
            guard found.elementsEqual(name.utf8.prefix(15)) else { return }
            var detach = BPFAttributes()
            detach.set(UInt32(bitPattern: link.raw), at: 0)
            _ = try detach.call(34, "BPF_LINK_DETACH")
        } catch  where error.errno == ENOENT || error.errno == ENOSYS {}
    }

    private static func word(_ offset: Int, of bytes: [UInt8]) -> UInt32 {
        bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
    }
}
