// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import CLI

struct Globals: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("--root DIR", "where everything is kept") { $0.root = $1 },
            .flag("-D, --debug", "say what is done") { $0.debug = $1 },
        ]
    }
    var root = ""
    var debug = false
}

struct Run: Command {
    static let name: StaticString = "run"
    static let summary: StaticString = "create a container and run a command in it"
    static let operands: Operands = "IMAGE [COMMAND] [ARG...]"
    static let isInterspersed = false
    static let failureStatus: Int32 = 125
    static let examples = [
        Example(
            "minictl run -it --rm alpine",
            "a shell in a fresh container, removed when it ends, with standard input and a terminal kept open")
    ]
    static var options: [CommandOption<Self>] {
        Sample.options.lifted { try $1(&$0.sample) } + [
            .heading("Storage"),
            .text("--pull always|missing|never", "fetch the image first") { _, _ in },
            .flag("--old", "kept for scripts", hidden: true) { _, _ in },
        ]
    }
    var sample = Sample()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 { Int32(arguments.count) }
}

struct Fail: Command {
    struct Failure: ExitStatusError, CustomStringConvertible {
        var exitStatus: Int32? { 126 }
        var description: String { "cannot" }
    }
    static let name: StaticString = "fail"
    static let summary: StaticString = "fail"
    func run(_ arguments: [String], in globals: Globals) throws -> Int32 { throw Failure() }
}

var sampleProgram: Program<Globals> {
    Program(
        name: "minictl", summary: "run containers", version: "1.0",
        [
            .heading("Containers"),
            .command(Run.self),
            .command(Fail.self, as: "fail", "crash"),
            .heading("Groups"),
            .group("network", "manage networks", [.command(Run.self, as: "create"), .command(Fail.self, as: "rm", "remove")]),
        ], foreign: { $0 == "bake" ? "ask a baker" : nil })
}

/// Runs the sample program and gives its status, its error sentence and the global options it read.
private func outcome(_ words: String...) -> (status: Int32, sentence: String, globals: Globals) {
    var sentence = ""
    var globals = Globals()
    let status = sampleProgram.main(["minictl"] + words) {
        sentence = $0
        globals = $1
    }
    return (status, sentence, globals)
}

@Suite struct ProgramTests {
    @Test func `The verb gets its words and gives the exit status`() {
        #expect(outcome("--root", "/x", "run", "-it", "alpine", "sh", "-c").status == 3)
        #expect(outcome("network", "create", "a").status == 1)
    }

    @Test(
        arguments: [
            (["rnu"], 1, "unknown command: 'rnu' (did you mean 'run'?); see 'minictl --help'"),
            (["network", "remvoe"], 1, "unknown command: 'remvoe'; see 'minictl network --help'"),
            (["network", "creat"], 1, "unknown command: 'creat' (did you mean 'create'?); see 'minictl network --help'"),
            (["network", "-x"], 125, "unknown flag: -x; see 'minictl network --help'"),
            (["--bug"], 125, "unknown flag: --bug (did you mean --debug?); see 'minictl --help'"),
            (["run", "--rmm"], 125, "unknown flag: --rmm (did you mean --rm?); see 'minictl run --help'"),
            (["run"], 125, "needs at least 1 argument (IMAGE [COMMAND] [ARG...]), got 0; see 'minictl run --help'"),
            (["fail", "x"], 1, "takes no arguments, got 1; see 'minictl fail --help'"),
            (["\u{1B}[2J"], 1, "unknown command: '\\x1b[2J'; see 'minictl --help'"),
            (["bake", "."], 1, "ask a baker; see 'minictl --help'"),
        ] as [([String], Int32, String)])
    func `A mistake names the command and exits as with docker`(words: [String], status: Int32, sentence: String) {
        var said = ""
        #expect(sampleProgram.main(["minictl"] + words) { text, _ in said = text } == status)
        #expect(said == sentence)
    }

    @Test func `An error may carry its own status, and the global options reach the report`() {
        let result = outcome("-D", "--root=/x", "crash")
        #expect(result.status == 126)
        #expect(result.sentence == "cannot")
        #expect(result.globals.debug && result.globals.root == "/x")
    }

    @Test(
        arguments: [
            ("", 0, 0), ("IMAGE", 1, 1), ("[NAME]", 0, 1), ("SRC DEST", 2, 2), ("CONTAINER [CONTAINER...]", 1, nil),
            ("[CONTAINER...]", 0, nil),
        ] as [(StaticString, Int, Int?)])
    func `The usage line says how many operands there are`(text: StaticString, least: Int, most: Int?) {
        let limits = Operands(stringLiteral: text).limits
        #expect(limits.least == least && limits.most == most)
    }

    @Test func `Help at 80 columns`() throws {
        let page = CommandPage(
            path: "minictl run", summary: Run.summary, operands: Run.operands, options: Run.options.spellings(), commands: [],
            examples: Run.examples)
        #expect(
            page.help(width: 80) == """
                Usage:  minictl run [OPTIONS] IMAGE [COMMAND] [ARG...]

                Create a container and run a command in it

                Options:
                  -i, --interactive      keep standard input open
                  -t, --tty              allocate a terminal
                      --rm               remove the container when it exits
                  -e, --env KEY=VALUE    set a variable
                  -v, --volume SRC:DST   mount a volume
                      --network NAME     join a network
                  -h, --hostname NAME    host name

                Resources:
                  -m, --memory BYTES     memory limit

                Storage:
                      --pull always|missing|never
                                         fetch the image first

                Examples:
                  minictl run -it --rm alpine
                      a shell in a fresh container, removed when it ends, with standard input
                      and a terminal kept open

                """)
    }

    @Test func `Help of the program lists commands under their headings`() {
        #expect(
            sampleProgram.rootPage.help(width: 80) == """
                Usage:  minictl [OPTIONS] COMMAND

                Run containers

                Containers:
                  run              create a container and run a command in it
                  fail             fail

                Groups:
                  network          manage networks

                Options:
                      --root DIR   where everything is kept
                  -D, --debug      say what is done

                Run 'minictl COMMAND --help' for more on a command.

                """)
    }

    @Test(arguments: [20, 40, 60]) func `Help fits narrow screens`(width: Int) {
        for line in sampleProgram.rootPage.help(width: width).split(separator: "\n")
        where !line.hasPrefix("Usage") && !line.hasPrefix("Run") {
            #expect(line.count <= max(width, 44))
        }
    }
}

@Suite struct OutputTests {
    @Test func `A pipe gets every byte, and its closed end is told apart from other errors`() throws {
        var ends: [CInt] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { close(ends[1]) }
        let output = Output(descriptor: ends[1], subject: "pipe")
        try output.write("abc\n")
        var buffer = [UInt8](repeating: 0, count: 16)
        #expect(read(ends[0], &buffer, buffer.count) == 4)
        #expect(!output.isTerminal && !output.isColoured)
        close(ends[0])
        let inherited = signal(SIGPIPE, SIG_IGN)
        defer { _ = signal(SIGPIPE, inherited) }
        do {
            try output.write("abc\n")
            Issue.record("a pipe without a reader took bytes")
        } catch { #expect(error.isBrokenPipe) }
    }
}
