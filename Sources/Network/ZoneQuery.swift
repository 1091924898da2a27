// SPDX-License-Identifier: Apache-2.0

/// A question for the number of a zone, and what is answered (RFC 1035).
struct ZoneQuery {
    let bytes: [UInt8]

    /// - Parameter number: which the answer has too.
    init(number: UInt16) {
        let name = Array(NameZone.serialName.utf8)
        // Recursion is not desired, nobody else is to be asked; one question, for an address (A) of the internet (IN).
        bytes =
            [UInt8(number >> 8), UInt8(number & 0xff), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, UInt8(truncatingIfNeeded: name.count)] + name
            + [0, 0, 1, 0, 1]
    }

    /// The addresses that a message answers this with; none if it is about anything else. Whether it calls itself an answer is not looked
    /// at: aardvark-dns 1.4 does not.
    func answers(in message: ArraySlice<UInt8>) -> [UInt32] {
        let message = Array(message)
        func short(_ offset: Int) -> Int { offset + 1 < message.count ? Int(message[offset]) << 8 | Int(message[offset + 1]) : 0 }
        // The question comes back as it was, behind a header of twelve bytes.
        guard message.count > bytes.count, message[..<2] == bytes[..<2], short(4) == 1, message[12..<bytes.count] == bytes[12...] else {
            return []
        }
        var found: [UInt32] = []
        var next = bytes.count
        for _ in 0..<short(6) where next < message.count {
            // The name: labels to an empty one, or to a reference to another place, of two bytes.
            while next < message.count, message[next] & 0xc0 == 0, message[next] != 0 { next += Int(message[next]) + 1 }
            guard next < message.count else { break }
            next += message[next] == 0 ? 1 : 2
            // Type, class, time to live, length, and the address.
            let length = short(next + 8)
            if short(next) == 1, short(next + 2) == 1, length == 4, next + 14 <= message.count {
                found.append(UInt32(short(next + 10)) << 16 | UInt32(short(next + 12)))
            }
            next += 10 + length
        }
        return found
    }
}
