// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A loaded program of type `BPF_PROG_TYPE_CGROUP_DEVICE` (Linux 4.15), which cgroup v2 asks about every use of a device node.
package struct DeviceFilter: ~Copyable {
    package let program: FileDescriptor

    private init(_ program: consuming FileDescriptor) { self.program = program }

    package init(loading instructions: [BPFInstruction]) throws(SystemError) {
        // BPF_PROG_TYPE_CGROUP_DEVICE
        program = try BPFAttributes.load(instructions, type: 15)
    }

    /// Makes it the one filter of a cgroup's own. Filters of the cgroups above go on counting: all must agree.
    ///
    /// A filter already there is replaced at once (Linux 5.6), so that at no moment everything or nothing is allowed.
    package func attach(to cgroup: borrowing FileDescriptor) throws(SystemError) {
        let old = try DeviceFilter.attached(to: cgroup)
        var attach = DeviceFilter.change(cgroup, program)
        if old.count == 1, let id = old.first {
            let previous = try BPFAttributes.program(id)
            attach.set(UInt32(2 | 4), at: 12)  // BPF_F_ALLOW_MULTI | BPF_F_REPLACE
            attach.set(UInt32(bitPattern: previous.raw), at: 16)
            _ = try attach.call(8, "BPF_PROG_ATTACH")
            return
        }
        attach.set(UInt32(2), at: 12)  // BPF_F_ALLOW_MULTI
        _ = try attach.call(8, "BPF_PROG_ATTACH")
        for id in old {
            let previous = try BPFAttributes.program(id)
            var detach = DeviceFilter.change(cgroup, previous)
            _ = try detach.call(9, "BPF_PROG_DETACH")
        }
    }

    /// The ids of the filters attached to this very cgroup. The corresponding call is `bpf(BPF_PROG_QUERY)`.
    package static func attached(to cgroup: borrowing FileDescriptor) throws(SystemError) -> [UInt32] {
        var ids = [UInt32](repeating: 0, count: 64)  // the kernel's own limit
        let place = cgroup.raw
        let result = ids.withUnsafeMutableBufferPointer { ids in
            Result { () throws(SystemError) in
                var query = BPFAttributes()
                query.set(UInt32(bitPattern: place), at: 0)
                query.set(UInt32(6), at: 4)  // BPF_CGROUP_DEVICE
                query.set(UInt64(UInt(bitPattern: ids.baseAddress)), at: 16)
                query.set(UInt32(ids.count), at: 24)
                _ = try query.call(16, "BPF_PROG_QUERY")
                return min(Int(query.get(at: 24)), ids.count)
            }
        }
        return Array(ids.prefix(try result.get()))
    }

    private static func change(_ cgroup: borrowing FileDescriptor, _ program: borrowing FileDescriptor) -> BPFAttributes {
        var attributes = BPFAttributes()
        attributes.set(UInt32(bitPattern: cgroup.raw), at: 0)
        attributes.set(UInt32(bitPattern: program.raw), at: 4)
        attributes.set(UInt32(6), at: 8)  // BPF_CGROUP_DEVICE
        return attributes
    }
}
