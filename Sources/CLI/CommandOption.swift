// SPDX-License-Identifier: Apache-2.0

/// One option of a command: its spelling, and what it changes in the value that holds it.
///
/// A table is an array literal of these. Nothing in it is computed when it is made: names stay in their literals and are
/// compared there, so a table of a hundred options costs a few microseconds.
package struct CommandOption<Target> {
    package typealias FlagEffect = (inout Target, Bool) throws -> Void
    package typealias TextEffect = (inout Target, String) throws -> Void

    enum Effect {
        case heading
        case flag(FlagEffect)
        case text(TextEffect)
    }

    package let spelling: OptionSpelling
    let effect: Effect

    /// The title help prints above the options that follow.
    package static func heading(_ title: StaticString) -> Self {
        CommandOption(spelling: OptionSpelling(text: "", help: title, kind: .heading), effect: .heading)
    }

    /// A switch, `"-i, --interactive"`: alone it says true, `--interactive=false` says false.
    package static func flag(
        _ text: StaticString, _ help: StaticString, also alias: StaticString? = nil, hidden: Bool = false, _ effect: @escaping FlagEffect
    ) -> Self {
        let spelling = OptionSpelling(text: text, help: help, kind: .flag, alias: alias, isHidden: hidden)
        return CommandOption(spelling: spelling, effect: .flag(effect))
    }

    /// An option with a value, `"-m, --memory BYTES"`. What `effect` throws is reported with the option's name before it.
    /// It runs once for each time the option is given.
    package static func text(
        _ text: StaticString, _ help: StaticString, also alias: StaticString? = nil, completing: Completion = .nothing,
        hidden: Bool = false, _ effect: @escaping TextEffect
    ) -> Self {
        let spelling = OptionSpelling(text: text, help: help, kind: .text, alias: alias, completion: completing, isHidden: hidden)
        return CommandOption(spelling: spelling, effect: .text(effect))
    }
}

/// A value with options of its own: a command, or a part that several commands share.
package protocol OptionGroup {
    init()
    static var options: [CommandOption<Self>] { get }
}

extension Array {
    /// The same options for a value that holds `Part` at `path`: `ProcessOptions.options.lifted(\.process)`.
    /// The path is followed only for options that are given.
    package func lifted<Part, Whole>(_ path: WritableKeyPath<Whole, Part>) -> [CommandOption<Whole>] where Element == CommandOption<Part> {
        map { option in
            let effect: CommandOption<Whole>.Effect =
                switch option.effect {
                case .heading: .heading
                case .flag(let change): .flag { whole, value in try change(&whole[keyPath: path], value) }
                case .text(let change): .text { whole, value in try change(&whole[keyPath: path], value) }
                }
            return CommandOption<Whole>(spelling: option.spelling, effect: effect)
        }
    }
}
