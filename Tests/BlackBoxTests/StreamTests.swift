// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

/// Bytes that show every loss, doubling and change of order.
private func pattern(_ count: Int) -> [UInt8] {
    var state: UInt32 = 1
    return (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}

@Suite(.onRealMachine) struct StreamTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test("Standard input arrives byte for byte, with its end, and comes back the same", arguments: [["--rm"], [], ["--rm", "--init"]])
    func bytes(_ flags: [String]) throws {
        let bytes = pattern(1 << 20)
        let ending = try rig.minictl(["run", "-i"] + flags + ["base", "cat"], input: bytes)
        #expect(ending.code == 0 && ending.output == bytes)
    }

    @Test("Input that is a file arrives whole; without -i there is none")
    func fileInput() throws {
        let bytes = pattern(1 << 20)
        try FileDescriptor(opening: "\(rig.path)/in", [.writeOnly, .create], mode: 0o600).write(bytes)
        var command = rig.command(["run", "--rm", "-i", "base", "cat"])
        command.input = .file("\(rig.path)/in")
        #expect(try command.run().output == bytes)
        command = rig.command(["run", "--rm", "base", "cat"])
        command.input = .file("\(rig.path)/in")
        #expect(try command.run().output.isEmpty)
    }

    @Test("The end of input reaches the program while it still writes")
    func halfClose() throws {
        let ending = try rig.minictl(
            ["run", "--rm", "-i", "base", "sh", "-c", "cat >/dev/null; sleep 0.2; echo after"], input: Array("x".utf8))
        #expect(ending.text == "after")
        // And a program that never reads does not keep the run waiting.
        #expect(try rig.minictl(["run", "--rm", "-i", "base", "true"], input: pattern(1 << 20)).code == 0)
        let open = try rig.command(["run", "--rm", "-i", "base", "true"]).withInput().start()
        #expect(open.ending(seconds: 5).isLate == false)
    }

    @Test("Output and errors are kept apart, into a file, a pipe, nothing, or a closed descriptor")
    func outputs() throws {
        let ending = try rig.sh("echo out; echo err >&2")
        #expect(ending.text == "out" && ending.error == "err\n")
        let bytes = 3_000_000
        for (output, flags) in [(Command.Stream.file("\(rig.path)/out"), ["--rm"]), (.file("\(rig.path)/out"), [])] {
            var command = rig.command(["run"] + flags + ["base", "head", "-c", "\(bytes)", "/dev/zero"])
            command.output = output
            #expect(try command.run().code == 0)
            #expect(try FileStatus(of: "\(rig.path)/out").size == Int64(bytes))
        }
        var command = rig.command(["run", "--rm", "base", "sh", "-c", "head -c \(bytes) /dev/zero && echo done >&2"])
        command.output = .null
        #expect(try command.run().error == "done\n")
        command.output = .closed
        #expect(try command.run().error == "done\n")
        #expect(try rig.sh("head -c \(bytes) /dev/zero").output.count == bytes)
    }

    @Test("A file that gets the output is never the container's to truncate or to read")
    func outputIsNotGiven() throws {
        try rig.write("out", "")
        var command = rig.command([
            "run", "--rm", "base", "sh", "-c",
            "echo first; truncate -s 0 /dev/stdout 2>/dev/null; (cat </dev/stdout) 2>/dev/null; stat -L -c %F /dev/stdout; readlink /proc/self/fd/1 >/dev/stderr",
        ])
        command.output = .file("\(rig.path)/out")
        let ending = try command.run(seconds: 5)
        #expect(ending.error.hasPrefix("pipe:"))
        #expect(try rig.read("out") == "first\nfifo\n")
    }

    @Test(
        "/dev/stdout and its like can be opened by name, whoever the user",
        arguments: [[], ["-u", "nobody"], ["--userns", "host", "-u", "7"]])
    func outputByName(_ flags: [String]) throws {
        #expect(try rig.sh(flags, "echo out >/dev/stdout; echo err >>/dev/stderr").text == "out")
        let ending = try rig.minictl(
            ["run", "-i"] + flags + ["base", "sh", "-c", "cat /dev/stdin >/proc/self/fd/1"], input: Array("in".utf8))
        #expect(ending.text == "in", "\(ending.error)")
    }

    @Test("Closed descriptors 0 to 2 never become something else", arguments: ["0", "1", "2", "012"])
    func closedDescriptors(_ closed: String) throws {
        var command = rig.command([
            "run", "--rm", "-i", "base", "sh", "-c",
            "readlink /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 >/made; [ $(wc -l </made) = 3 ] && exit 9",
        ])
        if closed.contains("0") { command.input = .closed }
        if closed.contains("1") { command.output = .closed }
        if closed.contains("2") { command.error = .closed }
        #expect(try command.run().code == 9)
    }

    @Test("A reader that goes away ends the writer, as without a container")
    func brokenPipe() throws {
        let ending = try Command(["sh", "-c", "'\(Program.path)' --root '\(rig.root)' run --rm base yes | head -n 1"]).run(seconds: 5)
        #expect(ending.text == "y" && !ending.isLate)
        let logged = try Command(["sh", "-c", "'\(Program.path)' --root '\(rig.root)' run base sh -c 'seq 20000; exit 3' | head -n 1"]).run(
            seconds: 5)
        #expect(logged.text == "1" && !logged.isLate)
        let endless = try Command(["sh", "-c", "'\(Program.path)' --root '\(rig.root)' run base yes | head -n 1"]).run(seconds: 5)
        #expect(endless.text == "y" && !endless.isLate)
    }

    @Test("A grandchild that holds the output does not hold the run up, and what it wrote before is there")
    func grandchild() throws {
        let ending = try rig.sh([], "sleep 5 & echo here", seconds: 3)
        #expect(ending.text == "here" && ending.elapsed < .seconds(2))
    }

    @Test("What stays in the background holds nothing of the caller's", arguments: [[], ["-t"], ["-i"]])
    func background(_ flags: [String]) throws {
        let ending = try Command([
            "sh", "-c",
            "id=$('\(Program.path)' --root '\(rig.root)' run -d \(flags.joined(separator: " ")) base sleep 1000 2>&1); echo \"$id\"",
        ]).run(seconds: 5)
        #expect(ending.text.utf8.count == 64 && !ending.isLate, "\(ending.text)")
    }

    @Test("None of the caller's descriptors gets inside")
    func leakedDescriptors() throws {
        let ending = try Command([
            "sh", "-c",
            "exec 5<'\(rig.path)/victim' 7<'\(rig.path)/victim/canary' 9</; '\(Program.path)' --root '\(rig.root)' run --rm -w /proc/self/fd/5 base true; '\(Program.path)' --root '\(rig.root)' run --rm base ls /proc/self/fd",
        ]).run()
        #expect(ending.lines == ["0", "1", "2", "3"], "\(ending.error)")
        #expect(ending.error.contains("/proc/self/fd/5"))
    }

    @Test("The log of a container that stays has both streams, line by line, as docker writes it")
    func log() throws {
        let id = try rig.background([], "echo out; echo err >&2; printf 'no end \\033[1m\\377'")
        #expect(waitUntil { rig.names("root/runtime").allSatisfy { $0.utf8.count != 64 } })
        let lines = try rig.read("root/containers/\(id)/log").split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines.contains { $0.hasPrefix(#"{"log":"out\n","stream":"stdout","time":"20"#) })
        #expect(lines.contains { $0.hasPrefix(#"{"log":"err\n","stream":"stderr","time":"20"#) })
        #expect(lines.contains { $0.hasPrefix(#"{"log":"no end \u001b[1m"# + "\u{FFFD}\"") })
    }
}

extension Command {
    /// With a pipe for input that nobody writes to.
    func withInput() -> Command {
        var command = self
        command.input = .pipe
        return command
    }
}
