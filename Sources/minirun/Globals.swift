// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import JSON
import Linux
import Runtime

/// What stands before the verb.
struct Globals: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("--root DIR", "keep the state of containers here (default /run/minirun, or $XDG_RUNTIME_DIR/minirun)") { $0.root = $1 },
            .text("--log FILE", "append what goes wrong to this file too") { $0.logFile = $1 },
            .text("--log-format text|json", "how to write the log (default text)") {
                guard let format = LogFormat(rawValue: $1) else { throw UsageError("'\($1)' is neither text nor json") }
                $0.logFormat = format
            },
            .text("--log-level LEVEL", "the same with debug; other levels change nothing") { $0.isDebugging = $1 == "debug" },
            .flag("--debug", "log what is asked for, too") { $0.isDebugging = $1 },
            .flag("--systemd-cgroup", "read cgroupsPath as slice:prefix:name") { if $1 { $0.cgroups = .systemd } },
            .text("--cgroup-manager cgroupfs|systemd|disabled", "how to read cgroupsPath, or to make no cgroup (default cgroupfs)") {
                switch $1 {
                case "cgroupfs": $0.cgroups = .filesystem
                case "systemd": $0.cgroups = .systemd
                case "disabled": $0.cgroups = .disabled
                default: throw UsageError("'\($1)' is none of cgroupfs, systemd and disabled")
                }
            },
            .text("--rootless true|false|auto", "true is not supported yet (default auto)") { $0.isRootless = $1 == "true" },
            .text("--criu PATH", "accepted for runc's sake", hidden: true) { _, _ in },
        ]
    }

    enum LogFormat: String { case text, json }

    var root: String?
    var logFile: String?
    var logFormat = LogFormat.text
    var cgroups = CgroupStyle.filesystem
    var isRootless = false
    var isDebugging = false
}

extension Globals {
    /// The state directory, after a look at whether this can go well at all.
    func directory() throws -> StateDirectory {
        guard Process.isRoot, !isRootless else {
            throw RuntimeError.refused("containers without root are not supported yet: run minirun as root, and without --rootless=true")
        }
        if let logFile {
            // Found out now rather than when there is something to say.
            do throws(SystemError) { _ = try openLog(logFile) } catch {
                throw RuntimeError.system(doing: "open the log", error)
            }
        }
        if isDebugging { log("running as \(Process.arguments.joined(separator: " "))", level: "debug") }
        return try StateDirectory(root ?? Self.defaultRoot)
    }

    private static var defaultRoot: String {
        guard let folder = Machine.environment("XDG_RUNTIME_DIR"), folder.isAbsolutePath else { return "/run/minirun" }
        return folder + "/minirun"
    }

    private func openLog(_ path: String) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(opening: path, [.writeOnly, .append, .create, .noControllingTerminal], mode: 0o644)
    }

    /// One line for each error: podman reads the whole file as one JSON object, the shims of containerd and docker take the last line.
    ///
    /// Errors are on standard error anyway, and so is what was asked to be told. Warnings are for a log: engines show their users whatever we
    /// say there, once for each RUN of a build.
    func log(_ sentence: String, level: String = "error") {
        if logFile == nil, level != "debug" { return }
        func json(_ value: JSONValue) -> String { String(decoding: (try? JSONEncoder().encode(value)) ?? [], as: UTF8.self) }
        let (message, time) = (JSONValue.string(sentence), JSONValue.string("\(Timestamp.now)"))
        let line =
            switch logFormat {
            case .json: json(.object(["level": .string(level), "msg": message, "time": time])) + "\n"
            case .text: "time=\(json(time)) level=\(level) msg=\(json(message))\n"
            }
        // Nobody is left to tell where this fails. (Opened by a name, standard error would be written from the beginning of its file.)
        if let logFile { try? openLog(logFile).write(line) } else { try? Output.error.write(line) }
    }
}

/// What `create`, `run` and `exec` have in common: what the new process gets of ours.
struct Inheritance: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .text("--console-socket SOCKET", "send the master of the terminal to this unix socket") { $0.consoleSocket = $1 },
            .text("--pid-file FILE", "write the process's number here") { $0.pidFile = $1 },
            .text("--pidfd-socket SOCKET", "send a pidfd of the process to this unix socket") { $0.pidfdSocket = $1 },
            .text("--preserve-fds N", "give the process N descriptors from 3 on, too (default 0)") {
                $0.preserved = try Int32(word: $1, in: 0...1000)
            },
        ]
    }

    var consoleSocket: String?
    var pidFile: String?
    var pidfdSocket: String?
    var preserved: Int32 = 0

    /// Descriptors that systemd passed to us for the container (`sd_listen_fds(3)`).
    var activated: Int32 = 0

    /// Before anything else: protects this program from what it is going to run.
    static func seal() throws {
        if Process.isRoot { try SealedProgram.enter(Process.arguments) }
        // A program executed by descriptor is called by its number before Linux 6.14.
        Process.setName("minirun")
    }

    /// Closes what our caller left open and the process is not to have. Nothing of ours is open yet.
    mutating func closeOthers() throws {
        // What is left in the environment for another process is not for us.
        let isOurs = Machine.environment("LISTEN_PID").map { pid_t($0) == getpid() } ?? true
        if isOurs, let text = Machine.environment("LISTEN_FDS"), let count = Int32(text), (1...1000).contains(count) { activated = count }
        for descriptor in 3..<3 + total where fcntl(descriptor, F_GETFD) == -1 {
            throw UsageError("\(descriptor < 3 + activated ? "LISTEN_FDS" : "--preserve-fds"): descriptor \(descriptor) is not open")
        }
        try FileDescriptor.closeAll(from: 3 + total, onlyOnExec: false)
    }

    var total: Int32 { preserved + activated }

    /// What tells a program of the descriptors that systemd passed.
    var environment: [String] { activated == 0 ? [] : ["LISTEN_FDS=\(activated)", "LISTEN_PID=1"] }
}
