// SPDX-License-Identifier: Apache-2.0

extension UInt64 {
    /// FNV-1a of these bytes: tells names apart and finds damage, not malice.
    package init(fnv1a bytes: UnsafeRawBufferPointer) {
        self = 0xCBF2_9CE4_8422_2325
        for byte in bytes { self = (self ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
}
