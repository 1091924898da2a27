// SPDX-License-Identifier: Apache-2.0
import JSON
import Testing

@testable import CLI

private let box: JSONValue = .object([
    "Name": "web", "ID": "0123456789abcdef", "Running": true, "Exit": 0, "Load": .double(1.5), "Args": ["sh", "-c", "true"],
    "Config": ["Labels": ["b": "2", "a": "1"], "Env": .null], "Ports": ["80/tcp": [["HostPort": "8080"]]], "Size": 42, "Empty": [],
])

@Suite struct TemplateTests {
    @Test(
        arguments: [
            ("plain", "plain"),
            ("{{.Name}}", "web"),
            ("{{ .Config.Labels.a }}", "1"),
            ("{{.Nothing}}", "<no value>"),
            ("{{.Config.Env.x.y}}", "<no value>"),
            ("{{.Args}} {{.Config.Labels}}", "[sh -c true] map[a:1 b:2]"),
            ("{{json .Config}}", #"{"Labels":{"b":"2","a":"1"},"Env":null}"#),
            ("{{json .Args}}", #"["sh","-c","true"]"#),
            ("{{range .Args}}<{{.}}>{{end}}", "<sh><-c><true>"),
            ("{{range $i, $a := .Args}}{{$i}}={{$a}};{{end}}", "0=sh;1=-c;2=true;"),
            ("{{range $k, $v := .Config.Labels}}{{$k}}{{$v}} {{end}}", "a1 b2 "),
            ("{{range .Empty}}x{{else}}none{{end}}", "none"),
            ("{{range .Args}}{{if eq . \"-c\"}}{{break}}{{end}}{{.}}{{end}}", "sh"),
            ("{{range .Args}}{{if eq . \"-c\"}}{{continue}}{{end}}{{.}}{{end}}", "shtrue"),
            ("{{range .Args}}{{$.Name}}{{end}}", "webwebweb"),
            ("{{if .Running}}up{{else}}down{{end}}", "up"),
            ("{{if .Exit}}bad{{else if .Empty}}full{{else}}fine{{end}}", "fine"),
            ("{{with .Config}}{{.Labels.b}}{{end}}", "2"),
            ("{{with .Config.Env}}x{{else}}{{.Name}}{{end}}", "web"),
            ("{{index .Config.Labels \"a\"}}|{{index .Config.Labels \"z\"}}", "1|"),
            ("{{(index (index .Ports \"80/tcp\") 0).HostPort}}", "8080"),
            ("{{index .Ports \"80/tcp\" 0 \"HostPort\"}}", "8080"),
            ("{{.Config.Labels \"a\"}}", "1"),
            ("{{len .Args}} {{len .Name}}", "3 3"),
            ("{{upper .Name}} {{.Name | upper | lower | title}}", "WEB Web"),
            ("{{join .Args \",\"}} {{.Args | join \",\"}}", "sh,-c,true sh,-c,true"),
            ("{{range split \"a,b\" \",\"}}[{{.}}]{{end}}", "[a][b]"),
            ("{{println .Name}}", "web\n"),
            ("{{print 1 2 \"x\"}}", "1 2x"),
            ("{{truncate .ID 4}} {{.ID | truncate 4}} {{truncate .Name 9}}", "0123 0123 web"),
            ("{{pad .Name 1 2}}|", " web  |"),
            ("{{slice .ID 2 4}}", "23"),
            ("{{eq .Name \"a\" \"web\"}} {{ne .Exit 0}} {{not .Running}}", "true false false"),
            ("{{lt .Exit 1}} {{ge .Load 1}} {{gt .Name \"a\"}}", "true true true"),
            ("{{and .Running .Name}} {{or .Exit \"zero\"}}", "web zero"),
            ("{{$x := .Name}}{{$x}}{{$x = \"y\"}}{{$x}}", "weby"),
            ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
            ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
            ("{{if $s := .Size}}{{$s}}{{end}}", "42"),
            ("a {{- .Name -}} b", "awebb"),
            ("a{{/* note }} */}}b", "ab"),
            ("{{\"}}\"}} {{`a\\n`}} {{\"a\\n\"}}", "}} a\\n a\n"),
            ("{{printf \"%-5s|%3d|%.2f|%t|%q|%v%%\" .Name 7 .Load .Running \"x\" .Exit}}", "web  |  7|1.50|true|\"x\"|0%"),
            ("{{-1}}", "-1"),
        ] as [(String, String)])
    func `A template says what Go's would`(source: String, text: String) throws {
        #expect(try Template(source).text(of: box) == text)
    }

    @Test(
        arguments: [
            ("{{.Name", "format, character 1: '{{' without '}}'"),
            ("ab{{foo .Name}}", "format, character 5: unknown function 'foo'"),
            ("{{uper .Name}}", "format, character 3: unknown function 'uper' (did you mean upper?)"),
            ("{{if .Name}}x", "format, character 1: 'if' without 'end'"),
            ("x{{end}}", "format, character 2: 'end' without a beginning"),
            ("{{if}}{{end}}", "format, character 1: a value is missing"),
            ("{{.Name |}}", "format, character 1: a value is missing"),
            ("{{$x}}", "format, character 3: undefined variable $x"),
            ("{{\"abc}}", "format, character 3: a text without its closing quote"),
            ("{{99999999999999999999x}}", "format, character 3: '99999999999999999999x' is not a number"),
            ("{{index .Args 3}}", "format, character 3: index: 3 is out of range"),
            ("{{index .Args -1}}", "format, character 3: index: -1 is out of range"),
            ("{{slice .Name 3 1}}", "format, character 3: slice: 3 is after 1"),
            ("{{truncate .Name -1}}", "format, character 3: truncate: -1 is out of range"),
            ("{{pad .Name 9223372036854775807 0}}", "format, character 3: pad: pads by 0 to 4096"),
            ("{{range .Size}}{{end}}", "format, character 1: range over a number, which has no elements"),
            ("{{len .Size}}", "format, character 3: len: a number has no length"),
            ("{{.Name.x}}", "format, character 3: no field .x in a text"),
            ("{{.Size 1}}", "format, character 3: a value that is no function has arguments"),
            ("{{printf \"%d\" .Name}}", "format, character 3: printf: '%d' needs a whole number, got a text"),
            ("{{printf \"%99999s\" .Name}}", "format, character 3: printf: widths go up to 4096"),
            ("{{template \"x\"}}", "format, character 1: 'template' is not supported"),
            ("{{break}}", "format, character 1: 'break' outside of 'range'"),
            ("{{(.Name}}", "format, character 3: '(' without ')'"),
            ("{{.Name)}}", "format, character 8: unexpected word"),
            ("{{#}}", "format, character 3: unexpected '#'"),
        ] as [(String, String)])
    func `A mistake is one sentence with its place`(source: String, sentence: String) {
        #expect(throws: UsageError(sentence)) { _ = try Template(source).text(of: box) }
    }

    @Test func `An unknown field of a list's row is an error with a near name`() throws {
        let template = try Template("{{.Nam}}")
        #expect(throws: UsageError("format, character 3: no field .Nam (did you mean .Name?)")) {
            try template.text(of: box, isStrict: true)
        }
    }

    @Test func `Below the top an unknown field is an error too, but where names are free or parts optional`() throws {
        func text(_ source: String) throws -> String {
            let value: JSONValue = ["State": ["Status": "up"], "Labels": ["a": "b"], "Cmd": .null, "Mounts": [["Type": "bind"]]]
            return try Template(source).text(of: value, isStrict: true)
        }
        #expect(throws: UsageError("format, character 3: no field .Statu (did you mean .Status?)")) { try text("{{.State.Statu}}") }
        #expect(try text("{{.Labels.a}}{{.Labels.c}} {{.Cmd}} {{len .Cmd}} {{.State.Health}}") == "b<no value> [] 0 <nil>")
        #expect(try text("{{range .Mounts}}{{.Type}}{{.Driver}}{{.Other}}{{end}}") == "bind<no value>")
    }

    @Test(arguments: [
        String(repeating: "(", count: 100_000), String(repeating: "{{if 1}}", count: 5000) + String(repeating: "{{end}}", count: 5000),
        "{{" + String(repeating: "(", count: 1000) + "1" + String(repeating: ")", count: 1000) + "}}",
    ])
    func `Nesting and length are bounded`(source: String) {
        #expect(throws: UsageError.self) { try Template(source) }
    }

    @Test func `Work and output are bounded`() throws {
        let many = JSONValue.array(Array(repeating: .int(1), count: 2000))
        let squared = try Template("{{range .}}{{range $}}{{.}}{{end}}{{end}}")
        #expect(throws: UsageError.self) { try squared.text(of: many) }
        let doubling = try Template("{{$x := \"abcdefgh\"}}{{range .}}{{$x = print $x $x}}{{end}}")
        #expect(throws: UsageError.self) { try doubling.text(of: many) }
    }
}
