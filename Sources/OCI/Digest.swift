// SPDX-License-Identifier: Apache-2.0

package import JSON

/// The name of content by its hash: an algorithm and lower-case hexadecimal digits of the right number, and nothing else
/// (image-spec, descriptor.md). It is safe as a path component.
package struct Digest: Hashable, Sendable, CustomStringConvertible {
    package enum Algorithm: String, Sendable {
        case sha256, sha512

        var digits: Int { self == .sha256 ? 64 : 128 }
    }

    package let algorithm: Algorithm
    package let hex: String

    package init?(algorithm: Algorithm = .sha256, hex: String) {
        guard hex.utf8.count == algorithm.digits, hex.utf8.allSatisfy(isLowerHexadecimal) else { return nil }
        self.algorithm = algorithm
        self.hex = hex
    }

    /// Reads `sha256:…`.
    package init?(_ text: String) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        guard let algorithm = Algorithm(rawValue: String(text[..<colon])) else { return nil }
        self.init(algorithm: algorithm, hex: String(text[text.utf8.index(after: colon)...]))
    }

    init(sha256 words: [UInt32]) {
        algorithm = .sha256
        hex = String(unsafeUninitializedCapacity: 64) { text in
            var count = 0
            for word in words.prefix(8) {
                for shift in stride(from: UInt32(28), through: 0, by: -4) {
                    let digit = UInt8(truncatingIfNeeded: word >> shift & 0xf)
                    text[count] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                    count += 1
                }
            }
            return count
        }
    }

    package var description: String { "\(algorithm.rawValue):\(hex)" }
}

extension Digest: JSONCoded {
    /// What a record holds until its own digest has been read.
    static var blank: Digest { Digest(sha256: [0, 0, 0, 0, 0, 0, 0, 0]) }

    package init(json: JSONNode) throws(JSONError) {
        let text = try String(json: json)
        guard let digest = Digest(text) else {
            let reason = "expected a digest, sha256: and 64 lower-case hexadecimal digits, found \(quoted(text))"
            throw .mismatch(path: json.path, reason: reason)
        }
        self = digest
    }

    package func write(to text: inout JSONText) { text.string(description) }
}

private func isLowerHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): true
    default: false
    }
}
