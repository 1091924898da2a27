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
        /// That of an option of a part, by its place in the part's table; the options of a part share the way there.
        case part(Int, (inout Target, Int, GivenOption.Value) throws -> Void)
    }

    package let spelling: OptionSpelling
    let effect: Effect

    /// The title help prints above the options that follow.
    package static func heading(_ title: StaticString) -> Self {
        CommandOption(spelling: OptionSpelling(text: "", help: title, kind: .heading, isHidden: false), effect: .heading)
    }

    /// A switch, `"-i, --interactive"`: alone it says true, `--interactive=false` says false.
    package static func flag(
        _ text: StaticString, _ help: StaticString, hidden: Bool = false, _ effect: @escaping FlagEffect
    ) -> Self {
        let spelling = OptionSpelling(text: text, help: help, kind: .flag, isHidden: hidden)
        return CommandOption(spelling: spelling, effect: .flag(effect))
    }

    /// An option with a value, `"-m, --memory BYTES"`. What `effect` throws is reported with the option's name before it.
    /// It runs once for each time the option is given.
    /// The placeholder also tells shells what to offer: `FILE`, `DIR`, `CONTAINER`, `IMAGE`, or the words of `always|never`.
    package static func text(
        _ text: StaticString, _ help: StaticString, hidden: Bool = false, _ effect: @escaping TextEffect
    ) -> Self {
        let spelling = OptionSpelling(text: text, help: help, kind: .text, isHidden: hidden)
        return CommandOption(spelling: spelling, effect: .text(effect))
    }
}

extension CommandOption {
    /// Changes `target` as the option says, given with a value of its kind.
    func apply(_ value: GivenOption.Value, to target: inout Target) throws {
        switch (effect, value) {
        case (.flag(let change), .flag(let value)): try change(&target, value)
        case (.text(let change), .text(let value)): try change(&target, value)
        case (.part(let index, let change), _): try change(&target, index, value)
        default: break
        }
    }
}

/// A value with options of its own: a command, or a part that several commands share.
package protocol OptionGroup {
    init()
    static var options: [CommandOption<Self>] { get }
}

extension Array {
    /// The same options for a value that holds `Part`: `ProcessOptions.options.lifted { try $1(&$0.process) }`.
    /// `reach` runs only for options that are given. It is a closure because the first key path of a process costs 0.05 ms.
    package func lifted<Part, Whole>(
        _ reach: @escaping (inout Whole, (inout Part) throws -> Void) throws -> Void
    ) -> [CommandOption<Whole>] where Element == CommandOption<Part> {
        let change = { (whole: inout Whole, index: Int, value: GivenOption.Value) throws in
            try reach(&whole) { try self[index].apply(value, to: &$0) }
        }
        var lifted: [CommandOption<Whole>] = []
        lifted.reserveCapacity(count)
        for index in indices { lifted.append(CommandOption<Whole>(spelling: self[index].spelling, effect: .part(index, change))) }
        return lifted
    }
}
