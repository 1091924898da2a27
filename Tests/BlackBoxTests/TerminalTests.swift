// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

@Suite(.onRealMachine) struct TerminalTests {
    let rig: Rig
    let terminal: PseudoTerminal
    init() throws {
        rig = try Rig()
        terminal = try PseudoTerminal()
    }

    private func start(_ arguments: [String]) throws -> Running {
        var command = rig.command(arguments)
        command.input = .terminal(terminal.path)
        command.output = .terminal(terminal.path)
        command.error = .terminal(terminal.path)
        return try command.start()
    }

    @Test("The container's terminal has the caller's size before the program starts, and follows it")
    func size() throws {
        let running = try start([
            "run", "--rm", "-it", "base", "sh", "-c", "stty size; trap 'stty size; exit 5' WINCH; echo up; while :; do sleep 0.05; done",
        ])
        #expect(terminal.wait(for: "up"))
        #expect(terminal.text.hasPrefix("33 99\n"), "\(terminal.text)")
        terminal.setSize(44, 111)
        #expect(terminal.wait(for: "44 111"), "\(terminal.text)")
        #expect(running.ending().code == 5)
    }

    @Test("It is the container's own terminal: a console, a session, a foreground group, and no other's device")
    func ownTerminal() throws {
        let running = try start([
            "run", "--rm", "-it", "base", "sh", "-c",
            "tty; ls /dev/pts | tr '\\n' ' '; echo; stat -c '%a %g' $(tty); ps -o tty= -p $$; [ -c /dev/console ] && echo console; echo x >/dev/tty; echo $TERM; exit 4",
        ])
        #expect(running.ending().code == 4)
        terminal.wait(for: "xterm", seconds: 2)
        #expect(terminal.text == "/dev/pts/0\n0 ptmx \n620 5\npts/0\nconsole\nx\nxterm\n", "\(terminal.text)")
    }

    @Test("What is typed goes through unchanged, ^C and ^D do inside what they do anywhere")
    func typing() throws {
        let before = terminal.settings
        let running = try start(["run", "--rm", "-it", "base", "bash", "--norc", "--noediting"])
        terminal.type("PS1=; stty -echo; echo r''eady\n")
        #expect(terminal.wait(for: "ready"))
        #expect(terminal.settings != before)
        terminal.type("sleep 100\n")
        usleep(200_000)
        terminal.type("\u{3}")
        terminal.type("echo af''ter $?\n")
        #expect(terminal.wait(for: "after 130"), "\(terminal.text)")
        terminal.type("exit 6\n")
        #expect(running.ending().code == 6)
        #expect(terminal.settings == before)
    }

    @Test("The caller's terminal is restored when the container is killed, and when we are told to end")
    func restored() throws {
        let before = terminal.settings
        for signal in [SIGKILL, SIGTERM] {
            // A word of its own: the first one's stays to be seen, and a signal that comes before the trap is lost on a first process.
            let script = "trap 'exit 1' TERM; echo up\(signal); while :; do sleep 0.05; done"
            let running = try start(["run", "-it", "base", "sh", "-c", script])
            #expect(terminal.wait(for: "up\(signal)"))
            #expect(waitUntil { terminal.settings != before })
            if signal == SIGKILL, let id = rig.ids.first { kill(try rig.pid(id), SIGKILL) } else { running.signal(signal) }
            _ = running.ending()
            #expect(terminal.settings == before)
        }
    }

    @Test("-t without -i shows output through a terminal and takes no input")
    func outputOnly() throws {
        let running = try start(["run", "--rm", "-t", "base", "sh", "-c", "[ -t 0 ] && [ -t 1 ] && echo yes; exit 2"])
        #expect(running.ending().code == 2)
        #expect(terminal.wait(for: "yes", seconds: 2))
        // And with no terminal at all on the caller's side: docker allows that.
        let piped = try rig.minictl("run", "--rm", "-t", "base", "sh", "-c", "[ -t 1 ] && echo yes")
        #expect(piped.output == Array("yes\r\n".utf8))
    }

    @Test("A large output through a terminal arrives whole")
    func largeOutput() throws {
        let ending = try rig.minictl("run", "--rm", "-t", "base", "seq", "100000")
        #expect(ending.output.count == 588_895 + 100_000, "\(ending.output.count)")
    }

    @Test("exec -it has a terminal of its own, with the caller's size")
    func exec() throws {
        let id = try rig.background()
        let before = terminal.settings
        let running = try start([
            "exec", "-it", id, "sh", "-c", "stty size; tty; trap 'stty size; exit 8' WINCH; echo up; while :; do sleep 0.05; done",
        ])
        #expect(terminal.wait(for: "up"))
        #expect(terminal.text.hasPrefix("33 99\n/dev/pts/0\n"), "\(terminal.text)")
        terminal.setSize(20, 60)
        #expect(terminal.wait(for: "20 60"))
        #expect(running.ending().code == 8)
        #expect(terminal.settings == before)
        #expect(try rig.minictl("exec", "-it", id, "true").error.contains("the input device is not a TTY"))
    }

    @Test("A container holds no terminal of the caller's: nothing can be typed into it from inside (CVE-2017-5226)")
    func noInjection() throws {
        guard Program.has("perl") else { return }
        // TIOCSTI on every descriptor and on /dev/tty; what is pushed back would be read by the caller's shell.
        let attack =
            "for (0..9) { open(my $f, '+<&=', $_) or next; ioctl($f, 0x5412, my $c = 'X') and print \"pushed $_\\n\" } open(my $t, '+<', '/dev/tty') and ioctl($t, 0x5412, my $c = 'X') and print \"pushed tty\\n\"; print \"tried\\n\""
        let running = try start(["run", "--rm", "-v", "/usr:/usr:ro", "base", "perl", "-e", attack])
        #expect(running.ending().code == 0)
        #expect(terminal.wait(for: "tried"))
        #expect(!terminal.text.contains("pushed"), "\(terminal.text)")
        let inside = try start(["run", "--rm", "-it", "-v", "/usr:/usr:ro", "base", "perl", "-e", attack])
        // Where it has closed what it writes to, the attack ends with a code of its own.
        #expect(inside.ending().code < 125)
        usleep(100_000)
        var waiting: CInt = 0
        _ = ioctl(open(terminal.path, O_RDWR | O_NOCTTY | O_CLOEXEC), UInt(0x541b), &waiting)
        #expect(waiting == 0)
    }
}
