// SPDX-License-Identifier: Apache-2.0
import Glibc
package import Linux
package import OCI

/// A filter ready to install: the program and how to load it.
package struct SeccompFilter: Sendable {
    package let program: SeccompProgram
    package let flags: SeccompFlags
}

/// Why a profile cannot become a filter.
package enum SeccompFilterError: Error, Equatable, CustomStringConvertible {
    /// `args[].index` is not 0 to 5.
    case noSuchArgument(UInt)
    /// An action that cannot carry an errno has one, or it is too large.
    case errnoOutOfPlace(UInt, Spec.Seccomp.Action)
    /// Notifying about everything, or about `write`, would stop the runtime itself before it can hand the listener over.
    case unusableNotify(String)
    case tooLong

    package var description: String {
        switch self {
        case .noSuchArgument(let index): "seccomp: there is no argument \(index), use 0 to 5"
        case .errnoOutOfPlace(let code, let action):
            "seccomp: errno \(code) with \(action.rawValue): only SCMP_ACT_ERRNO (to 4095) and SCMP_ACT_TRACE (to 65535) take one"
        case .unusableNotify(let what): "seccomp: SCMP_ACT_NOTIFY cannot be used \(what)"
        case .tooLong: "seccomp: the profile needs more than the 4096 instructions the kernel takes, use fewer rules"
        }
    }
}

extension SeccompFilter {
    /// Compiles a profile as runc means it: names and architectures that libseccomp does not know are passed over, and where the
    /// default is to refuse, calls newer than everything the profile names answer ENOSYS, so that programs fall back.
    package init(compiling profile: Spec.Seccomp) throws(SeccompFilterError) {
        let fallback = try SeccompAction(profile.defaultAction, errno: profile.defaultErrnoRet)
        guard fallback != .notify else { throw .unusableNotify("as the default action") }
        var tables: [SeccompTable] = [SeccompTable(.native)]
        for architecture in profile.architectures ?? [] {
            guard let known = SeccompArchitecture(architecture) else { continue }
            if !tables.contains(where: { $0.architecture == known }) { tables.append(SeccompTable(known)) }
        }
        var notifies = false
        for call in profile.syscalls ?? [] {
            let action = try SeccompAction(call.action, errno: call.errnoRet)
            if action == .notify {
                notifies = true
                guard !call.names.contains("write") else { throw .unusableNotify("for the write syscall") }
            }
            let alternatives = try Self.alternatives(call.args ?? [])
            for index in tables.indices { tables[index].add(call.names, alternatives, action) }
        }
        let beyond = fallback.refuses ? SeccompAction.errno(UInt16(ENOSYS)) : fallback
        guard let program = SeccompProgram(tables, otherwise: fallback, beyond: beyond) else { throw .tooLong }
        self.init(program: program, flags: SeccompFlags(profile.flags ?? [], notifies: notifies))
    }

    /// Sets of conditions of which one must hold. Conditions on different arguments hold together; as soon as two are about the
    /// same argument each counts alone. The specification does not say so, but profiles are written for runc, which does.
    private static func alternatives(_ arguments: [Spec.Seccomp.Argument]) throws(SeccompFilterError) -> [[SeccompCondition]] {
        var conditions: [SeccompCondition] = []
        for argument in arguments { conditions.append(try SeccompCondition(argument)) }
        let distinct = Set(conditions.map(\.argument)).count == conditions.count
        return distinct ? [conditions] : conditions.map { [$0] }
    }
}

extension SeccompTable {
    fileprivate mutating func add(_ names: [String], _ alternatives: [[SeccompCondition]], _ action: SeccompAction) {
        for name in names {
            guard let entry = architecture.entry(name) else { continue }
            if let number = entry.number {
                for conditions in alternatives { rules.append(SeccompRule(number: number, conditions: conditions, action: action)) }
            }
            // Behind a multiplexer the arguments are in memory: only rules that do not look at them apply.
            if let (number, call) = entry.multiplexed, alternatives == [[]],
                let asked = SeccompCondition(argument: 0, .masked(mask: 0xFFFF, value: UInt64(call)))
            {
                rules.append(SeccompRule(number: number, conditions: [asked], action: action))
            }
        }
    }
}

extension SeccompCondition {
    fileprivate init(_ argument: Spec.Seccomp.Argument) throws(SeccompFilterError) {
        let comparison: Comparison =
            switch argument.op {
            case .equal: .equal(argument.value)
            case .notEqual: .notEqual(argument.value)
            case .less: .less(argument.value)
            case .lessOrEqual: .lessOrEqual(argument.value)
            case .greater: .greater(argument.value)
            case .greaterOrEqual: .greaterOrEqual(argument.value)
            case .maskedEqual: .masked(mask: argument.value, value: argument.valueTwo ?? 0)
            }
        guard let index = Int(exactly: argument.index), let condition = SeccompCondition(argument: index, comparison) else {
            throw .noSuchArgument(argument.index)
        }
        self = condition
    }
}

extension SeccompAction {
    /// Without a number ERRNO and TRACE give EPERM (config-linux.md).
    fileprivate init(_ action: Spec.Seccomp.Action, errno: UInt?) throws(SeccompFilterError) {
        let limit: UInt = action == .errno ? 4095 : action == .trace ? 65535 : 0
        let code = errno ?? (limit == 0 ? 0 : 1)
        guard code <= limit else { throw .errnoOutOfPlace(code, action) }
        self =
            switch action {
            case .kill, .killThread: .killThread
            case .killProcess: .killProcess
            case .trap: .trap
            case .errno: .errno(UInt16(code))
            case .trace: .trace(UInt16(code))
            case .allow: .allow
            case .log: .log
            case .notify: .notify
            }
    }
}

extension SeccompFlags {
    fileprivate init(_ words: [Spec.Seccomp.Flag], notifies: Bool) {
        self = notifies ? [.newListener] : []
        for word in words {
            switch word {
            // One thread installs the filter and then execs: there is nothing to synchronise, and the kernel refuses it with a listener.
            case .tsync: if !notifies { insert(.synchronizeThreads) }
            case .log: insert(.log)
            case .specAllow: insert(.allowSpeculation)
            case .waitKillableReceive: if notifies { insert(.waitKillable) }
            }
        }
    }
}

extension SeccompArchitecture {
    /// `SCMP_ARCH_X86_64` is libseccomp's `x86_64`. Nil if this libseccomp does not know it.
    fileprivate init?(_ word: Spec.Seccomp.Architecture) {
        self.init(word.rawValue.dropFirst("SCMP_ARCH_".utf8.count).lowercased())
    }
}
