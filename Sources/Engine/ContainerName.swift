// SPDX-License-Identifier: Apache-2.0
package import Linux

/// A container's name, by docker's pattern: letters, digits, `_`, `.`, `-`, the first a letter or digit, at most 128.
package struct ContainerName: Hashable, Sendable, CustomStringConvertible {
    package let text: String

    package init?(_ text: String) {
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 128, Self.isAlphanumeric(first),
            bytes.allSatisfy({ Self.isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
        else { return nil }
        self.text = text
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }

    package var description: String { text }
}

extension ContainerName {
    /// A name nobody had to think of, from a few random bytes.
    package static func random() throws(SystemError) -> ContainerName {
        let bytes = try Machine.randomBytes(3)
        let first = adjectives[Int(bytes[0]) % adjectives.count]
        let second = nouns[Int(bytes[1]) % nouns.count]
        return ContainerName("\(first)_\(second)\(bytes[2])") ?? ContainerName(unchecked: "container\(bytes[2])")
    }

    init(unchecked text: String) { self.text = text }

    private static let adjectives: [StaticString] = [
        "brave", "bright", "calm", "clever", "crisp", "daring", "eager", "fair", "fleet", "fresh", "gentle", "glad", "golden", "grand",
        "happy",
        "hardy", "keen", "kind", "light", "lively", "lucid", "merry", "mild", "neat", "noble", "proud", "quick", "quiet", "ready", "sharp",
        "shiny", "silent", "smart", "snug", "steady", "sunny", "swift", "tidy", "vivid", "warm", "wise", "witty",
    ]

    private static let nouns: [StaticString] = [
        "alder", "badger", "beaver", "birch", "bison", "cedar", "comet", "condor", "coral", "crane", "dolphin", "eagle", "ember", "falcon",
        "fern", "finch", "fjord", "fox", "gecko", "harbor", "hazel", "heron", "ibis", "island", "jaguar", "juniper", "kestrel", "lagoon",
        "lark", "lichen", "linden", "lynx", "maple", "marten", "meadow", "otter", "owl", "pebble", "pine", "puffin", "quartz", "raven",
        "reef", "river", "robin", "sparrow", "spruce", "summit", "thistle", "tiger", "tulip", "walrus", "willow", "wren", "yarrow",
    ]
}
