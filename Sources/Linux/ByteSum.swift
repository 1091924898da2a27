// SPDX-License-Identifier: Apache-2.0

extension Int64 {
    /// Adds a size that a stranger chose: sparse files and manifests may claim more than there is. The sum, of bytes, stops at 64 PiB, and
    /// a hundred times that is still a number.
    package mutating func add(size: Int64) {
        let most: Int64 = 1 << 56
        self = Swift.min(most, Swift.min(self, most) + Swift.min(Swift.max(0, size), most))
    }
}
