// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

/// What is said before the verb.
struct Globals: OptionGroup {
    static var options: [CommandOption<Self>] {
        [.text("--root DIR", "where images and containers are kept (default $MINICTL_ROOT, else /var/lib/minictl)") { $0.root = $1 }]
    }

    var root: String?

    /// The state directories, opened.
    func home() throws(EngineError) -> Home { try Home(try Home.path(root)) }
}

extension EngineError: ExitStatusError {
    /// Only a program that cannot be started has a status of its own.
    package var exitStatus: Int32? { exitCode == 125 ? nil : exitCode }
}

var programVersion: StaticString { "0.1.0" }

/// Made where it is used: it holds what is known of every command, and a program is one command.
var minictl: Program<Globals> { Program(
    name: "minictl", summary: "run containers, without a daemon", version: programVersion,
    [
        .heading("Containers"),
        .command(Run.self),
        .command(Exec.self),
        .command(Ps.self),
        .command(Inspect.self),
        .command(Top.self),
        .command(Port.self),
        .command(Logs.self),
        .command(Create.self),
        .command(Start.self),
        .command(Restart.self),
        .command(Rename.self),
        .command(Stop.self),
        .command(Kill.self),
        .command(Wait.self),
        .command(Rm.self),
        .command(Pause.self),
        .command(Unpause.self),
        .heading("System"),
        .command(Info.self),
        .command(Version.self),
    ])
}
