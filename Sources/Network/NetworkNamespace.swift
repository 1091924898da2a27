// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// The network namespace of a container, seen from outside.
package struct NetworkNamespace: ~Copyable {
    package let descriptor: FileDescriptor

    package init(of pid: Int32) throws(SystemError) {
        descriptor = try FileDescriptor(namespace: .network, at: "/proc/\(pid)/ns/net")
    }

    /// Goes in with this thread, which is our only one, and comes back. Where the way back is barred this process ends: nothing it did from
    /// then on would happen where it should.
    private func visit<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(SystemError) -> Result {
        let home = try FileDescriptor(namespace: .network, at: "/proc/self/ns/net")
        try descriptor.join(.network)
        defer { do throws(SystemError) { try home.join(.network) } catch { Process.exit(125) } }
        return try body()
    }

    /// Opens a conversation about what is in there, and on the way sets kernel parameters, which are always those of the namespace
    /// one is in.
    package func netlink(setting parameters: [KernelParameter] = []) throws(SystemError) -> Netlink {
        try visit { () throws(SystemError) in
            for parameter in parameters { try parameter.set() }
            return try Netlink()
        }
    }
}

/// A file below `/proc/sys/net` and what is to be in it.
package struct KernelParameter: Equatable, Sendable {
    let file: String
    let value: String
    /// Somebody wants it: that this kernel lacks it, as all of IPv6 may be missing, is not passed over.
    let isAsked: Bool

    package init(_ file: String, _ value: String, isAsked: Bool = false) {
        self.file = file
        self.value = value
        self.isAsked = isAsked
    }

    package func set() throws(SystemError) {
        do throws(SystemError) { try File.writeKernel("/proc/sys/net/\(file)", value) } catch  where error.errno == ENOENT && !isAsked {}
    }
}
