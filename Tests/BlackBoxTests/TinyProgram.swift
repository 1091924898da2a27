// SPDX-License-Identifier: Apache-2.0

/// The smallest programs there are, for x86-64: a header and a few instructions, linked to nothing.
enum TinyProgram {
    static func image(_ code: [UInt8]) -> [UInt8] {
        var image = [UInt8](repeating: 0, count: 120)
        image.replaceSubrange(0..<7, with: [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
        image.replaceSubrange(16..<24, with: [3, 0, 62, 0, 1, 0, 0, 0])
        image[24] = 120  // entry
        image[32] = 64  // program headers
        image.replaceSubrange(52..<58, with: [64, 0, 56, 0, 1, 0])
        image.replaceSubrange(64..<72, with: [1, 0, 0, 0, 5, 0, 0, 0])
        image += code
        image[96] = UInt8(image.count)
        image[104] = UInt8(image.count)
        image[113] = 0x10  // alignment 4096
        return image
    }

    /// Sleeps 0.4 seconds and ends. In place of the loader it keeps the program's file in use.
    static let sleeper = image([
        0x68, 0x00, 0x84, 0xd7, 0x17, 0x6a, 0x00, 0x48, 0x89, 0xe7, 0x31, 0xf6, 0x6a, 0x23, 0x58, 0x0f, 0x05,  // nanosleep
        0x31, 0xff, 0x6a, 0x3c, 0x58, 0x0f, 0x05,  // exit(0)
    ])

    /// Makes one call and ends with its errno. `old` makes it through the 32-bit door, `int 0x80`.
    static func call(_ number: UInt32, _ first: UInt32 = 0, old: Bool) -> [UInt8] {
        func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) } }
        return image(
            [0xb8] + bytes(number) + [old ? 0xbb : 0xbf] + bytes(first) + [0x31, 0xf6, 0x31, 0xd2]
                + (old ? [0x31, 0xc9, 0xcd, 0x80] : [0x0f, 0x05])
                + [0xf7, 0xd8, 0x89, 0xc7, 0x6a, 0x3c, 0x58, 0x0f, 0x05])
    }
}
