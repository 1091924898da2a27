// SPDX-License-Identifier: Apache-2.0

/// One line of a program's list of commands. Making one touches no option table.
package struct CommandEntry<Context> {
    enum Content {
        case heading
        case command(any Command<Context>.Type)
        case group([CommandEntry])
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
    package static func command(_ type: any Command<Context>.Type, as names: StaticString..., hidden: Bool = false) -> Self {
        CommandEntry(
            name: names.first ?? type.name, aliases: names.count > 1 ? Array(names[1...]) : [], summary: type.summary,
            content: .command(type), isHidden: hidden)
    }

    /// A word that stands before other verbs: `network` before `create`.
    package static func group(_ name: StaticString, _ summary: StaticString, hidden: Bool = false, _ entries: [CommandEntry]) -> Self {
        CommandEntry(name: name, aliases: [], summary: summary, content: .group(entries), isHidden: hidden)
    }

    func isNamed(_ word: String) -> Bool {
        if case .heading = content { return false }
        return name.equals(word) || aliases.contains { $0.equals(word) }
    }
}

extension StaticString {
    func equals(_ word: String) -> Bool {
        withUTF8Buffer { bytes in bytes.count == word.utf8.count && bytes.elementsEqual(word.utf8) }
    }
}
