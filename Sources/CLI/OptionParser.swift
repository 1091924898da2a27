// SPDX-License-Identifier: Apache-2.0

/// What a command line asks for once its options are applied.
enum ParseOutcome: Equatable {
    case operands([String])
    case help
    case version
}

/// Reads options as docker does (the rules of Go's pflag): `--name value`, `--name=value`, `-n value`, `-nvalue`,
/// `-n=value`, clusters such as `-itv a:b`, switches with `=false`, and `--` before words that are no options.
struct OptionParser<Target> {
    let table: [CommandOption<Target>]
    /// The spellings alone: looking them up then needs no generic code, which is several times slower.
    private let spellings: [OptionSpelling]
    /// Whether options may follow operands. `run` and `exec` stop at the first operand: what follows is the container's.
    let isInterspersed: Bool
    /// Whether `--version` and `-v` are answered, as before the verb.
    let knowsVersion: Bool

    init(table: [CommandOption<Target>], isInterspersed: Bool, knowsVersion: Bool = false) {
        self.table = table
        spellings = table.map { $0.spelling }
        self.isInterspersed = isInterspersed
        self.knowsVersion = knowsVersion
    }

    /// Applies the options among `words` to `target` in the order given.
    func parse(_ words: ArraySlice<String>, into target: inout Target) throws(UsageError) -> ParseOutcome {
        var operands: [String] = []
        var rest = words
        while let word = rest.popFirst() {
            switch WordShape(of: word) {
            case .operand:
                operands.append(word)
                if !isInterspersed { return .operands(operands + rest) }
            case .terminator:
                return .operands(operands + rest)
            case .long:
                if let request = try parseLong(word, &rest, into: &target) { return request }
            case .letters:
                if let request = try parseLetters(word, &rest, into: &target) { return request }
            }
        }
        return .operands(operands)
    }

    private func parseLong(_ word: String, _ rest: inout ArraySlice<String>, into target: inout Target) throws(UsageError) -> ParseOutcome?
    {
        let equals = word.utf8.firstIndex(of: UInt8(ascii: "="))
        let name = word[word.utf8.index(word.startIndex, offsetBy: 2)..<(equals ?? word.endIndex)]
        guard !name.isEmpty, name.utf8.first != UInt8(ascii: "-") else { throw UsageError("bad flag syntax: \(word)") }
        guard let option = option(named: name) else {
            if name == "help" { return .help }
            if name == "version", knowsVersion { return .version }
            throw unknown("--" + name)
        }
        let value = equals.map { String(word[word.utf8.index(after: $0)...]) }
        switch option.effect {
        case .heading: break
        case .flag(let change): try apply(change, value, as: "--" + name, to: &target)
        case .text(let change):
            guard let text = value ?? rest.popFirst() else { throw missingValue(option.spelling) }
            try apply(change, text, as: "--" + name, to: &target)
        }
        return nil
    }

    private func parseLetters(_ word: String, _ rest: inout ArraySlice<String>, into target: inout Target) throws(UsageError)
        -> ParseOutcome?
    {
        var letters = word.utf8.dropFirst()
        while let letter = letters.popFirst() {
            guard let option = option(lettered: letter) else {
                if letter == UInt8(ascii: "h") { return .help }
                if letter == UInt8(ascii: "v"), knowsVersion { return .version }
                throw unknownLetter(letter, in: word)
            }
            let name = "-" + String(Unicode.Scalar(letter))
            // "-t=" is the letter "=", as pflag has it: a value needs at least one byte after the sign.
            let isAssigned = letters.first == UInt8(ascii: "=") && letters.dropFirst().first != nil
            let attached = isAssigned ? letters.dropFirst() : letters
            switch option.effect {
            case .heading: break
            case .flag(let change):
                try apply(change, isAssigned ? String(Substring(attached)) : nil, as: name, to: &target)
                if isAssigned { return nil }
            case .text(let change):
                guard let text = attached.isEmpty ? rest.popFirst() : String(Substring(attached)) else {
                    throw missingValue(option.spelling)
                }
                try apply(change, text, as: name, to: &target)
                return nil
            }
        }
        return nil
    }
}

// MARK: - Looking up and applying

extension OptionParser {
    private func option(named name: Substring) -> CommandOption<Target>? {
        spellings.index(named: name).map { table[$0] }
    }

    private func option(lettered letter: UInt8) -> CommandOption<Target>? {
        spellings.index(lettered: letter).map { table[$0] }
    }

    private func apply(
        _ change: CommandOption<Target>.FlagEffect, _ text: String?, as name: String, to target: inout Target
    ) throws(UsageError) {
        var value = true
        if let text {
            guard let word = Bool(flag: text) else { throw UsageError("\(name): '\(text)' is neither true nor false") }
            value = word
        }
        do { try change(&target, value) } catch { throw UsageError(option: name, error) }
    }

    private func apply(
        _ change: CommandOption<Target>.TextEffect, _ text: String, as name: String, to target: inout Target
    ) throws(UsageError) {
        do { try change(&target, text) } catch { throw UsageError(option: name, error) }
    }
}

// MARK: - What can go wrong

extension OptionParser {
    private func missingValue(_ spelling: OptionSpelling) -> UsageError {
        UsageError("flag needs a value: --\(spelling.long) \(spelling.placeholder)")
    }

    private func unknown(_ name: String) -> UsageError {
        let known = spellings.filter { $0.kind != .heading && !$0.isHidden }.map { "--" + $0.long }
        let near = known.nearest(to: name).map { " (did you mean \($0)?)" } ?? ""
        return UsageError("unknown flag: \(name)\(near)")
    }

    private func unknownLetter(_ letter: UInt8, in word: String) -> UsageError {
        let name = letter < 0x80 ? "-" + String(Unicode.Scalar(letter)) : word
        if name == word { return UsageError("unknown flag: \(word)") }
        // "-rm" is a common slip for "--rm".
        let isLongName = option(named: word.dropFirst()) != nil
        return UsageError("unknown flag: \(name) in \(word)" + (isLongName ? " (did you mean -\(word)?)" : ""))
    }
}

extension UsageError {
    /// What an option's value was refused for, with the option's name before it.
    fileprivate init(option name: String, _ error: any Error) {
        self.init("\(name): \((error as? UsageError)?.message ?? "\(error)")")
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
