// SPDX-License-Identifier: Apache-2.0

/// One verb of a program: its words, its options, and what it does. A door keeps each in a file of its own.
///
/// ```swift
/// struct Kill: Command {
///     static let name: StaticString = "kill"
///     static let summary: StaticString = "send a signal to running containers"
///     static let operands: Operands = "CONTAINER [CONTAINER...]"
///     static var options: [CommandOption<Self>] {
///         [.text("-s, --signal SIGNAL", "signal to send (default KILL)") { $0.signal = try Signal($1) }]
///     }
///     var signal = Signal.kill
///
///     func run(_ arguments: [String], in globals: Globals) throws -> Int32 { … }
/// }
/// ```
package protocol Command<Context>: OptionGroup {
    /// What was read before the verb: the door's global options.
    associatedtype Context

    static var name: StaticString { get }
    /// One sentence for the list of commands, lower case, no full stop.
    static var summary: StaticString { get }
    static var operands: Operands { get }
    /// False where everything after the first operand belongs to another program.
    static var isInterspersed: Bool { get }
    static var examples: [Example] { get }
    /// The exit status of an error that does not carry its own.
    static var failureStatus: Int32 { get }

    /// Does it, and gives the exit status. The number of `arguments` is within what `operands` says.
    mutating func run(_ arguments: [String], in context: Context) throws -> Int32
}

extension Command {
    package static var operands: Operands { "" }
    package static var options: [CommandOption<Self>] { [] }
    package static var isInterspersed: Bool { true }
    package static var examples: [Example] { [] }
    package static var failureStatus: Int32 { 1 }
}

/// A command line worth knowing, for help and manual pages.
package struct Example: Sendable {
    let line: StaticString
    let effect: StaticString

    package init(_ line: StaticString, _ effect: StaticString) {
        self.line = line
        self.effect = effect
    }
}

/// An error that may know which status the program should exit with; nil for the command's `failureStatus`.
package protocol ExitStatusError: Error {
    var exitStatus: Int32? { get }
}
