// SPDX-License-Identifier: Apache-2.0
import Linux
import Testing

@testable import Engine

@Suite struct DetachKeysTests {
    @Test(
        "Keys are letters and control letters, in docker's words",
        arguments: [
            ("ctrl-p,ctrl-q", [16, 17]), ("ctrl-x,a", [24, 97]), ("ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [0, 27, 28, 29, 30, 31]),
            ("~", [126]), ("", []), ("DEL", [127]),
        ] as [(String, [UInt8])])
    func grammar(text: String, bytes: [UInt8]) { #expect(DetachKeys(text)?.bytes == bytes) }

    @Test("What is no key is refused", arguments: ["ctrl-", "ctrl-P", "ctrl-1", "ab", "a,", ",a", "ctrl-p ctrl-q", "é", "Ctrl-p"])
    func refusal(text: String) { #expect(DetachKeys(text) == nil) }

    @Test(
        "What is typed is passed on but the keys, whose beginning is kept back until it is none",
        arguments: [
            (["hello"], "hello", false), (["a\u{10}\u{11}b"], "a", true), (["a\u{10}", "\u{11}"], "a", true),
            (["\u{10}b"], "\u{10}b", false),
            (["\u{10}"], "", false), (["\u{10}\u{10}\u{11}"], "\u{10}", true), (["\u{11}\u{10}"], "\u{11}", false),
        ] as [([String], String, Bool)])
    func scan(pieces: [String], passed: String, isDetached: Bool) throws {
        var scanner = try #require(DetachScanner(.standard))
        var all: [UInt8] = []
        var found = false
        for piece in pieces where !found {
            let result = scanner.scan(Array(piece.utf8))
            all += result.passed
            found = result.isDetached
        }
        #expect(String(decoding: all, as: UTF8.self) == passed)
        #expect(found == isDetached)
    }

    @Test("Keys that contain their own beginning are found wherever they start")
    func overlap() throws {
        var scanner = try #require(DetachScanner(DetachKeys("a,a,b")))
        let result = scanner.scan(Array("aaab".utf8))
        #expect(result.passed == Array("a".utf8) && result.isDetached)
        #expect(DetachScanner(DetachKeys("")) == nil)
    }
}

@Suite struct AttachMessageTests {
    @Test(
        "A message is read as it was written",
        arguments: [
            .hello(takesInput: true), .hello(takesInput: false), .size(WindowSize(rows: 1, columns: 65535)), .input([1, 2, 3]), .endOfInput,
            .output([0]), .error([255]), .ended(exitCode: 255, memoryLimit: 64 << 20), .ended(exitCode: 0, memoryLimit: -1), .hangUp, .hold,
            .release([49, 10]),
        ] as [AttachMessage])
    func roundTrip(message: AttachMessage) { #expect(AttachMessage(message.bytes[...]) == message) }

    @Test("What is none is no message", arguments: [[], [0], [UInt8(ascii: "s"), 1], [UInt8(ascii: "x"), 1, 2, 3]] as [[UInt8]])
    func damaged(bytes: [UInt8]) { #expect(AttachMessage(bytes[...]) == nil) }
}
