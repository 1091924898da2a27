// SPDX-License-Identifier: Apache-2.0

/// An option as it was given.
struct GivenOption: Equatable {
    enum Value: Equatable {
        case flag(Bool)
        case text(String)
    }

    /// Its place in the table.
    let index: Int
    /// Whether it was given as `-m` rather than `--memory`.
    let isLetter: Bool
    let value: Value
}

/// What a command line asks for.
enum ParseOutcome: Equatable {
    case operands([String])
    case help
    case version
}

/// Reads options as docker does (the rules of Go's pflag): `--name value`, `--name=value`, `-n value`, `-nvalue`,
/// `-n=value`, clusters such as `-itv a:b`, switches with `=false`, and `--` before words that are no options.
///
/// It knows how options are spelled and nothing of what they change: without generic code it is several times faster.
struct OptionReader {
    let spellings: [OptionSpelling]
    /// Whether options may follow operands. `run` and `exec` stop at the first operand: what follows is the container's.
    let isInterspersed: Bool
    /// Whether `--version` and `-v` are answered, as before the verb.
    let knowsVersion: Bool

    private(set) var given: [GivenOption] = []
    private var rest: ArraySlice<String> = []

    init(spellings: [OptionSpelling], isInterspersed: Bool, knowsVersion: Bool) {
        self.spellings = spellings
        self.isInterspersed = isInterspersed
        self.knowsVersion = knowsVersion
    }

    /// Reads `words` from left to right and collects the options among them in `given`.
    mutating func read(_ words: ArraySlice<String>) throws(UsageError) -> ParseOutcome {
        var operands: [String] = []
        rest = words
        while let word = rest.popFirst() {
            switch WordShape(of: word) {
            case .operand:
                operands.append(word)
                if !isInterspersed { return .operands(operands + rest) }
            case .terminator: return .operands(operands + rest)
            case .long: if let request = try readLong(word) { return request }
            case .letters: if let request = try readLetters(word) { return request }
            }
        }
        return .operands(operands)
    }

    private mutating func readLong(_ word: String) throws(UsageError) -> ParseOutcome? {
        let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
        let name = word[word.utf8.index(word.startIndex, offsetBy: 2)..<(equals ?? word.endIndex)]
        guard !name.isEmpty, name.utf8.first != UInt8(ascii: "-") else { throw UsageError("bad flag syntax: \(word)") }
        guard let index = spellings.index(named: name) else {
            if name == "help" { return .help }
            if name == "version", knowsVersion { return .version }
            throw unknown("--\(name)")
        }
        var value = equals.map { String(word[word.utf8.index(after: $0)...]) }
        if value == nil, spellings[index].kind == .text { value = try takeValue(index) }
        try give(index, isLetter: false, value)
        return nil
    }

    private mutating func readLetters(_ word: String) throws(UsageError) -> ParseOutcome? {
        var letters = word.utf8.dropFirst()
        while let letter = letters.popFirst() {
            guard let index = spellings.index(lettered: letter) else {
                if letter == UInt8(ascii: "h") { return .help }
                if letter == UInt8(ascii: "v"), knowsVersion { return .version }
                throw unknownLetter(letter, in: word)
            }
            // "-t=" is the letter "=", as pflag has it: a value needs at least one byte after the sign.
            let isAssigned = letters.first == UInt8(ascii: "=") && letters.dropFirst().first != nil
            let attached = isAssigned ? letters.dropFirst() : letters
            if spellings[index].kind == .text {
                try give(index, isLetter: true, attached.isEmpty ? takeValue(index) : String(Substring(attached)))
                return nil
            }
            try give(index, isLetter: true, isAssigned ? String(Substring(attached)) : nil)
            if isAssigned { return nil }
        }
        return nil
    }

    private mutating func takeValue(_ index: Int) throws(UsageError) -> String {
        guard let value = rest.popFirst() else {
            throw UsageError("flag needs a value: --\(spellings[index].long) \(spellings[index].placeholder)")
        }
        return value
    }

    private mutating func give(_ index: Int, isLetter: Bool, _ text: String?) throws(UsageError) {
        var value = GivenOption.Value.flag(true)
        if spellings[index].kind == .text {
            value = .text(text ?? "")
        } else if let text {
            guard let flag = Bool(flag: text) else {
                throw UsageError("\(spellings[index].name(isLetter: isLetter)): '\(text)' is neither true nor false")
            }
            value = .flag(flag)
        }
        given.append(GivenOption(index: index, isLetter: isLetter, value: value))
    }
}

// MARK: - Unknown options

extension OptionReader {
    private func unknown(_ name: String) -> UsageError {
        let known = spellings.filter { $0.kind != .heading && !$0.isHidden }.map { "--" + $0.long }
        let near = known.nearest(to: name).map { " (did you mean \($0)?)" } ?? ""
        return UsageError("unknown flag: \(name)\(near)")
    }

    private func unknownLetter(_ letter: UInt8, in word: String) -> UsageError {
        let name = letter < 0x80 ? "-" + String(Unicode.Scalar(letter)) : word
        if name == word { return UsageError("unknown flag: \(word)") }
        // "-rm" is a common slip for "--rm".
        let isLongName = spellings.index(named: word.dropFirst()) != nil
        return UsageError("unknown flag: \(name) in \(word)" + (isLongName ? " (did you mean -\(word)?)" : ""))
    }
}

extension Bool {
    /// The words Go's `strconv.ParseBool` knows.
    fileprivate init?(flag text: String) {
        switch text {
        case "1", "t", "T", "true", "TRUE", "True": self = true
        case "0", "f", "F", "false", "FALSE", "False": self = false
        default: return nil
        }
    }
}

/// What a word is, from its first three bytes.
private enum WordShape {
    case operand, terminator, long, letters

    init(of word: String) {
        let dash = UInt8(ascii: "-")
        var bytes = word.utf8.makeIterator()
        guard bytes.next() == dash, let second = bytes.next() else {
            self = .operand
            return
        }
        guard second == dash else {
            self = .letters
            return
        }
        self = bytes.next() == nil ? .terminator : .long
    }
}
