// SPDX-License-Identifier: Apache-2.0
import Linux
import OCI
import Testing

@testable import Cgroups

private typealias Rule = Spec.Resources.DeviceRule

/// What engines send: nothing but a few character devices, the making of any node, and no fuse.
private let usual: [Rule] = [
    Rule(allow: false, access: "rwm"),
    Rule(allow: true, type: .character, major: 1, minor: 3, access: "rwm"),
    Rule(allow: true, type: .character, major: 136, access: "rw"),
    Rule(allow: true, type: .character, access: "m"),
    Rule(allow: true, type: .block, access: "m"),
]

/// Executes a device program as the kernel's interpreter would, as far as such a program goes.
private func run(_ program: DeviceProgram, _ kind: DeviceRules.Kind, _ access: DeviceRules.Access, _ major: UInt32, _ minor: UInt32) throws
    -> Bool
{
    let context = [UInt32(access.rawValue) << 16 | (kind == .block ? 1 : 2), major, minor]
    var registers = [UInt64](repeating: 0xdead_beef, count: 11)
    var counter = 0
    for _ in 0...program.instructions.count {
        try #require(program.instructions.indices.contains(counter))
        let step = program.instructions[counter]
        counter += 1
        let (to, from) = (Int(step.destination), Int(step.source))
        let immediate = UInt64(bitPattern: Int64(step.immediate))
        switch step.operation {
        case BPFInstruction.loadWord: registers[to] = UInt64(context[Int(step.offset) / 4])
        case BPFInstruction.shiftRight: registers[to] >>= immediate
        case BPFInstruction.and: registers[to] &= immediate
        case BPFInstruction.move: registers[to] = immediate
        case BPFInstruction.copy: registers[to] = registers[from]
        case BPFInstruction.jumpIfEqual: if registers[to] == immediate { counter += Int(step.offset) }
        case BPFInstruction.jumpIfNot: if registers[to] != immediate { counter += Int(step.offset) }
        case BPFInstruction.exit: return registers[0] != 0
        default: Issue.record("unknown operation \(step.operation)")
        }
    }
    Issue.record("no end")
    return false
}

@Suite struct DeviceRulesTests {
    @Test func `version 1 takes the default and then the exceptions`() throws {
        let settings = try DeviceRules(usual).legacySettings().map { "\($0.file) \($0.text)" }
        #expect(
            settings == [
                "devices.deny a", "devices.allow c 1:3 rwm", "devices.allow c 136:* rw", "devices.allow c *:* m", "devices.allow b *:* m",
            ])
    }

    @Test func `a rule for everything makes those before it void`() throws {
        #expect(try DeviceRules(usual + [Rule(allow: true, type: .all)]).legacySettings().map(\.text) == ["a"])
        #expect(try DeviceRules([]).legacySettings().map { "\($0.file) \($0.text)" } == ["devices.deny a"])
    }

    @Test func `a rule for both kinds with numbers is one for each, where the kernel would take it for everything`() throws {
        let settings = try DeviceRules([Rule(allow: true, type: .all, major: 7, access: "r")]).legacySettings()
        #expect(settings.map(\.text) == ["a", "b 7:* r", "c 7:* r"])
    }

    @Test func `what is taken back whole leaves the list, part of a wider rule cannot be taken`() throws {
        let taken = usual + [Rule(allow: false, type: .character, major: 1, access: "rwm")]
        #expect { try DeviceRules(taken).legacySettings() } throws: { error in
            // `c *:* m` still lets 1:* be made.
            "\(error)".contains("c *:* m")
        }
        let whole = usual + [Rule(allow: false, type: .character, major: 136, access: "w")]
        #expect(try DeviceRules(whole).legacySettings().map(\.text).contains("c 136:* r"))
        let gone = usual + [Rule(allow: false, type: .character, major: 136, access: "rw")]
        #expect(try !DeviceRules(gone).legacySettings().map(\.text).contains { $0.hasPrefix("c 136") })
    }

    @Test func `numbers and letters out of range are refused`() {
        for rule in [
            Rule(allow: true, type: .character, major: -2), Rule(allow: true, major: 1 << 40), Rule(allow: true, minor: .max),
            Rule(allow: true, access: "rx"), Rule(allow: true, access: "r\n"),
        ] {
            #expect(throws: CgroupError.self) { try DeviceRules([rule]) }
        }
        #expect(throws: Never.self) { try DeviceRules([Rule(allow: true, type: .block, major: -1, minor: -1, access: "")]) }
    }
}

@Suite struct DeviceProgramTests {
    @Test func `the usual rules let a container read null and make nodes, and nothing else`() throws {
        let program = DeviceProgram(try DeviceRules(usual))
        #expect(try run(program, .character, [.read, .write], 1, 3))
        #expect(try !run(program, .block, [.read], 1, 3))
        #expect(try !run(program, .character, [.read], 1, 11))
        #expect(try run(program, .character, [.makeNode], 1, 11))
        #expect(try run(program, .block, [.makeNode], 254, 0))
        #expect(try !run(program, .block, [.makeNode, .read], 254, 0))
        #expect(try run(program, .character, [.write], 136, 77))
    }

    @Test func `the last rule that speaks of an access decides it`() throws {
        let program = DeviceProgram(
            try DeviceRules(
                usual + [
                    Rule(allow: false, type: .character, major: 10, minor: 229, access: "rwm"),
                    Rule(allow: true, type: .character, major: 10, access: "r"),
                ]))
        #expect(try !run(program, .character, [.makeNode], 10, 229))
        #expect(try run(program, .character, [.read], 10, 229))
        #expect(try !run(program, .character, [.read, .write], 10, 229))
        #expect(try run(program, .character, [.makeNode], 10, 228))
    }

    @Test func `two rules may grant one request together`() throws {
        let program = DeviceProgram(
            try DeviceRules([
                Rule(allow: true, type: .block, major: 8, minor: 0, access: "r"), Rule(allow: true, type: .block, major: 8, access: "w"),
            ]))
        #expect(try run(program, .block, [.read, .write], 8, 0))
        #expect(try !run(program, .block, [.read, .write], 8, 1))
    }

    @Test func `where everything is allowed, a rule takes out what it names`() throws {
        let program = DeviceProgram(try DeviceRules([Rule(allow: true), Rule(allow: false, type: .block, major: 8, access: "w")]))
        #expect(try run(program, .block, [.read], 8, 0))
        #expect(try !run(program, .block, [.read, .write], 8, 0))
        #expect(try run(program, .character, .all, 8, 0))
    }

    @Test func `a program agrees with a plain reading of the rules for every access of many devices`() throws {
        var random = Lehmer(state: 20_240_607)
        for _ in 0..<100 {
            let list = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                Rule(
                    allow: .random(using: &random), type: [.all, .block, .character].randomElement(using: &random),
                    major: [nil, 1, 2].randomElement(using: &random) ?? nil, minor: [nil, 1, 2].randomElement(using: &random) ?? nil,
                    access: ["r", "w", "m", "rw", "rwm", nil].randomElement(using: &random) ?? nil)
            }
            let rules = try DeviceRules(list)
            let program = DeviceProgram(rules)
            for kind in [DeviceRules.Kind.block, .character] {
                for bits in Int32(1)...7 {
                    for (major, minor) in [(1, 1), (1, 2), (2, 1), (3, 3)] as [(UInt32, UInt32)] {
                        let asked = DeviceRules.Access(rawValue: bits)
                        let expected = [DeviceRules.Access.makeNode, .read, .write].filter(asked.contains).allSatisfy { access in
                            let last = rules.rules.last {
                                $0.kind == kind && $0.access.contains(access) && ($0.major ?? major) == major
                                    && ($0.minor ?? minor) == minor
                            }
                            return last?.allow ?? rules.allowsByDefault
                        }
                        #expect(try run(program, kind, asked, major, minor) == expected, "\(list)")
                    }
                }
            }
        }
    }

    @Test func `instructions are encoded as the kernel lays them out`() {
        let step = BPFInstruction(operation: 0x61, destination: 4, source: 1, offset: 4, immediate: 0)
        #expect(step.encoded == 0x0000_0000_0004_1461)
        let negative = BPFInstruction(operation: 0x57, destination: 3, immediate: ~2)
        #expect(negative.encoded == 0xffff_fffd_0000_0357)
    }
}

private struct Lehmer: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
