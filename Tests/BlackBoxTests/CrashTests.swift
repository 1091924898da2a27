// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux
import TestGround
import Testing

/// One moment of a command's life: the nth call of one kind that any of its processes makes.
struct Moment: Hashable { let call: String, number: Int }

@Suite(.onRealMachine, .enabled(if: Program.has("strace"))) struct CrashTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    /// All moments from the one on in which the state directory is first named, in order: what happens before makes nothing.
    func moments(of arguments: [String]) throws -> [Moment] {
        let trace = "\(rig.path)/trace"
        let ending = try Command(["strace", "-f", "-qq", "-s", "200", "-o", trace, Program.path, "--root", rig.root] + arguments).run(
            seconds: 30)
        #expect(ending.code == 0, "\(ending.error)")
        // What stays in the background is traced to its end.
        var counts: [Substring: [Substring: Int]] = [:]
        var moments: [Moment] = []
        var seen: Set<Moment> = []
        var begun = false
        for line in String(decoding: try File.read(trace, limit: 64 << 20), as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", maxSplits: 1)
            guard fields.count == 2, let end = fields[1].firstIndex(of: "("), fields[1].first?.isLetter == true else { continue }
            let call = fields[1][..<end]
            counts[fields[0], default: [:]][call, default: 0] += 1
            begun = begun || (line.contains(rig.root) && call != "execve")
            let moment = Moment(call: String(call), number: counts[fields[0]]?[call] ?? 0)
            if begun, call != "execve", call != "exit_group", seen.insert(moment).inserted { moments.append(moment) }
        }
        return moments
    }

    func kill(_ arguments: [String], at moment: Moment) throws {
        let inject = "inject=\(moment.call):signal=KILL:when=\(moment.number)"
        let ending = try Command(["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, Program.path, "--root", rig.root] + arguments)
            .run(seconds: 10)
        #expect(!ending.isLate && !ending.error.contains("Fatal error"), "\(moment) \(ending.error)")
    }

    /// Every `count`th of them, or all.
    func sample(_ moments: [Moment], _ count: Int) -> [Moment] {
        let step = Program.isThorough ? 1 : max(1, moments.count / count)
        return stride(from: 0, to: moments.count, by: step).map { moments[$0] }
    }

    @Test(
        "Killed at any moment, a run leaves nothing that the next command does not clean",
        arguments: [
            ["run", "--rm", "--name", "crash", "base", "true"], ["run", "-d", "--rm", "--name", "crash", "-v", "/data", "base", "true"],
            ["run", "--rm", "-t", "--name", "crash", "base", "true"],
        ])
    func run(_ arguments: [String]) throws {
        for moment in sample(try moments(of: arguments), 25) {
            try kill(arguments, at: moment)
            let ids = Set(rig.ids + rig.names("root/runtime").filter { $0.utf8.count == 64 })
            // One that was started for good lives on without its monitor, and ends by itself here.
            let ending = try rig.minictl("run", "--rm", "base", "echo", "next")
            #expect(ending.text == "next", "\(moment) \(ending.error)")
            let isClean = try waitUntil(seconds: 3) {
                if rig.ids.isEmpty && !rig.names("root/runtime").contains(where: { $0.utf8.count == 64 }) { return true }
                return try rig.minictl("run", "--rm", "base", "true").code != 0
            }
            #expect(isClean, "\(moment)")
            #expect(rig.names("root/containers").filter { $0 != ".volumes" && $0 != ".networks" } == [], "\(moment)")
            #expect(rig.names("root/containers/.volumes") == [], "\(moment)")
            for id in ids { #expect(try Command(["find", "/sys/fs/cgroup", "-name", "*\(id)*"]).run().text == "", "\(moment)") }
        }
        #expect(try Command(["pgrep", "-f", rig.root]).run().text == "")
        rig.expectNothingLeft()
    }

    @Test("Killed at any moment, an exec leaves the container as it was")
    func exec() throws {
        let id = try rig.background()
        for moment in sample(try moments(of: ["exec", id, "true"]), 15) {
            try kill(["exec", id, "true"], at: moment)
            // A zombie may remain: its parent is the container's first process now, which need not care.
            let isAlone = try waitUntil(seconds: 2) {
                try rig.minictl("exec", id, "sh", "-c", "ps -e -o stat= -o comm= | grep -v ^Z | grep -c true").text == "0"
            }
            #expect(isAlone, "\(moment)")
        }
    }

    @Test("Killed at any moment, a removal is finished by the next command")
    func remove() throws {
        var all = [Moment(call: "unlinkat", number: 1)]
        let first = try rig.background()
        all = try moments(of: ["rm", "-f", first])
        for moment in sample(all, 10) {
            let id = try rig.background(["-v", "/data", "--name", "gone"])
            try kill(["rm", "-f", "-v", id], at: moment)
            _ = try rig.minictl("rm", "-f", "-v", id)
            #expect(!rig.ids.contains(id), "\(moment)")
            #expect(try rig.minictl("run", "--rm", "--name", "gone", "base", "true").code == 0, "\(moment)")
        }
        rig.expectNothingLeft()
    }
}

@Suite(.onRealMachine, .enabled(if: Program.has("strace"))) struct NetworkCrashTests {
    let crash: CrashTests
    var rig: Rig { crash.rig }
    init() throws { crash = try CrashTests() }

    @Test(
        "Killed at any moment, connecting a container or taking it off leaves nothing beyond its end", arguments: ["connect", "disconnect"])
    func connect(_ verb: String) throws {
        try rig.minictl("network", "create", "blue")
        let network = verb == "connect" ? "blue" : "bridge"
        var id = try rig.background()
        for moment in crash.sample(try crash.moments(of: ["network", verb, network, id]), 12) {
            _ = try rig.minictl("rm", "-f", id)
            id = try rig.background()
            try crash.kill(["network", verb, network, id], at: moment)
            // It can be done again, or was done.
            let again = try rig.minictl("network", verb, network, id)
            #expect(again.code == 0 || again.error.contains(verb == "connect" ? "already" : "not connected"), "\(moment) \(again.error)")
            #expect(try rig.minictl("exec", id, "true").code == 0)
        }
        #expect(try rig.minictl("rm", "-f", id).code == 0)
        #expect(rig.names("root/runtime/networks/blue") == [])
        rig.expectNothingLeft()
    }
}

@Suite(.onRealMachine) struct ConcurrencyTests {
    let rig: Rig
    init() throws { rig = try Rig() }

    @Test("Thirty runs at once do not disturb one another, and of two with one name one wins")
    func many() throws {
        let all = try (0..<30).map { try rig.command(["run", "--rm", "base", "sh", "-c", "echo \($0); hostname"]).start() }
        let rivals = try (0..<4).map { _ in try rig.command(["run", "--rm", "--name", "one", "base", "sleep", "1"]).start() }
        let ends = rivals.map { $0.ending() }
        var names: Set<String> = []
        for (number, running) in all.enumerated() {
            let ending = running.ending(seconds: 30)
            #expect(ending.code == 0 && ending.lines.first == "\(number)", "\(ending.error)")
            names.insert(ending.lines.last ?? "")
        }
        #expect(names.count == 30)
        #expect(ends.filter { $0.code == 0 }.count >= 1)
        #expect(ends.filter { $0.code == 125 }.allSatisfy { $0.error.contains("one") })
        #expect(ends.allSatisfy { $0.code == 0 || $0.code == 125 })
        rig.expectNothingLeft()
    }

    @Test("Killed under load at whatever moment it is, runs leave nothing that the next command does not clean")
    func killedUnderLoad() throws {
        for round in 0..<3 {
            let all = try (0..<8).map { _ in try rig.command(["run", "--rm", "base", "sleep", "0.2"]).start() }
            for (number, running) in all.enumerated() {
                usleep(UInt32(5000 + round * 7000 + number * 1500))
                running.signal(SIGKILL)
            }
            for running in all { _ = running.ending() }
            let ids = rig.ids
            let isClean = try waitUntil(seconds: 3) {
                try rig.minictl("run", "--rm", "base", "true").code == 0 && rig.ids.isEmpty
                    && !rig.names("root/runtime").contains { $0.utf8.count == 64 }
            }
            #expect(isClean)
            for id in ids { #expect(try Command(["find", "/sys/fs/cgroup", "-name", "*\(id)*"]).run().text == "") }
        }
        rig.expectNothingLeft()
    }

    @Test("A container whose monitor was killed goes on, is told of truthfully, and is cleaned up after its end")
    func orphan() throws {
        let id = try rig.background(["--rm"])
        let pid = try rig.pid(id)
        let monitor = try ProcessStatistics(of: pid).parent
        #expect(try File.readKernel("/proc/\(monitor)/comm") == "minictl-mon\n")
        kill(monitor, SIGKILL)
        #expect(waitUntil { access("/proc/\(monitor)", F_OK) != 0 || (try? ProcessStatistics(of: monitor).state) == UInt8(ascii: "Z") })
        #expect(try rig.minictl("exec", id, "echo", "alive").text == "alive")
        #expect(try rig.minictl("ps", "-q", "--no-trunc").text == id)
        kill(pid, SIGKILL)
        let isClean = try waitUntil { try rig.minictl("run", "--rm", "base", "true").code == 0 && rig.ids.isEmpty }
        #expect(isClean)
        rig.expectNothingLeft()
    }

    @Test("Killing the foreground run kills its container")
    func foreground() throws {
        let running = try rig.command(["run", "base", "sleep", "1000"]).start()
        #expect(waitUntil { rig.ids.first.flatMap { try? rig.pid($0) } ?? 0 > 0 })
        let pid = try rig.pid(rig.ids.first ?? "")
        running.signal(SIGKILL)
        _ = running.ending()
        #expect(waitUntil { access("/proc/\(pid)", F_OK) != 0 })
        #expect(try rig.minictl("ps", "-a", "--format", "{{.Status}}").text.hasPrefix("Exited"))
    }

    @Test("An exec while the container ends runs inside it or not at all")
    func execDuringStop() throws {
        for round in 0..<4 {
            let id = try rig.background(["--rm"], "sleep 0.\(1 + round)")
            let until = ContinuousClock.now + .seconds(0.6)
            while ContinuousClock.now < until {
                let ending = try rig.minictl("exec", id, "hostname")
                #expect(ending.text == id.prefix(12) || ending.code >= 125, "\(ending.text)")
            }
        }
    }
}
