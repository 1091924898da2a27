// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A null-terminated array of C strings, as `execve(2)` wants it, made before a clone and alive until `deallocate` or the end of
/// the process.
package struct CStrings: @unchecked Sendable {
    package let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    package let count: Int

    package init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[strings.count] = nil
    }

    /// For whoever lives on and makes others.
    package func deallocate() {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
