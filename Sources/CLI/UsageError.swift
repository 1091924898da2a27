// SPDX-License-Identifier: Apache-2.0

/// A command line that cannot be understood; the door prints it and exits 125.
package struct UsageError: Error, Equatable {
    /// What is wrong and how to put it right, lower case, no full stop.
    package var message: String
    /// The command it was said to, `minictl network create`; empty while only a value is being looked at.
    package var command: String

    package init(_ message: String, command: String = "") {
        self.message = message
        self.command = command
    }
}

extension UsageError: CustomStringConvertible {
    package var description: String {
        command.isEmpty ? message : "\(message); see '\(command) --help'"
    }
}
