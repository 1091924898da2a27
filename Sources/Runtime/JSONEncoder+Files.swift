// SPDX-License-Identifier: Apache-2.0
import Glibc
package import JSON
package import Linux

extension JSONEncoder {
    /// The text of a value for a file or a socket. What JSON cannot say is the error `EINVAL`, and never an empty file.
    package func bytes(of value: some JSONCoded, for name: String) throws(SystemError) -> [UInt8] {
        do throws(JSONError) {
            return try encode(value)
        } catch {
            throw SystemError(call: "write", subject: "\(name): \(error)", errno: EINVAL)
        }
    }
}
