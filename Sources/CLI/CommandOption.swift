// SPDX-License-Identifier: Apache-2.0

/// One option of a command: its spelling, and what it changes in the value that holds it; or all options of a part of that value.
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
        /// A part's options, and how one of them, by its place among them, changes the whole.
        case part([OptionSpelling], (inout Target, Int, GivenOption.Value) throws -> Void)
    }

    /// An empty heading for a part, whose options have their own.
    fileprivate let spelling: OptionSpelling
    fileprivate let effect: Effect

    private init(spelling: OptionSpelling, effect: Effect) {
        self.spelling = spelling
        self.effect = effect
    }

    fileprivate init(part spellings: [OptionSpelling], _ change: @escaping (inout Target, Int, GivenOption.Value) throws -> Void) {
        self.init(spelling: OptionSpelling(text: "", help: "", kind: .heading, isHidden: true), effect: .part(spellings, change))
    }

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
    /// How many options it stands for.
    fileprivate var count: Int {
        if case .part(let spellings, _) = effect { spellings.count } else { 1 }
    }

    fileprivate func apply(_ index: Int, _ value: GivenOption.Value, to target: inout Target) throws {
        switch (effect, value) {
        case (.flag(let change), .flag(let value)): try change(&target, value)
        case (.text(let change), .text(let value)): try change(&target, value)
        case (.part(_, let change), _): try change(&target, index, value)
        default: break
        }
    }
}

extension Array {
    /// The spellings of all options, those of parts included, in order.
    package func spellings<Target>() -> [OptionSpelling] where Element == CommandOption<Target> {
        var spellings: [OptionSpelling] = []
        // Where they lie: unspecialised, `map` goes through a witness for each element and a subscript copies it.
        withUnsafeBufferPointer { options in
            for index in options.indices {
                if case .part(let part, _) = options[index].effect { spellings += part } else { spellings.append(options[index].spelling) }
            }
        }
        return spellings
    }

    /// Changes `target` as one of the options says, by its place in `spellings`, given with a value of its kind.
    func apply<Target>(_ place: Int, _ value: GivenOption.Value, to target: inout Target) throws where Element == CommandOption<Target> {
        var place = place
        for option in self {
            if place < option.count { return try option.apply(place, value, to: &target) }
            place -= option.count
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
        [
            CommandOption<Whole>(part: spellings()) { whole, place, value in
                try reach(&whole) { try self.apply(place, value, to: &$0) }
            }
        ]
    }
}
