// SPDX-License-Identifier: Apache-2.0

import JSON
import Testing

/// xorshift64*: the same inputs on every run.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_f491_4f6c_dd1d
    }
}

/// Walks everything a node offers.
private func visit(_ node: JSONNode) {
    _ = (node.string, node.int, node.double, node.bool, node.path, node.integer(UInt8.self))
    for element in node.elements { visit(element) }
    for (name, value) in node.members {
        _ = node[name]
        visit(value)
    }
}

@Suite("Hostile bytes")
struct FuzzTests {
    @Test("ten thousand random inputs end in a value or an error")
    func random() {
        var generator = Seeded(state: 0x6d69_6e69_6374_6c00)
        let alphabet = Array(#"{}[]:,"\ue0123456789+-.Ee tfnalsr"#.utf8) + [0x00, 0x0a, 0x7f, 0x80, 0xc3, 0xe2, 0xf0, 0xff]
        for _ in 0..<10_000 {
            let bytes = (0..<Int.random(in: 0...48, using: &generator)).map { _ in alphabet.randomElement(using: &generator) ?? 0 }
            exercise(bytes)
        }
    }

    @Test("five thousand damaged documents end in a value or an error")
    func damaged() {
        var generator = Seeded(state: 0x6a73_6f6e)
        let sound = Array(#"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00\n",{"b":null,"c":[true,false]}],"d":{"e":18446744073709551615}}"#.utf8)
        var accepted = 0
        for _ in 0..<5_000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: position)
                default: bytes.insert(bytes[position], at: position)
                }
            }
            if exercise(bytes) { accepted += 1 }
        }
        #expect(accepted > 0)
    }

    /// Whatever is accepted must be stable: written out, it reads back as itself.
    @discardableResult
    private func exercise(_ bytes: [UInt8]) -> Bool {
        guard let document = try? JSONDocument(bytes) else { return false }
        visit(document.root)
        _ = try? JSONDecoder().decode(Lists.self, from: document.root)
        guard let value = try? JSONValue(document.root), let text = try? JSONEncoder().encode(value) else { return true }
        #expect((try? JSONValue(JSONDocument(text).root)) == value)
        return true
    }
}
