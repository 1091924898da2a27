// SPDX-License-Identifier: Apache-2.0
import Engine
import Glibc
import Linux
import OCI
import Runtime
import Testing

/// Numbers that repeat in every run.
private struct Sequence64: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 16 | state << 48
    }
}

private let values: [UInt64] = [0, 1, 8, 37, 38, 39, 40, 41, 0xFFFF, 0x7E02_0000, 0xFFFF_FFFF, 1 << 32, 1 << 32 | 38, .max]

@Suite struct SeccompCompilerTests {
    /// Every call that libseccomp knows, on x86_64, i386 and x32.
    private func calls(_ rounds: [[UInt64]]) -> [Call] {
        (UInt32(0)..<451).filter { !(335...423 ~= $0) }.flatMap { number in
            rounds.flatMap { arguments in
                // Of an x32 argument the library looks at the lower half only.
                let narrow = arguments.map { $0 & 0xFFFF_FFFF }
                return [
                    Call(number: number, arguments: arguments), Call(architecture: Call.x86, number: number, arguments: narrow),
                    Call(number: number | Call.x32Bit, arguments: narrow),
                ]
            }
        }
    }

    @Test("libseccomp decides the same for the default profile, in more than twice the instructions")
    func defaults() throws {
        let profile = DefaultSeccomp(capabilities: DefaultCapabilities.names, architecture: .x8664).profile
        let ours = try SeccompFilter(compiling: profile).program
        let theirs = try #require(libraryProgram(profile))
        #expect(ours.instructions.count * 2 < theirs.instructions.count)
        for call in calls(values.map { [$0, $0, $0, 0, 0, 0] }) {
            #expect(ours.decision(call) == theirs.decision(call), "\(call)")
        }
    }

    /// Profiles with up to `most` rules for a name. Calls that i386 multiplexes are left out.
    private func randomProfile(_ numbers: inout Sequence64, allowing: Bool, most: Int, values: [UInt64]) -> Spec.Seccomp {
        let names = ["read", "write", "openat", "ioctl", "prctl", "kill", "futex", "mmap", "dup3", "personality", "clone", "statx"]
        var calls: [Spec.Seccomp.Syscall] = []
        for name in names.shuffled(using: &numbers).prefix(8) {
            for _ in 0..<Int.random(in: 1...most, using: &numbers) {
                let indices = [0, 1, 2].shuffled(using: &numbers).prefix(Int.random(in: 1...3, using: &numbers))
                let arguments = indices.map { index in
                    let operation = Spec.Seccomp.Operator.allCases.randomElement(using: &numbers) ?? .equal
                    let mask = values.randomElement(using: &numbers) ?? 0
                    let value = (values.randomElement(using: &numbers) ?? 0) & mask
                    return Spec.Seccomp.Argument(index: UInt(index), value: mask, valueTwo: value, op: operation)
                }
                calls.append(.init(names: [name], action: allowing ? .allow : .errno, errnoRet: allowing ? nil : 13, args: arguments))
            }
        }
        return Spec.Seccomp(defaultAction: allowing ? .errno : .allow, architectures: [.x8664, .x86, .x32], syscalls: calls)
    }

    @Test("libseccomp decides the same for random profiles with one rule for a name", arguments: 0..<12)
    func library(seed: Int) throws {
        var numbers = Sequence64(state: UInt64(seed))
        let small = values.filter { $0 <= 0xFFFF_FFFF }
        let profile = randomProfile(&numbers, allowing: seed % 2 == 0, most: 1, values: small)
        let ours = try SeccompFilter(compiling: profile).program
        let theirs = try #require(libraryProgram(profile))
        let rounds = (0..<40).map { _ in (0..<3).map { _ in values.randomElement(using: &numbers) ?? 0 } }
        for call in calls(rounds) {
            let (our, their) = (ours.decision(call), theirs.decision(call))
            // Newer than all the profile names.
            if our == .errno(UInt16(ENOSYS)), their == .errno(UInt16(EPERM)) { continue }
            #expect(our == their, "\(call) of \(profile)")
        }
    }

    /// What a profile says, taken at its word. With several rules for a name libseccomp 2.5 gets some comparisons of order wrong.
    private func meaning(_ rule: Spec.Seccomp.Syscall, _ arguments: [UInt64]) -> Bool {
        (rule.args ?? []).allSatisfy { condition in
            let value = arguments[Int(condition.index)]
            return switch condition.op {
            case .notEqual: value != condition.value
            case .less: value < condition.value
            case .lessOrEqual: value <= condition.value
            case .equal: value == condition.value
            case .greaterOrEqual: value >= condition.value
            case .greater: value > condition.value
            case .maskedEqual: value & condition.value == condition.valueTwo ?? 0
            }
        }
    }

    @Test("Several rules for a name mean what they say", arguments: 0..<24)
    func random(seed: Int) throws {
        var numbers = Sequence64(state: UInt64(seed))
        let allowing = seed % 2 == 0
        let profile = randomProfile(&numbers, allowing: allowing, most: 4, values: values)
        let program = try SeccompFilter(compiling: profile).program
        for name in Set((profile.syscalls ?? []).flatMap(\.names)) {
            let number = try #require(SeccompArchitecture("x86_64")?.entry(name)?.number)
            let rules = (profile.syscalls ?? []).filter { $0.names == [name] }
            for _ in 0..<200 {
                let arguments = (0..<3).map { _ in values.randomElement(using: &numbers) ?? 0 }
                let matched = rules.contains { meaning($0, arguments) }
                let expected: SeccompAction = matched == allowing ? .allow : matched ? .errno(13) : .errno(1)
                #expect(program.decision(Call(number: number, arguments: arguments)) == expected, "\(arguments) of \(rules)")
            }
        }
    }

    @Test("Of several rules that hold the first decides; one without conditions decides before all")
    func order() throws {
        let low = Spec.Seccomp.Argument(index: 0, value: 10, op: .less)
        let rules: [Spec.Seccomp.Syscall] = [
            .init(names: ["dup"], action: .errno, errnoRet: 5, args: [low]),
            .init(names: ["dup"], action: .errno, errnoRet: 6, args: [low]),
            .init(names: ["dup2"], action: .errno, errnoRet: 5, args: [low]), .init(names: ["dup2"], action: .errno, errnoRet: 6),
            .init(names: ["dup2"], action: .errno, errnoRet: 7),
        ]
        let program = try SeccompFilter(compiling: Spec.Seccomp(defaultAction: .allow, syscalls: rules)).program
        #expect(program.decision(Call(number: 32, arguments: [3])) == .errno(5))
        #expect(program.decision(Call(number: 32, arguments: [30])) == .allow)
        #expect(program.decision(Call(number: 33, arguments: [3])) == .errno(6))
    }

    @Test("Two comparisons with one argument are alternatives, as in runc")
    func sameArgument() throws {
        let arguments = [1, 2].map { Spec.Seccomp.Argument(index: 0, value: $0, op: .equal) }
        let profile = Spec.Seccomp(
            defaultAction: .errno, architectures: [.x8664], syscalls: [.init(names: ["dup"], action: .allow, args: arguments)])
        let program = try SeccompFilter(compiling: profile).program
        #expect([0, 1, 2].map { program.decision(Call(number: 32, arguments: [$0])) } == [.errno(1), .allow, .allow])
    }

    @Test("A rule for socket is a rule for i386's socketcall too")
    func multiplexer() throws {
        let profile = Spec.Seccomp(
            defaultAction: .allow, architectures: [.x8664, .x86],
            syscalls: [.init(names: ["socket", "shmget"], action: .errno, errnoRet: 13)])
        let program = try SeccompFilter(compiling: profile).program
        func decide(_ number: UInt32, _ argument: UInt64) -> SeccompAction? {
            program.decision(Call(architecture: Call.x86, number: number, arguments: [argument]))
        }
        #expect(decide(102, 1) == .errno(13))
        #expect(decide(102, 2) == .allow)
        #expect(decide(359, 0) == .errno(13))
        #expect(decide(117, 23) == .errno(13))
        #expect(decide(117, 0x1_0017) == .errno(13))
    }

    @Test("Every action has its value")
    func actions() throws {
        let expected: [(Spec.Seccomp.Action, UInt?, UInt32)] = [
            (.kill, nil, 0), (.killThread, nil, 0), (.killProcess, nil, 0x8000_0000), (.trap, nil, 0x3_0000), (.errno, nil, 0x5_0001),
            (.errno, 38, 0x5_0026), (.trace, 7, 0x7FF0_0007), (.allow, nil, 0x7FFF_0000), (.log, nil, 0x7FFC_0000),
            (.notify, nil, 0x7FC0_0000),
        ]
        for (action, code, value) in expected {
            let profile = Spec.Seccomp(
                defaultAction: action == .allow ? .errno : .allow, syscalls: [.init(names: ["getpid"], action: action, errnoRet: code)])
            let filter = try SeccompFilter(compiling: profile)
            #expect(filter.program.decision(Call(number: 39))?.rawValue == value)
            #expect(filter.flags.contains(.newListener) == (action == .notify))
        }
    }

    @Test("A default that lets through stays the answer for new numbers")
    func permissiveDefault() throws {
        let profile = Spec.Seccomp(defaultAction: .log, syscalls: [.init(names: ["getpid"], action: .errno)])
        #expect(try SeccompFilter(compiling: profile).program.decision(Call(number: 9999)) == .log)
    }

    @Test("Profiles that cannot be meant are errors")
    func errors() {
        func compile(_ profile: Spec.Seccomp) -> SeccompFilterError? {
            do throws(SeccompFilterError) { _ = try SeccompFilter(compiling: profile) } catch { return error }
            return nil
        }
        func rule(_ name: String, _ action: Spec.Seccomp.Action, errno: UInt? = nil, index: UInt = 0) -> Spec.Seccomp {
            let argument = Spec.Seccomp.Argument(index: index, value: 0, op: .equal)
            return Spec.Seccomp(defaultAction: .allow, syscalls: [.init(names: [name], action: action, errnoRet: errno, args: [argument])])
        }
        #expect(compile(Spec.Seccomp(defaultAction: .notify)) == .unusableNotify("as the default action"))
        #expect(compile(rule("write", .notify)) == .unusableNotify("for the write syscall"))
        #expect(compile(rule("read", .errno, index: 6)) == .noSuchArgument(6))
        #expect(compile(rule("read", .errno, index: .max)) == .noSuchArgument(.max))
        #expect(compile(rule("read", .errno, errno: 4096)) == .errnoOutOfPlace(4096, .errno))
        #expect(compile(rule("read", .kill, errno: 1)) == .errnoOutOfPlace(1, .kill))
        #expect(compile(rule("no_such_call", .errno)) == nil)
    }
}
