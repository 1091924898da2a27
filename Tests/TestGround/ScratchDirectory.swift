// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux

/// A directory in `/tmp` that is a test's own and goes with it.
package final class ScratchDirectory {
    package let path: String

    /// - Parameter name: what its name begins with.
    package init(_ name: String) throws { path = try Self.make(name) }

    deinit {
        do { try Directory.removeAll(path) } catch { print("left behind: \(path)") }
    }

    /// Makes one that its user removes.
    package static func make(_ name: String) throws -> String {
        var template = Array("/tmp/\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError(call: "mkdtemp", subject: name, errno: errno) }
        return String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    package func open() throws -> FileDescriptor { try FileDescriptor(opening: path, .directory) }
}
