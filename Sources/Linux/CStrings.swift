// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A null-terminated array of C strings, as `execve(2)` wants it, made before a clone and alive until the process ends.
package struct CStrings: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    package let count: Int

    package init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[strings.count] = nil
    }
}
