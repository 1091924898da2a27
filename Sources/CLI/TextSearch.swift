// SPDX-License-Identifier: Apache-2.0
import Glibc

extension String {
    /// Whether `part` occurs in it, byte for byte, up to a NUL. The corresponding call is `strstr(3)`.
    package func holds(_ part: String) -> Bool { strstr(self, part) != nil }
}
