// SPDX-License-Identifier: Apache-2.0

/// One line of a program's list of commands. Making one touches no option table.
package struct CommandEntry<Context> {
    enum Content {
        case heading
        case command(Verb)
        /// Made when it is looked into: a program is one command, and most commands are in none.
        case group(() -> [CommandEntry])
    }

    /// A command's type, seen only through what the program asks of it.
    /// The language's own way, `any Command<Context>.Type`, makes the runtime build its metadata by name at each start.
    struct Verb {
        let failureStatus: Int32
        let invoke: (ArraySlice<String>, Context) throws -> VerbOutcome
        let page: (String) -> CommandPage
    }

    /// The name shown, or a heading's title.
    let name: StaticString
    let aliases: [StaticString]
    let summary: StaticString
    let content: Content
    let isHidden: Bool

    /// The title help prints above the commands that follow.
    package static func heading(_ title: StaticString) -> Self {
        CommandEntry(name: title, aliases: [], summary: "", content: .heading, isHidden: false)
    }

    /// A command under its own name, or under another: `.command(Ps.self, as: "ls", "list")` in the group `container`.
    package static func command<Type: Command<Context>>(_ type: Type.Type, as names: StaticString..., hidden: Bool = false) -> Self {
        let verb = Verb(failureStatus: Type.failureStatus, invoke: Type.invoke, page: Type.page)
        return CommandEntry(
            name: names.first ?? Type.name, aliases: names.count > 1 ? Array(names[1...]) : [], summary: Type.summary,
            content: .command(verb), isHidden: hidden)
    }

    /// A word that stands before other verbs: `network` before `create`.
    package static func group(
        _ name: StaticString, _ summary: StaticString, hidden: Bool = false, _ entries: @escaping @autoclosure () -> [CommandEntry]
    ) -> Self {
        CommandEntry(name: name, aliases: [], summary: summary, content: .group(entries), isHidden: hidden)
    }

    func isNamed(_ word: String) -> Bool {
        if case .heading = content { return false }
        return name.equals(word) || aliases.contains { $0.equals(word) }
    }
}

/// How a command ended, or that its help was asked for.
enum VerbOutcome {
    case status(Int32)
    case help
}

extension Command {
    /// Reads `words` into a new value of this type and runs it.
    fileprivate static func invoke(_ words: ArraySlice<String>, in context: Context) throws -> VerbOutcome {
        var verb = Self()
        let parser = OptionParser(table: options, isInterspersed: isInterspersed)
        guard case .operands(let arguments) = try parser.parse(words, into: &verb) else { return .help }
        try operands.check(arguments.count)
        return .status(try verb.run(arguments, in: context))
    }

    fileprivate static func page(path: String) -> CommandPage {
        CommandPage(
            path: path, summary: summary, operands: operands, options: options.spellings(), commands: [], examples: examples)
    }
}

extension StaticString {
    func equals(_ word: String) -> Bool {
        withUTF8Buffer { bytes in bytes.count == word.utf8.count && bytes.elementsEqual(word.utf8) }
    }
}
