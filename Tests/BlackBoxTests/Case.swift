// SPDX-License-Identifier: Apache-2.0
import Testing

/// One line of a table: with these flags, this script prints that.
struct Case: CustomTestStringConvertible, Sendable {
    let flags: [String]
    let script: String
    let expected: String

    /// - Parameter flags: separated by spaces; `\u{A0}` stands for a space inside one.
    init(_ flags: String, _ script: String, _ expected: String) {
        self.flags = flags.split(separator: " ").map { String($0.map { $0 == "\u{A0}" ? " " : $0 }) }
        self.script = script
        self.expected = expected
    }

    var testDescription: String { "run \(flags.joined(separator: " ")) sh -c '\(script)'" }
}

/// A command line that is refused, and a word that its sentence must have.
struct Refusal: CustomTestStringConvertible, Sendable {
    let arguments: [String]
    let word: String
    let code: CInt

    init(_ arguments: String, _ word: String, code: CInt = 125) {
        self.arguments = arguments.split(separator: " ").map { String($0.map { $0 == "\u{A0}" ? " " : $0 }) }
        self.word = word
        self.code = code
    }

    var testDescription: String { arguments.joined(separator: " ") }
}

extension Rig {
    func expect(_ item: Case, _ location: SourceLocation = #_sourceLocation) throws {
        let ending = try sh(item.flags, item.script, at: location)
        #expect(ending.text == item.expected, "exit code \(ending.code) \(ending.error)", sourceLocation: location)
    }

    func expect(_ refusal: Refusal, _ location: SourceLocation = #_sourceLocation) throws {
        let ending = try minictl(["run", "--rm"] + refusal.arguments, at: location)
        #expect(ending.code == refusal.code, "\(ending.error)", sourceLocation: location)
        #expect(ending.error.hasPrefix("minictl: ") && ending.error.contains(refusal.word), "\(ending.error)", sourceLocation: location)
        #expect(ending.output.isEmpty, sourceLocation: location)
        expectNothingLeft(location)
    }
}
