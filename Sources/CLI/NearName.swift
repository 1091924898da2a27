// SPDX-License-Identifier: Apache-2.0

extension [String] {
    /// The name that was probably meant: the nearest within two slips, else the one that continues `word`, of several the one that all
    /// others continue.
    package func nearest(to word: String) -> String? {
        let letters = [UInt8](word.utf8)
        // A word longer than any name is near to none; this also bounds the work.
        guard letters.count <= 64 else { return nil }
        var best: (name: String, slips: Int)?
        for name in self {
            let bytes = [UInt8](name.utf8)
            let slips = slips(from: letters, to: bytes)
            // Two slips in a word of three letters are another word.
            guard slips <= Swift.min(2, (bytes.count - 1) / 2), slips < best?.slips ?? .max else { continue }
            best = (name, slips)
        }
        if let best { return best.name }
        let continued = filter { letters.count > 1 && $0.utf8.starts(with: letters) }
        guard let shortest = continued.min(by: { $0.utf8.count < $1.utf8.count }) else { return nil }
        return continued.allSatisfy { $0.utf8.starts(with: shortest.utf8) } ? shortest : nil
    }
}

/// The fewest insertions, deletions, substitutions and swaps of neighbours between two words
/// (Damerau–Levenshtein, optimal string alignment).
private func slips(from left: [UInt8], to right: [UInt8]) -> Int {
    guard abs(left.count - right.count) <= 2, !left.isEmpty, !right.isEmpty else { return .max }
    var beforeLast = [Int](repeating: 0, count: right.count + 1)
    var last = Array(0...right.count)
    for row in 1...left.count {
        var current = [row]
        for column in 1...right.count {
            let substituted = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
            var least = min(last[column] + 1, current[column - 1] + 1, substituted)
            if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                least = min(least, beforeLast[column - 2] + 1)
            }
            current.append(least)
        }
        beforeLast = last
        last = current
    }
    return last[right.count]
}
