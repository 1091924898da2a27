// SPDX-License-Identifier: Apache-2.0
import CCap
import CLinux
import Glibc

/// A set of capabilities (`capabilities(7)`), bit n for capability n. Names come from libcap, so none is written here.
package struct CapabilitySet: OptionSet, Sendable, Hashable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(arrayLiteral elements: CapabilitySet...) { self.init(rawValue: elements.reduce(0) { $0 | $1.rawValue }) }

    /// Reads `CAP_CHOWN`, `cap_chown`, `chown`. Nil for a name that libcap does not know.
    package init?(_ name: String) {
        let lower = name.lowercased()
        // libcap reads as far as it understands: of `net_admin,sys_time` the first half.
        guard lower.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_") }) else { return nil }
        var number: cap_value_t = 0
        guard cap_from_name(lower.hasPrefix("cap_") ? lower : "cap_" + lower, &number) == 0, number < 64 else { return nil }
        self.init(number)
    }

    package init(_ number: CInt) { rawValue = 1 << UInt64(number) }

    /// Everything this kernel has.
    package static var all: CapabilitySet { CapabilitySet(rawValue: (1 << UInt64(cap_max_bits())) - 1) }

    /// The numbers in the set, ascending.
    var numbers: [cap_value_t] { (0..<64).filter { rawValue >> UInt64($0) & 1 == 1 }.map { cap_value_t($0) } }

    /// `CAP_CHOWN` and so on, ascending by number.
    package var names: [String] {
        numbers.map { number in
            guard let name = cap_to_name(number) else { return "CAP_\(number)" }
            defer { cap_free(name) }
            return String(cString: name).uppercased()
        }
    }
}

/// The five sets of a process.
package struct ProcessCapabilities: Sendable, Equatable {
    package var bounding: CapabilitySet
    package var effective: CapabilitySet
    package var permitted: CapabilitySet
    package var inheritable: CapabilitySet
    package var ambient: CapabilitySet

    package init(
        bounding: CapabilitySet, effective: CapabilitySet, permitted: CapabilitySet, inheritable: CapabilitySet = [],
        ambient: CapabilitySet = []
    ) {
        self.bounding = bounding
        self.effective = effective
        self.permitted = permitted
        self.inheritable = inheritable
        self.ambient = ambient
    }
}

extension ProcessCapabilities {
    /// Those this process could still give: what is left in its bounding set.
    package static let available: CapabilitySet = {
        var set: CapabilitySet = []
        for number in 0..<cap_max_bits() where cap_get_bound(number) == 1 { set.insert(CapabilitySet(number)) }
        return set
    }()

    /// Shrinks the bounding set for good. The corresponding call is `prctl(PR_CAPBSET_DROP)`; it needs `CAP_SETPCAP`, so it comes first.
    package func limitBounding() throws(SystemError) {
        for number in 0..<cap_max_bits() where !bounding.contains(CapabilitySet(number)) {
            // Dropping is also right for numbers the set lost long ago; only those this kernel lacks are EINVAL.
            if linux_prctl(PR_CAPBSET_DROP, UInt(number), 0, 0, 0) != 0, errno != EINVAL {
                throw SystemError(call: "prctl", subject: "PR_CAPBSET_DROP", errno: errno)
            }
        }
    }

    /// Sets the other four. The corresponding calls are `capset(2)` and `prctl(PR_CAP_AMBIENT)`.
    package func apply() throws(SystemError) {
        guard let state = cap_init() else { throw SystemError(call: "cap_init", errno: errno) }
        defer { cap_free(UnsafeMutableRawPointer(state)) }
        for (flag, set) in [(CAP_EFFECTIVE, effective), (CAP_PERMITTED, permitted), (CAP_INHERITABLE, inheritable)] {
            let numbers = set.numbers
            if numbers.isEmpty { continue }
            try check("cap_set_flag") { cap_set_flag(state, flag, CInt(numbers.count), numbers, CAP_SET) }
        }
        try check("capset") { cap_set_proc(state) }
        // Setting ids raises nothing here, but a caller's ambient set would survive into the program.
        try check("prctl", "PR_CAP_AMBIENT_CLEAR_ALL") { linux_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0) }
        for number in ambient.numbers {
            try check("prctl", "PR_CAP_AMBIENT_RAISE") { linux_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_RAISE), UInt(number), 0, 0) }
        }
    }
}

/// The file system ids of another user, with every capability kept, for as long as this value lives: files made belong to that user,
/// checks pass as root's. The kernel takes the file capabilities away with fsuid 0, so they are raised again (`setfsuid(2)`).
package struct FileSystemIdentity: ~Copyable {
    private let saved: cap_t

    package init(user: UInt32, group: UInt32) throws(SystemError) {
        guard let saved = cap_get_proc() else { throw SystemError(call: "capget", errno: errno) }
        linux_setfsgid(group)
        linux_setfsuid(user)
        guard cap_set_proc(saved) == 0 else {
            let reason = errno
            Self.restore(saved)
            throw SystemError(call: "capset", errno: reason)
        }
        self.saved = saved
    }

    private static func restore(_ saved: cap_t) {
        linux_setfsuid(geteuid())
        linux_setfsgid(getegid())
        cap_set_proc(saved)
        cap_free(UnsafeMutableRawPointer(saved))
    }

    /// Our own ids again, now.
    package consuming func end() {}

    deinit { Self.restore(saved) }
}
