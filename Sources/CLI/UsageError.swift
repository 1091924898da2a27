// SPDX-License-Identifier: Apache-2.0

/// A command line that cannot be understood; the door prints it and exits as docker does: 125, but 1 for a command that there is not, and
/// as the command does when it fails for too few or too many operands.
package struct UsageError: Error, Equatable {
    /// What is wrong and how to put it right, lower case, no full stop.
    package var message: String
    /// The command it was said to, `minictl network create`; empty while only a value is being looked at.
    package var command: String
    /// Nil for the command's own.
    let exitStatus: Int32?

    package init(_ message: String, command: String = "") { self.init(message, command: command, exitStatus: Self.exitStatus) }

    init(_ message: String, command: String = "", exitStatus: Int32?) {
        self.message = message
        self.command = command
        self.exitStatus = exitStatus
    }
}

extension UsageError: CustomStringConvertible {
    package var description: String {
        command.isEmpty ? message : "\(message); see '\(command) --help'"
    }
}
