// SPDX-License-Identifier: Apache-2.0

/// SHA-256 of a stream (FIPS 180-4), block by block.
package struct SHA256 {
    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19
    )
    /// What is left of the stream until it fills a block.
    private var rest: [UInt8] = []
    private var length: UInt64 = 0

    private static var block: Int { 64 }

    package init() {}

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var bytes = bytes[...]
        length &+= UInt64(bytes.count)
        if !rest.isEmpty {
            let missing = bytes.prefix(Self.block - rest.count)
            rest.append(contentsOf: missing)
            bytes = bytes.dropFirst(missing.count)
            guard rest.count == Self.block else { return }
            let full = rest
            full.withUnsafeBytes { compress($0) }
            rest.removeAll(keepingCapacity: true)
        }
        let whole = bytes.prefix(bytes.count & ~(Self.block - 1))
        compress(UnsafeRawBufferPointer(rebasing: whole))
        rest.append(contentsOf: bytes.dropFirst(whole.count))
    }

    /// The digest of all that was given; nothing may follow.
    package mutating func finalize() -> Digest {
        let bits = length &* 8
        var padding: [UInt8] = [0x80]
        padding.append(contentsOf: repeatElement(0, count: (Self.block * 2 - 9 - rest.count) % Self.block))
        for shift in stride(from: UInt64(56), through: 0, by: -8) { padding.append(UInt8(truncatingIfNeeded: bits >> shift)) }
        update(padding)
        let (a, b, c, d, e, f, g, h) = state
        return Digest(sha256: [a, b, c, d, e, f, g, h])
    }

    /// The digest of `bytes`.
    package static func digest(of bytes: [UInt8]) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalize()
    }
}

// MARK: - the compression function

extension SHA256 {
    /// Mixes whole blocks into the state. Eight rounds are written out so that the eight variables need not be moved.
    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
            var offset = 0
            while offset < blocks.count {
                schedule(blocks, offset, w)
                var (a, b, c, d, e, f, g, h) = state
                var i = 0
                while i < 64 {
                    round(a, b, c, &d, e, f, g, &h, w[i] &+ constants[i])
                    round(h, a, b, &c, d, e, f, &g, w[i &+ 1] &+ constants[i &+ 1])
                    round(g, h, a, &b, c, d, e, &f, w[i &+ 2] &+ constants[i &+ 2])
                    round(f, g, h, &a, b, c, d, &e, w[i &+ 3] &+ constants[i &+ 3])
                    round(e, f, g, &h, a, b, c, &d, w[i &+ 4] &+ constants[i &+ 4])
                    round(d, e, f, &g, h, a, b, &c, w[i &+ 5] &+ constants[i &+ 5])
                    round(c, d, e, &f, g, h, a, &b, w[i &+ 6] &+ constants[i &+ 6])
                    round(b, c, d, &e, f, g, h, &a, w[i &+ 7] &+ constants[i &+ 7])
                    i &+= 8
                }
                state.0 &+= a
                state.1 &+= b
                state.2 &+= c
                state.3 &+= d
                state.4 &+= e
                state.5 &+= f
                state.6 &+= g
                state.7 &+= h
                offset &+= Self.block
            }
        }
    }
}

/// The sixty-four words a block is stretched to.
@inline(__always)
private func schedule(_ blocks: UnsafeRawBufferPointer, _ offset: Int, _ w: UnsafeMutableBufferPointer<UInt32>) {
    var i = 0
    while i < 16 {
        w[i] = UInt32(bigEndian: blocks.loadUnaligned(fromByteOffset: offset &+ i &* 4, as: UInt32.self))
        i &+= 1
    }
    while i < 64 {
        let x = w[i &- 15]
        let y = w[i &- 2]
        let s0 = rotate(x, 7) ^ rotate(x, 18) ^ x &>> 3
        let s1 = rotate(y, 17) ^ rotate(y, 19) ^ y &>> 10
        w[i] = w[i &- 16] &+ s0 &+ w[i &- 7] &+ s1
        i &+= 1
    }
}

@inline(__always)
private func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32, _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32, _ word: UInt32
) {
    let choice = g ^ (e & (f ^ g))
    let majority = (a & b) | (c & (a | b))
    let t = h &+ (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) &+ choice &+ word
    d = d &+ t
    h = t &+ (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) &+ majority
}

@inline(__always)
private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word &>> count | word &<< (32 &- count) }

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]
