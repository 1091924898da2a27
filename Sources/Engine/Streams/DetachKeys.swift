// SPDX-License-Identifier: Apache-2.0

/// The keys that leave a container's terminal without ending anything, in docker's words: `ctrl-p,ctrl-q` or `ctrl-x,a`.
package struct DetachKeys: Equatable, Sendable {
    let bytes: [UInt8]

    package static let standard = DetachKeys(bytes: [0x10, 0x11])

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Letters, and `ctrl-` with a letter or one of `@[\]^_`, separated by commas; none at all for a text without any. Nil for anything else.
    package init?(_ text: String) {
        var bytes: [UInt8] = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
            let letters = Array(word.utf8)
            if letters.count == 1 {
                bytes.append(letters[0])
            } else if letters.count == 6, word.hasPrefix("ctrl-"), let code = Self.control(letters[5]) {
                bytes.append(code)
            } else if word == "DEL" {
                bytes.append(0x7f)
            } else {
                return nil
            }
        }
        self.bytes = bytes
    }

    private static func control(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - 0x60
        case UInt8(ascii: "@"), UInt8(ascii: "[")...UInt8(ascii: "_"): letter - 0x40
        default: nil
        }
    }
}

/// Looks for the keys in what is typed. The beginning of them is kept back until it is clear that it is none.
struct DetachScanner {
    private let keys: [UInt8]
    private var matched = 0

    /// Nil where no keys are looked for.
    init?(_ keys: DetachKeys?) {
        guard let keys, !keys.bytes.isEmpty else { return nil }
        self.keys = keys.bytes
    }

    /// Gives what is to be passed on, and whether the keys came; what follows them is nobody's.
    mutating func scan(_ bytes: some Sequence<UInt8>) -> (passed: [UInt8], isDetached: Bool) {
        var passed: [UInt8] = []
        for byte in bytes {
            // The longest beginning of the keys that what was typed last can still be; what is before it goes on.
            var candidate = keys[..<matched] + [byte]
            while !keys.starts(with: candidate) { passed.append(candidate.removeFirst()) }
            matched = candidate.count
            if matched == keys.count { return (passed, true) }
        }
        return (passed, false)
    }
}
