// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// A door: its name, the options before the verb, and its commands.
///
/// `Globals` is constrained in extensions only: a constraint here would have the runtime search every conformance of the
/// process when the type is first named.
package struct Program<Globals> {
    let name: String
    let summary: StaticString
    let version: StaticString
    let entries: [CommandEntry<Globals>]
    /// Says of a command that is another program's why it is none here, and who has it.
    let foreign: (String) -> String?

    package init(
        name: StaticString, summary: StaticString, version: StaticString, _ entries: [CommandEntry<Globals>],
        foreign: @escaping (String) -> String? = { _ in nil }
    ) {
        self.foreign = foreign
        self.name = "\(name)"
        self.summary = summary
        self.version = version
        self.entries = entries
    }
}

extension Program where Globals: OptionGroup {
    /// Runs a whole command line, the program's own name first, prints an error as one sentence, and gives the exit status.
    /// `report` is told each error with the global options read so far, for a door that also keeps a log.
    package func main(_ arguments: [String], report: (String, Globals) -> Void = { _, _ in }) -> Int32 {
        var globals = Globals()
        var failureStatus = UsageError.exitStatus
        do {
            // Changed into what is, it would be another file's name, or another program's argument.
            if let word = Process.foreignArgument { throw UsageError("'\(word)' is not UTF-8, as all that is kept of a container is") }
            return try run(arguments.dropFirst(), globals: &globals, failureStatus: &failureStatus)
        } catch let error as SystemError where error.isBrokenPipe {
            return 128 + SIGPIPE
        } catch {
            let sentence = escapeVisible("\(error)")
            report(sentence, globals)
            // There is nobody left to tell when standard error is closed too.
            try? Output.error.write("\(name): \(sentence)\n")
            if let error = error as? UsageError { return error.exitStatus ?? failureStatus }
            return (error as? any ExitStatusError)?.exitStatus ?? failureStatus
        }
    }

    private func run(_ words: ArraySlice<String>, globals: inout Globals, failureStatus: inout Int32) throws -> Int32 {
        let parser = OptionParser(table: Globals.options, isInterspersed: false, knowsVersion: true)
        let outcome: ParseOutcome
        do { outcome = try parser.parse(words, into: &globals) } catch { throw error.said(to: name) }
        switch outcome {
        case .help: return try show(rootPage)
        case .version:
            try Output.standard.write("\(name) version \(version)\n")
            return 0
        case .operands(let operands):
            guard let choice = try choose(operands[...]) else { return try show(rootPage) }
            return try run(choice, globals, failureStatus: &failureStatus)
        }
    }

    private func run(_ choice: Choice<Globals>, _ globals: Globals, failureStatus: inout Int32) throws -> Int32 {
        switch choice.entry.content {
        case .heading: return 0
        case .group: return try show(page(of: choice.entry, path: choice.path))
        case .command(let verb):
            if choice.wantsHelp { return try show(verb.page(choice.path)) }
            failureStatus = verb.failureStatus
            do {
                switch try verb.invoke(choice.words, globals) {
                case .status(let status): return status
                case .help: return try show(verb.page(choice.path))
                }
            } catch let error as UsageError where error.command.isEmpty {
                throw error.said(to: choice.path)
            }
        }
    }

    private func show(_ page: CommandPage) throws(SystemError) -> Int32 {
        try Output.standard.write(page.help(width: Terminal.width))
        return 0
    }
}

// MARK: - Choosing a command

extension Program where Globals: OptionGroup {
    /// Follows `words` into the tree; nil when there are none, so help is wanted.
    private func choose(_ words: ArraySlice<String>) throws(UsageError) -> Choice<Globals>? {
        var words = words
        let wantsHelp = words.first == "help"
        if wantsHelp { words.removeFirst() }
        var entries = entries
        var path = name
        var choice: Choice<Globals>?
        while let word = words.first, word.utf8.first != UInt8(ascii: "-") || choice == nil {
            guard let index = index(of: word, among: entries) else {
                throw unknownCommand(word, among: entries, isTop: choice == nil).said(to: path)
            }
            let entry = entries[index]
            words.removeFirst()
            path += " \(entry.name)"
            choice = Choice(entry: entry, path: path, words: words, wantsHelp: wantsHelp)
            guard case .group(let inner) = entry.content else { return choice }
            entries = inner()
        }
        if choice != nil, let word = words.first, word != "--help", word != "-h" {
            throw UsageError("unknown flag: \(word)", command: path)
        }
        return choice
    }

    /// By hand: for the library's generic ways to search, the runtime makes several types at each start.
    private func index(of word: String, among entries: [CommandEntry<Globals>]) -> Int? {
        for index in 0..<entries.count where entries[index].isNamed(word) { return index }
        return nil
    }

    private func unknownCommand(_ word: String, among entries: [CommandEntry<Globals>], isTop: Bool) -> UsageError {
        let names = entries.filter {
            if case .heading = $0.content { false } else { !$0.isHidden }
        }.map { "\($0.name)" }
        if isTop, let sentence = foreign(word) { return UsageError(sentence, exitStatus: 1) }
        let near = names.nearest(to: word).map { " (did you mean '\($0)'?)" } ?? ""
        return UsageError("unknown command: '\(word)'\(near)", exitStatus: 1)
    }
}

/// A command that was found, and the words that are for it.
private struct Choice<Context> {
    let entry: CommandEntry<Context>
    let path: String
    let words: ArraySlice<String>
    let wantsHelp: Bool
}

extension UsageError {
    package static let exitStatus: Int32 = 125

    fileprivate func said(to command: String) -> UsageError { UsageError(message, command: command, exitStatus: exitStatus) }
}
