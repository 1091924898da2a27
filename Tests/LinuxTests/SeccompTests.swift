// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Linux

@Suite struct SeccompArchitectureTests {
    @Test("A name has each architecture's own number") func numbers() throws {
        let wide = try #require(SeccompArchitecture("x86_64"))
        let narrow = try #require(SeccompArchitecture("x86"))
        let x32 = try #require(SeccompArchitecture("x32"))
        let arm = try #require(SeccompArchitecture("aarch64"))
        #expect([wide, narrow, x32, arm].map { $0.entry("getpid")?.number } == [39, 20, 0x4000_0027, 172])
        #expect([wide, narrow, x32, arm].map { $0.entry("execve")?.number } == [59, 11, 0x4000_0208, 221])
    }

    @Test("Calls newer than libseccomp have one number everywhere") func recent() throws {
        for (name, number) in [("cachestat", 451), ("mseal", 462), ("getxattrat", 464), ("listns", 470)] as [(String, UInt32)] {
            #expect(try #require(SeccompArchitecture("x86_64")).entry(name)?.number == number)
            #expect(try #require(SeccompArchitecture("x86")).entry(name)?.number == number)
            #expect(try #require(SeccompArchitecture("x32")).entry(name)?.number == number | 0x4000_0000)
        }
        #expect(try #require(SeccompArchitecture("x86_64")).entry("uretprobe")?.number == 335)
        #expect(try #require(SeccompArchitecture("x86")).entry("uretprobe") == nil)
    }

    @Test("Sockets of i386 have a door of their own and one in socketcall") func multiplexed() throws {
        let narrow = try #require(SeccompArchitecture("x86"))
        #expect(narrow.entry("socket") == .init(number: 359, multiplexed: (102, 1)))
        #expect(narrow.entry("accept") == .init(number: nil, multiplexed: (102, 5)))
        #expect(narrow.entry("shmget") == .init(number: 395, multiplexed: (117, 23)))
    }

    @Test("Unknown words are nil") func unknown() {
        #expect(SeccompArchitecture("pdp11") == nil)
        #expect(SeccompArchitecture("") == nil)
        #expect(SeccompArchitecture.native.entry("no_such_call") == nil)
        #expect(SeccompArchitecture.native.entry("") == nil)
    }
}

@Suite struct SeccompProgramTests {
    @Test("Only whole instructions, from 1 to 4096, are a program") func shape() {
        #expect(SeccompProgram(bytes: []) == nil)
        #expect(SeccompProgram(bytes: [UInt8](repeating: 6, count: 12)[...]) == nil)
        #expect(SeccompProgram(bytes: [UInt8](repeating: 6, count: 8 * 4097)[...]) == nil)
        #expect(SeccompProgram(bytes: [UInt8](repeating: 6, count: 8 * 4096)[...])?.instructions.count == 4096)
    }

    @Test("Bytes of a program make the same program") func roundTrip() throws {
        let rule = SeccompRule(number: 3, action: .errno(7))
        let program = try #require(SeccompProgram([SeccompTable(.native, rules: [rule])], otherwise: .allow, beyond: .allow))
        #expect(SeccompProgram(bytes: program.bytes[...])?.bytes == program.bytes)
    }

    @Test("More rules than the kernel takes are refused") func limit() {
        let rules = (0..<4000).map { number in
            SeccompRule(
                number: 5, conditions: [SeccompCondition(argument: 0, .equal(UInt64(number)))].compactMap { $0 }, action: .allow)
        }
        #expect(SeccompProgram([SeccompTable(.native, rules: rules)], otherwise: .trap, beyond: .trap) == nil)
    }

    @Test("Only arguments 0 to 5 exist") func arguments() {
        #expect(SeccompCondition(argument: -1, .equal(0)) == nil)
        #expect(SeccompCondition(argument: 6, .equal(0)) == nil)
        #expect(SeccompCondition(argument: 5, .equal(0)) != nil)
    }
}
