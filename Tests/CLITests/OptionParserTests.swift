// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CLI

struct Resources: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .heading("Resources"),
            .text("-m, --memory BYTES", "memory limit") { $0.memory = try ByteSize($1).bytes },
        ]
    }
    var memory: Int64 = 0
}

struct Sample: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .flag("-i, --interactive", "keep standard input open") { $0.interactive = $1 },
            .flag("-t, --tty", "allocate a terminal") { $0.tty = $1 },
            .flag("--rm", "remove the container when it exits") { $0.rm = $1 },
            .text("-e, --env KEY=VALUE", "set a variable") { $0.env.append($1) },
            .text("-v, --volume SRC:DST", "mount a volume") { $0.volumes.append($1) },
            .text("--network|--net NAME", "join a network") { $0.network = $1 },
            .text("-h, --hostname NAME", "host name") { $0.hostname = $1 },
        ] + Resources.options.lifted { try $1(&$0.resources) }
    }
    var interactive = false
    var tty = false
    var rm = false
    var env: [String] = []
    var volumes: [String] = []
    var network = ""
    var hostname = ""
    var resources = Resources()
}

private func read(
    _ words: String..., interspersed: Bool = false
) throws(UsageError) -> (options: Sample, outcome: ParseOutcome) {
    var sample = Sample()
    let outcome = try OptionParser(table: Sample.options, isInterspersed: interspersed).parse(words[...], into: &sample)
    return (sample, outcome)
}

@Suite struct OptionParserTests {
    @Test(arguments: [
        ["--env", "A=1"], ["--env=A=1"], ["-e", "A=1"], ["-eA=1"], ["-e=A=1"], ["-ite", "A=1"], ["-iteA=1"], ["-ite=A=1"],
    ])
    func `A value is taken in every spelling pflag has`(words: [String]) throws {
        var sample = Sample()
        let outcome = try OptionParser(table: Sample.options, isInterspersed: false).parse(words[...], into: &sample)
        #expect(sample.env == ["A=1"])
        #expect(outcome == .operands([]))
    }

    @Test(arguments: [
        ("-e=A", "A"), ("-e=", "="), ("--env=", ""), ("-e==", "="), ("-e--", "--"), ("--env=--rm", "--rm"), ("-eé=ü", "é=ü"),
    ])
    func `A value keeps every byte after the sign`(word: String, value: String) throws {
        #expect(try read(word).options.env == [value])
    }

    @Test func `An option may look like another option's value`() throws {
        #expect(try read("--env", "--rm").options.env == ["--rm"])
        #expect(try read("-e", "-").options.env == ["-"])
        #expect(try read("-e", "--", "x").options.env == ["--"])
    }

    @Test func `Letters cluster and the last may take a value`() throws {
        let (options, outcome) = try read("-itv", "a:b", "image", "-i")
        #expect(options.interactive && options.tty && options.volumes == ["a:b"])
        #expect(outcome == .operands(["image", "-i"]))
    }

    @Test(arguments: ["1", "t", "T", "true", "TRUE", "True"])
    func `A switch is on for Go's words for true`(word: String) throws {
        #expect(try read("--rm=\(word)").options.rm)
    }

    @Test(arguments: ["0", "f", "F", "false", "FALSE", "False"])
    func `A switch is off for Go's words for false`(word: String) throws {
        #expect(try !read("--rm", "--rm=\(word)").options.rm)
        #expect(try !read("-t", "-it=\(word)").options.tty)
    }

    @Test func `A switch does not take the next word`() throws {
        let (options, outcome) = try read("--rm", "false")
        #expect(options.rm)
        #expect(outcome == .operands(["false"]))
    }

    @Test func `Options stop at the first operand for run and exec`() throws {
        let (options, outcome) = try read("image", "--rm", "--", "x")
        #expect(!options.rm)
        #expect(outcome == .operands(["image", "--rm", "--", "x"]))
    }

    @Test func `Options may follow operands elsewhere, up to two dashes`() throws {
        let (options, outcome) = try read("a", "--rm", "b", "--", "-t", interspersed: true)
        #expect(options.rm && !options.tty)
        #expect(outcome == .operands(["a", "b", "-t"]))
    }

    @Test func `Two dashes end the options and vanish, one dash is an operand`() throws {
        #expect(try read("--", "--rm").outcome == .operands(["--rm"]))
        #expect(try read("-", "--rm").outcome == .operands(["-", "--rm"]))
    }

    @Test func `Repeated options append, aliases are the same option, shared options reach their part`() throws {
        let options = try read("-e", "A", "--env=B", "--net", "x", "-m", "64m").options
        #expect(options.env == ["A", "B"])
        #expect(options.network == "x")
        #expect(options.resources.memory == 64 << 20)
    }

    @Test func `Help is asked for by name, and by letter where the letter is free`() throws {
        #expect(try read("--help").outcome == .help)
        #expect(try read("-h", "web").options.hostname == "web")
        var resources = Resources()
        let parser = OptionParser(table: Resources.options, isInterspersed: true)
        #expect(try parser.parse(["-h"], into: &resources) == .help)
    }

    @Test(
        arguments: [
            (["--evn", "A"], "unknown flag: --evn (did you mean --env?)"),
            (["--interact"], "unknown flag: --interact (did you mean --interactive?)"),
            (["--zzz"], "unknown flag: --zzz"),
            (["-x"], "unknown flag: -x"),
            (["-ix"], "unknown flag: -x in -ix"),
            (["-rm"], "unknown flag: -r in -rm (did you mean --rm?)"),
            (["--memory"], "flag needs a value: --memory BYTES"),
            (["-itm"], "flag needs a value: --memory BYTES"),
            (["--rm=maybe"], "--rm: 'maybe' is neither true nor false"),
            (["-t=x"], "-t: 'x' is neither true nor false"),
            (["-m", "lots"], "-m: 'lots' is not a size, use a number with b, k, m, g or t, for example 512m"),
            (["--=x"], "bad flag syntax: --=x"),
            (["---rm"], "bad flag syntax: ---rm"),
            (["-é"], "unknown flag: -é"),
        ] as [([String], String)])
    func `A mistake is one sentence`(words: [String], sentence: String) {
        var sample = Sample()
        #expect(throws: UsageError(sentence)) {
            try OptionParser(table: Sample.options, isInterspersed: false).parse(words[...], into: &sample)
        }
    }

    @Test func `Only a plausible slip is suggested`() {
        let names = ["run", "rm", "ps", "images", "network"]
        #expect(names.nearest(to: "rnu") == "run")
        #expect(names.nearest(to: "imgaes") == "images")
        #expect(names.nearest(to: "net") == "network")
        #expect(["--memory-swap", "--memory", "--memory-reservation"].nearest(to: "--mem") == "--memory")
        #expect(names.nearest(to: "xyz") == nil)
        #expect(names.nearest(to: "") == nil)
        #expect(names.nearest(to: String(repeating: "r", count: 100_000)) == nil)
    }
}
