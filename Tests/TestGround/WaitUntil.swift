// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Waits for what is to happen soon. False if it has not by then.
package func waitUntil(seconds: Int = 5, _ condition: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<(seconds * 100) {
        if try condition() { return true }
        usleep(10000)
    }
    return try condition()
}
