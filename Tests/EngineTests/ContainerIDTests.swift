// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Engine

/// The one identity in its two spellings.
struct ContainerIDTests {
    @Test("In fewer characters an id is the same id, and no link needs a block for it")
    func folding() throws {
        let digits = ["0", "f", "7a", "0123456789abcdef", "fedcba9876543210"].map { String(repeating: $0, count: 64 / $0.utf8.count) }
        for id in try digits.map({ try #require(ContainerID($0)) }) + (0..<200).map({ _ in try ContainerID() }) {
            #expect(id.folded.utf8.count == 43)
            #expect(ContainerID(folded: id.folded.utf8) == id)
        }
        #expect(ContainerID(String(repeating: "f", count: 64))?.folded == String(repeating: "_", count: 42) + "P")
    }

    @Test("What is no id in fewer characters is none", arguments: [0, 1, 42, 44])
    func lengths(count: Int) { #expect(ContainerID(folded: String(repeating: "A", count: count).utf8) == nil) }

    @Test("Letters that are not in the alphabet, and a last one with more than a digit, are refused")
    func letters() {
        let zeros = String(repeating: "A", count: 42)
        #expect(ContainerID(folded: (zeros + "P").utf8)?.text == String(repeating: "0", count: 63) + "f")
        for wrong in [zeros + "Q", zeros + "/", zeros + "=", "/" + zeros, "\u{0}" + zeros] {
            #expect(ContainerID(folded: wrong.utf8) == nil)
        }
    }
}
