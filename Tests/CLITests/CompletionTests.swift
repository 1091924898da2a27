// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import CLI

/// Runs a program with `script` in a file as its last argument and gives its exit status; nil if there is no such program.
private func check(_ words: [String], _ script: String) throws -> Int32? {
    let folder = "/tmp/minictl-completion-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try #require(mkdir(folder, 0o700) == 0)
    let path = folder + "/script"
    defer {
        unlink(path)
        rmdir(folder)
    }
    let file = try #require(fopen(path, "w"))
    fputs(script, file)
    fclose(file)
    let status = system((words + [path]).joined(separator: " ") + " >&2") >> 8
    return status == 127 ? nil : status
}

@Suite struct CompletionTests {
    @Test func `The bash script is one that bash reads`() throws {
        #expect(try check(["bash", "-n"], sampleProgram.completion(for: .bash)) == 0)
    }

    @Test func `Other shells read theirs where they are installed`() throws {
        for (shell, words) in [(Shell.zsh, ["zsh", "-n"]), (.fish, ["fish", "-n"])] {
            if let status = try check(words, sampleProgram.completion(for: shell)) { #expect(status == 0) }
        }
    }

    @Test(
        arguments: [
            ("minictl ''", "run fail network"),
            ("minictl ne", "network"),
            ("minictl network ''", "create rm"),
            ("minictl run --mem", "--memory"),
            ("minictl run --pull ''", "always missing never"),
            ("minictl run --pull n", "never"),
            ("minictl run --hostname ''", ""),
            ("minictl run ''", "stub:1 $(touch_x):2"),
            ("minictl run s", "stub:1"),
            ("minictl run --pull = n", "never"),
            ("minictl run --pull =", "always missing never"),
            ("minictl run stub :", "1"),
            ("minictl run stub : 1", "1"),
            ("minictl network create --pu", "--pull"),
        ] as [(String, String)])
    func `Bash offers what fits at that place`(line: String, offered: String) throws {
        let script =
            sampleProgram.completion(for: .bash) + """

                minictl() { printf '%s\\n' 'stub:1' '$(touch_x):2'; }
                compopt() { :; }
                COMP_WORDS=(\(line)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                _minictl
                [[ "${COMPREPLY[*]}" == '\(offered)' ]] || { echo "${COMPREPLY[*]}"; exit 1; }

                """
        #expect(try check(["bash"], script) == 0)
    }

    @Test func `A placeholder says what may stand there`() {
        #expect(Completion(placeholder: "CONTAINER [CONTAINER...]") == .containers)
        #expect(Completion(placeholder: "[IMAGE]") == .images)
        #expect(Completion(placeholder: "always|never") == .words(["always", "never"]))
        #expect(Completion(placeholder: "NAME|ID") == .nothing)
        #expect(Completion(placeholder: "") == .nothing)
    }

    @Test func `Manual pages exist for every command and are plain roff`() throws {
        let pages = sampleProgram.manuals(date: "2026-01-01")
        #expect(
            pages.map { $0.file } == [
                "minictl.1", "minictl-run.1", "minictl-fail.1", "minictl-network.1", "minictl-network-create.1",
                "minictl-network-rm.1",
            ])
        let run = pages[1].text
        #expect(run.hasPrefix(".TH \"MINICTL\\-RUN\" 1 \"2026\\-01\\-01\" \"minictl 1.0\"\n.SH NAME\nminictl\\-run \\- create"))
        #expect(run.contains(".TP\n\\fB\\-m\\fR, \\fB\\-\\-memory\\fR \\fIBYTES\\fR\nmemory limit\n"))
        #expect(!run.contains("--old"))
        for page in pages { if let status = try check(["man", "--warnings", "-l"], page.text) { #expect(status == 0) } }
    }

    @Test func `An unknown shell is refused`() {
        #expect(throws: UsageError("unknown shell: 'tcsh', use bash, zsh, fish")) { try Shell("tcsh") }
    }
}
