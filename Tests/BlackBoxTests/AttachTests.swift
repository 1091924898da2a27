// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@Suite(.onRealMachine) struct AttachTests {
    let rig: Rig
    let terminal: PseudoTerminal
    init() throws {
        rig = try Rig()
        terminal = try PseudoTerminal()
    }

    private func start(_ arguments: [String], on terminal: PseudoTerminal? = nil) throws -> Running {
        let path = (terminal ?? self.terminal).path
        var command = rig.command(arguments)
        command.input = .terminal(path)
        command.output = .terminal(path)
        command.error = .terminal(path)
        return try command.start()
    }

    /// Ends what was started here: a container that nobody waits for would outlive the test.
    private func end(_ name: String) throws {
        _ = try rig.minictl("rm", "-f", name)
        rig.expectNothingLeft()
    }

    private let shell = ["base", "bash", "--norc", "--noediting"]

    @Test("A run is left by ctrl-p ctrl-q and attached to again, and its end is then ours")
    func detach() throws {
        let before = terminal.settings
        let running = try start(["run", "-it", "--name", "shell"] + shell)
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        terminal.type("\u{10}\u{11}")
        #expect(running.ending().code == 0)
        #expect(terminal.wait(for: "detached"))
        #expect(terminal.settings == before)
        #expect(try rig.minictl("ps", "--format", "{{.Names}}").text == "shell")
        let again = try start(["attach", "shell"])
        #expect(waitUntil { terminal.settings != before })
        terminal.type("echo b''ack; stty size\n")
        #expect(terminal.wait(for: "back\n33 99"), "\(terminal.text)")
        terminal.type("exit 6\n")
        #expect(again.ending().code == 6)
        #expect(terminal.settings == before)
        try end("shell")
    }

    @Test("Other keys, and none at all")
    func keys() throws {
        let running = try start(["run", "-it", "--name", "shell", "--detach-keys", "ctrl-x,a"] + shell)
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        terminal.type("echo \u{10}\u{11}one\n\u{18}a")
        #expect(running.ending().code == 0)
        let again = try start(["attach", "--detach-keys", "", "shell"])
        terminal.type("\u{10}\u{11}\n")
        terminal.type("echo t''wo; exit 3\n")
        #expect(terminal.wait(for: "two"), "\(terminal.text)")
        #expect(again.ending().code == 3)
        try end("shell")
    }

    @Test("A terminal that is lost leaves the container as it is", arguments: [SIGHUP, SIGKILL])
    func lostTerminal(_ signal: CInt) throws {
        let running = try start(["run", "-it", "--name", "shell"] + shell)
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        running.signal(signal)
        _ = running.ending()
        usleep(100_000)
        #expect(try rig.minictl("ps", "--format", "{{.Names}}").text == "shell")
        let other = try PseudoTerminal(rows: 20, columns: 60)
        let again = try start(["attach", "shell"], on: other)
        usleep(200_000)
        other.type("stty size; exit 5\n")
        #expect(other.wait(for: "20 60"), "\(other.text)")
        #expect(again.ending().code == 5)
        try end("shell")
    }

    @Test("Two terminals see the same, and the one that changed last has its size")
    func two() throws {
        let id = try rig.minictl("run", "-dit", "--name", "shell", "base", "bash", "--norc", "--noediting").text
        #expect(id.utf8.count == 64)
        let other = try PseudoTerminal(rows: 20, columns: 60)
        let first = try start(["attach", "shell"])
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        let second = try start(["attach", "shell"], on: other)
        usleep(300_000)
        other.type("echo fr''om two; stty size\n")
        for one in [terminal, other] { #expect(one.wait(for: "from two\n20 60"), "\(one.text)") }
        terminal.setSize(40, 90)
        usleep(200_000)
        terminal.type("stty size; exit 4\n")
        for one in [terminal, other] { #expect(one.wait(for: "40 90"), "\(one.text)") }
        #expect(first.ending().code == 4 && second.ending().code == 4)
        try end("shell")
    }

    @Test("An exec is left by the keys and runs on")
    func exec() throws {
        let id = try rig.background()
        let before = terminal.settings
        let running = try start(["exec", "-it", id, "bash", "--norc", "--noediting"])
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        terminal.type("while :; do date +%N >/tmp/tick; sleep 0.05; done\n")
        usleep(100_000)
        terminal.type("\u{10}\u{11}")
        #expect(running.ending().code == 0)
        #expect(terminal.settings == before)
        let tick = try rig.minictl("exec", id, "cat", "/tmp/tick").text
        #expect(try waitUntil { try rig.minictl("exec", id, "cat", "/tmp/tick").text != tick })
        try end(id)
    }

    @Test("A start in the foreground is left and attached to as a run is")
    func startAttached() throws {
        try rig.minictl("create", "-it", "--name", "shell", "base", "bash", "--norc", "--noediting")
        let running = try start(["start", "-ai", "shell"])
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        terminal.type("\u{10}\u{11}")
        #expect(running.ending().code == 0)
        #expect(try rig.minictl("stop", "-t", "0", "shell").code == 0)
        let again = try start(["start", "-ai", "shell"])
        terminal.type("exit 8\n")
        #expect(again.ending().code == 8)
        try end("shell")
    }

    @Test("What is typed faster than it is read arrives whole, and what comes out too")
    func paste() throws {
        let running = try start(["run", "-it", "--rm", "base", "sh", "-c", "stty raw -echo; echo up; head -c 300000 | cksum; exit 2"])
        #expect(terminal.wait(for: "up"))
        let line = String(repeating: "0123456789", count: 10)
        var sent = 0
        let bytes = Array(String(repeating: line, count: 3000).utf8)
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(terminal.master, $0.baseAddress, min($0.count, 1000)) }
            if count > 0 { sent += count } else { usleep(1000) }
        }
        let expected = try Command(["cksum"]).run(bytes).text
        #expect(terminal.wait(for: expected), "\(terminal.text.suffix(200))")
        #expect(running.ending().code == 2)
        rig.expectNothingLeft()
    }

    @Test("What is typed for a program that has let go of its terminal goes nowhere, and whoever is attached stays so")
    func letGo() throws {
        try rig.minictl("run", "-dit", "--name", "shell", "base", "sh", "-c", "exec </dev/null >/dev/null 2>&1; exec sleep 1000")
        usleep(300_000)
        let before = terminal.settings
        let running = try start(["attach", "shell"])
        #expect(waitUntil { terminal.settings != before })
        terminal.type("hello\n")
        usleep(300_000)
        try rig.minictl("kill", "shell")
        #expect(running.ending().code == 137, "\(terminal.text)")
        try end("shell")
    }

    @Test("A reader that goes away ends a run with a terminal that is removed as it ends")
    func brokenPipe() throws {
        let ending = try Command(["sh", "-c", "'\(Program.path)' --root '\(rig.root)' run --rm -t base yes | head -n 1"]).run(seconds: 8)
        #expect(ending.output == Array("y\r\n".utf8) && !ending.isLate)
        #expect(waitUntil { rig.ids.isEmpty })
        rig.expectNothingLeft()
    }
}
