// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// `union bpf_attr` as bytes: its anonymous members have no names in Swift, but their offsets are ABI.
struct BPFAttributes {
    private var words: [UInt64] = Array(repeating: 0, count: 9)

    mutating func set<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
        words.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: offset, as: Value.self) }
    }

    func get(at offset: Int) -> UInt32 { words.withUnsafeBytes { $0.load(fromByteOffset: offset, as: UInt32.self) } }

    mutating func call(_ command: CInt, _ name: String) throws(SystemError) -> CInt {
        let result = words.withUnsafeMutableBytes { bytes in
            Result { () throws(SystemError) in
                try check("bpf", name) { linux_bpf(command, bytes.baseAddress, UInt32(bytes.count)) }
            }
        }
        return CInt(truncatingIfNeeded: try result.get())
    }

    /// Loads a program that the kernel has checked. The corresponding call is `bpf(BPF_PROG_LOAD)`.
    /// - Parameters:
    ///   - name: at most 15 letters, digits, dots and underscores.
    ///   - attachType: what it is to be attached as, where the type alone does not say.
    static func load(
        _ instructions: [BPFInstruction], type: UInt32, attachType: UInt32 = 0, name: String = ""
    ) throws(SystemError) -> FileDescriptor {
        let license: StaticString = "Apache-2.0"
        let result = instructions.map(\.encoded).withUnsafeBufferPointer { code in
            Result { () throws(SystemError) in
                var load = BPFAttributes()
                load.set(type, at: 0)
                load.set(UInt32(clamping: code.count), at: 4)
                load.set(UInt64(UInt(bitPattern: code.baseAddress)), at: 8)
                load.set(UInt64(UInt(bitPattern: license.utf8Start)), at: 16)
                for (index, byte) in name.utf8.prefix(15).enumerated() { load.set(byte, at: 48 + index) }
                load.set(attachType, at: 68)
                return try load.call(5, "BPF_PROG_LOAD")
            }
        }
        return FileDescriptor(owning: try result.get())
    }

    static func program(_ id: UInt32) throws(SystemError) -> FileDescriptor {
        var lookUp = BPFAttributes()
        lookUp.set(id, at: 0)
        return FileDescriptor(owning: try lookUp.call(13, "BPF_PROG_GET_FD_BY_ID"))
    }

    /// What the kernel says of an object, the first 80 bytes of it: `struct bpf_prog_info` or `bpf_link_info`.
    static func information(of object: borrowing FileDescriptor) throws(SystemError) -> [UInt8] {
        let raw = object.raw
        var bytes = [UInt8](repeating: 0, count: 80)
        let result = bytes.withUnsafeMutableBytes { buffer in
            Result { () throws(SystemError) in
                var ask = BPFAttributes()
                ask.set(UInt32(bitPattern: raw), at: 0)
                ask.set(UInt32(clamping: buffer.count), at: 4)
                ask.set(UInt64(UInt(bitPattern: buffer.baseAddress)), at: 8)
                return try ask.call(15, "BPF_OBJ_GET_INFO_BY_FD")
            }
        }
        _ = try result.get()
        return bytes
    }
}
