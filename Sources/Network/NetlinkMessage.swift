// SPDX-License-Identifier: Apache-2.0
import CNetlink
import Glibc
import Linux

/// A request to the kernel, as libnl-route wrote it.
struct NetlinkMessage {
    private let body: [UInt8]
    private let call: StaticString
    private let subject: String

    /// - Parameters:
    ///   - call: the request's name, for errors: `RTM_NEWLINK`.
    ///   - subject: what it is about.
    ///   - build: makes a `nl_msg`, or gives back a negative number.
    init(_ call: StaticString, _ subject: String, _ build: (UnsafeMutablePointer<OpaquePointer?>) -> CInt) throws(SystemError) {
        self.call = call
        self.subject = subject
        var message: OpaquePointer?
        // libnl's reasons are its own; what can go wrong here is memory, or values that do not fit together.
        guard build(&message) >= 0, let message, let header = nlmsg_hdr(message) else {
            throw SystemError(call: "\(call)", subject: subject, errno: EINVAL)
        }
        defer { nlmsg_free(message) }
        body = Array(UnsafeRawBufferPointer(start: header, count: Int(header.pointee.nlmsg_len)))
    }

    /// A request of a fixed part alone, or with one name behind it.
    init(_ call: StaticString, _ subject: String, type: CInt, fixed: [UInt8], name: (attribute: Int, text: String)? = nil)
        throws(SystemError)
    {
        try self.init(call, subject) { message in
            guard let raw = nlmsg_alloc_simple(type, 0) else { return -1 }
            message.pointee = raw
            var fixed = fixed
            let result = nlmsg_append(raw, &fixed, fixed.count, 4)
            guard result >= 0, let name else { return result }
            return nla_put_string(raw, CInt(name.attribute), name.text)
        }
    }

    /// A request about a link, by its number or by an attribute.
    init(
        _ call: StaticString, _ subject: String, type: CInt, family: UInt32 = 0, index: Int32 = 0, attributes: (OpaquePointer) -> CInt
    ) throws(SystemError) {
        try self.init(call, subject) { message in
            guard let raw = nlmsg_alloc_simple(type, 0) else { return -1 }
            message.pointee = raw
            // struct ifinfomsg: family, pad, type, index, flags, change.
            var fixed: [UInt32] = [family, UInt32(bitPattern: index), 0, 0]
            let result = nlmsg_append(raw, &fixed, 16, 4)
            return result < 0 ? result : attributes(raw)
        }
    }

    /// The message with its number and further flags.
    func bytes(_ sequence: UInt32, _ flags: UInt16) -> [UInt8] {
        var bytes = body
        bytes.withUnsafeMutableBytes { raw in
            raw.storeBytes(of: raw.loadUnaligned(fromByteOffset: 6, as: UInt16.self) | flags, toByteOffset: 6, as: UInt16.self)
            raw.storeBytes(of: sequence, toByteOffset: 8, as: UInt32.self)
            // The kernel knows who sends; libnl would have put a port of its own here.
            raw.storeBytes(of: 0, toByteOffset: 12, as: UInt32.self)
        }
        while bytes.count % 4 != 0 { bytes.append(0) }
        return bytes
    }

    func error(_ code: CInt) -> SystemError { SystemError(call: "\(call)", subject: subject, errno: code) }
}
