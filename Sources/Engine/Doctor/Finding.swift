// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

/// What came of looking at one thing that containers need of this machine.
package struct Finding: Sendable {
    package enum State: String, Sendable {
        case works = "ok"
        /// Containers run, but something that can be asked for is not to be had.
        case limited = "note"
        /// Without it no container runs.
        case fails
    }

    package let topic: String
    package let state: State
    /// What works or does not, and why.
    package let sentence: String
    /// A line for a shell, or what else to do about it.
    package let remedy: String?

    init(_ topic: String, _ state: State, _ sentence: String, remedy: String? = nil) {
        self.topic = topic
        self.state = state
        self.sentence = sentence
        self.remedy = remedy
    }
}

/// Something really tried, in a child of ours that ends with it, so that nothing of it stays.
enum Trial {
    /// Nil if it worked.
    /// - Parameter namespaces: new ones for the child; in a new user namespace it is root, with some ids of the range that containers have.
    static func run(in namespaces: Namespaces = [], _ body: () throws(SystemError) -> Void) -> SystemError? {
        let isUser = namespaces.contains(.user)
        do throws(SystemError) {
            try Errand.run(
                in: namespaces, prepare: { pid throws(SystemError) in if isUser { try map(pid) } },
                { () throws(SystemError) in
                    if isUser { try Process.becomeRoot() }
                    try body()
                    return nil
                })
            return nil
        } catch {
            return error
        }
    }

    private static func map(_ pid: pid_t) throws(SystemError) {
        let ranges = try? UserRanges.configured()
        try File.writeKernel("/proc/\(pid)/uid_map", "0 \(ranges?.users ?? 100_000) 65536\n")
        try File.writeKernel("/proc/\(pid)/gid_map", "0 \(ranges?.groups ?? 100_000) 65536\n")
    }
}

extension Home {
    /// Looks at everything, and tries what can be tried.
    package func examine() -> [Finding] {
        kernelFindings + storageFindings + cgroupFindings + idFindings + networkFindings + programFindings
    }
}
