// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// One of the limits of `getrlimit(2)`.
package struct ResourceLimit: Sendable, Equatable {
    package let kind: Kind
    /// `UInt64.max` is unlimited.
    package var soft: UInt64
    package var hard: UInt64

    package init(_ kind: Kind, soft: UInt64, hard: UInt64) {
        self.kind = kind
        self.soft = soft
        self.hard = hard
    }

    package struct Kind: Sendable, Equatable {
        /// The word of `ulimit`-like options, for example `nofile`.
        package let name: String
        let number: CInt

        private static let table: [(StaticString, CInt)] = [
            ("cpu", 0), ("fsize", 1), ("data", 2), ("stack", 3), ("core", 4), ("rss", 5), ("nproc", 6), ("nofile", 7), ("memlock", 8),
            ("as", 9),
            ("locks", 10), ("sigpending", 11), ("msgqueue", 12), ("nice", 13), ("rtprio", 14), ("rttime", 15),
        ]

        /// Reads `nofile` and `RLIMIT_NOFILE`.
        package init?(_ word: String) {
            var name = word.lowercased()
            if name.hasPrefix("rlimit_") { name.removeFirst(7) }
            guard let entry = Self.table.first(where: { $0.0.description == name }) else { return nil }
            self.name = name
            number = entry.1
        }

        /// Whether a process that is over it gets no more memory, be it for its stack alone.
        package var boundsMemory: Bool { ["data", "stack", "as"].contains(name) }

        /// Whether a process that is over it gets no more descriptors.
        package var boundsFiles: Bool { name == "nofile" }

        /// `RLIMIT_NOFILE`, as the OCI runtime spec writes it.
        package var specName: String { "RLIMIT_\(name.uppercased())" }

        package static let names = table.map { $0.0.description }
    }

    /// The nearest to it that is no lower than that.
    package func atLeast(_ least: UInt64) -> ResourceLimit { ResourceLimit(kind, soft: max(soft, least), hard: max(hard, least)) }

    /// The limit this process has now.
    package init(current kind: Kind) throws(SystemError) {
        var raw = rlimit()
        try check("getrlimit", kind.name) { linux_getrlimit(kind.number, &raw) }
        self.init(kind, soft: UInt64(raw.rlim_cur), hard: UInt64(raw.rlim_max))
    }

    /// The corresponding call is `setrlimit(2)`; raising the hard limit needs `CAP_SYS_RESOURCE` in the first user namespace.
    package func apply() throws(SystemError) {
        var raw = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
        try check("setrlimit", kind.name) { linux_setrlimit(kind.number, &raw) }
    }

    /// Raises the hard limit of another process to this one's, if it is lower: from inside a user namespace nobody can, whatever rights
    /// this process has. The corresponding call is `prlimit(2)`.
    package func raise(of pid: Int32) throws(SystemError) {
        var raw = rlimit()
        try check("prlimit", kind.name) { linux_prlimit(pid, kind.number, nil, &raw) }
        guard UInt64(raw.rlim_max) < hard else { return }
        raw.rlim_max = rlim_t(hard)
        try check("prlimit", kind.name) { linux_prlimit(pid, kind.number, &raw, nil) }
    }

    /// The nearest limit that this process may set.
    package func clamped() throws(SystemError) -> ResourceLimit {
        let current = try ResourceLimit(current: kind)
        return ResourceLimit(kind, soft: min(soft, current.hard), hard: min(hard, current.hard))
    }
}
