// SPDX-License-Identifier: Apache-2.0

/// What can be said of a container now.
package enum Status: Equatable, Sendable {
    case created
    case running
    case paused
    /// Over with that code, and its monitor is about to start it again.
    case restarting(Int32?)
    /// Over; the code is nil when it could not be learned.
    case exited(Int32?)

    /// docker's word for it.
    package var word: String {
        switch self {
        case .created: "created"
        case .running: "running"
        case .paused: "paused"
        case .restarting: "restarting"
        case .exited: "exited"
        }
    }

    /// Whether it has processes.
    package var isUp: Bool { self == .running || self == .paused }

    /// Whether it has processes, or will have without anybody's doing.
    package var isGoingOn: Bool { if case .restarting = self { true } else { isUp } }

    package enum Verb: Sendable { case start, stop, signal, exec, pause, resume, remove }

    package func allows(_ verb: Verb) -> Bool {
        switch (verb, self) {
        case (.start, .created), (.start, .exited), (.remove, .created), (.remove, .exited): true
        case (.stop, .running), (.stop, .paused), (.stop, .restarting), (.signal, .running), (.signal, .paused), (.exec, .running),
            (.pause, .running),
            (.resume, .paused):
            true
        default: false
        }
    }
}
