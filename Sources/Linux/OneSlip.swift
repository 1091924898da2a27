// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Whether one letter added, dropped or changed, or two swapped, turn one name into the other: then it was probably meant.
    package func isOneSlip(from other: String) -> Bool { isSlip(Array(utf8), Array(other.utf8)) }
}

private func isSlip(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    if a.count > b.count { return isSlip(b, a) }
    let head = zip(a, b).prefix { $0 == $1 }.count
    let tail = zip(a.reversed(), b.reversed()).prefix { $0 == $1 }.count
    switch b.count - a.count {
    case 1: return head + tail >= a.count
    case 0 where head + tail == a.count - 2: return a[head] == b[head + 1] && a[head + 1] == b[head]
    case 0: return head + tail >= a.count - 1
    default: return false
    }
}
