// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

/// What is said before the verb.
struct Globals: OptionGroup {
    static var options: [CommandOption<Self>] {
        [.text("--root DIR", "where images and containers are kept (default $MINICTL_ROOT, else /var/lib/minictl)") { $0.root = $1 }]
            + foreign
    }

    /// docker's, which say how its client finds and asks its daemon.
    private static var foreign: [CommandOption<Self>] {
        [
            .flag("-D, --debug", "docker's; there is no more to be said", hidden: true) { _, _ in },
            .text("-l, --log-level LEVEL", "docker's; there are no levels", hidden: true) { _, _ in },
            .text("--config DIR", "docker's; there is no configuration", hidden: true) { _, _ in },
            .text("-H, --host URL", "docker's", hidden: true) { _, _ in try refuseDaemon() },
            .text("-c, --context NAME", "docker's", hidden: true) { _, _ in try refuseDaemon() },
        ]
    }

    private static func refuseDaemon() throws(UsageError) {
        throw UsageError("there is no daemon to choose: containers are this machine's, in the folder that --root names")
    }

    var root: String?

    /// The state directories, opened.
    func home() throws(EngineError) -> Home { try Home(try Home.path(root), warn: Progress().show) }
}

extension EngineError: ExitStatusError {
    /// Only a program that cannot be started has a status of its own.
    package var exitStatus: Int32? { exitCode == 125 ? nil : exitCode }
}

var programVersion: StaticString { "0.1.0" }

/// Made where it is used: it holds what is known of every command, and a program is one command.
var minictl: Program<Globals> {
    Program(
        name: "minictl", summary: "run containers, without a daemon", version: programVersion,
        containers + looking + images + groups + system, foreign: ForeignCommands.sentence)
}

private typealias Entries = [CommandEntry<Globals>]

private var containers: Entries { [.heading("Containers")] + life + [.command(Rm.self)] }

private var life: Entries {
    [
        .command(Run.self),
        .command(Exec.self),
        .command(Attach.self),
        .command(Create.self),
        .command(Start.self),
        .command(Stop.self),
        .command(Restart.self),
        .command(Kill.self),
        .command(Pause.self),
        .command(Unpause.self),
        .command(Wait.self),
        .command(Rename.self),
        .command(Update.self),
    ]
}

private var looking: Entries {
    [
        .heading("Looking at containers"),
        .command(Ps.self),
        .command(Logs.self),
        .command(Inspect.self),
        .command(Top.self),
        .command(Stats.self),
        .command(Events.self),
        .command(Port.self),
        .command(Copy.self),
        .command(Diff.self),
        .command(Export.self),
        .command(Debug.self),
    ]
}

private var images: Entries {
    [
        .heading("Images"),
        .command(ImageList.self),
        .command(Import.self),
        .command(Commit.self),
        .command(Tag.self),
        .command(Rmi.self),
    ]
}

/// docker's longer words for the same verbs, and what has no short one.
private var groups: Entries {
    [
        .heading("By kind"),
        .group("container", "verbs for containers", container),
        .group(
            "image", "verbs for images",
            [
                .command(ImageList.self, as: "ls", "list"),
                .command(ImageInspect.self),
                .command(Assemble.self),
                .command(Import.self),
                .command(Tag.self),
                .command(Rmi.self, as: "rm", "remove"),
                .command(ImagePrune.self),
            ]),
        .group(
            "volume", "verbs for volumes",
            [
                .command(VolumeList.self, as: "ls", "list"),
                .command(VolumeInspect.self),
                .command(VolumeCreate.self),
                .command(VolumeRm.self, as: "rm", "remove"),
                .command(VolumePrune.self),
            ]),
        .group(
            "network", "verbs for networks",
            [
                .command(NetworkList.self, as: "ls", "list"),
                .command(NetworkInspect.self),
                .command(NetworkCreate.self),
                .command(NetworkRm.self, as: "rm", "remove"),
                .command(NetworkConnect.self),
                .command(NetworkDisconnect.self),
                .command(NetworkPrune.self),
            ]),
        .group(
            "mount", "verbs for mounts of running containers",
            [
                .command(MountAdd.self),
                .command(MountList.self, as: "ls", "list"),
                .command(MountRm.self, as: "rm", "remove"),
            ]),
        .group(
            "system", "verbs for all of it",
            [
                .command(DiskFree.self),
                .command(Events.self),
                .command(Info.self),
                .command(SystemPrune.self),
            ]),
    ]
}

private var container: Entries {
    life + [
        .command(Rm.self, as: "rm", "remove"),
        .command(Ps.self, as: "ls", "list", "ps"),
        .command(Logs.self),
        .command(ContainerInspect.self),
        .command(Top.self),
        .command(Stats.self),
        .command(Port.self),
        .command(Copy.self),
        .command(Diff.self),
        .command(Export.self),
        .command(Commit.self),
        .command(ContainerPrune.self),
    ]
}

private var system: Entries {
    [
        .heading("System"),
        .command(Info.self),
        .command(Doctor.self),
        .command(Check.self),
        .command(Version.self),
        .command(CompletionScript.self),
        .command(Manual.self, as: "manual", "manuals", hidden: true),
        .command(ReplaceMonitor.self, hidden: true),
    ]
}
