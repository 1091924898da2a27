// SPDX-License-Identifier: Apache-2.0
import CLI
import Glibc
import Linux

// A closed standard stream would become the first file we open, and then the container's.
FileDescriptor.fillStandardStreams()
// Too large a file is the error of a write (EFBIG), and not the end of us.
signal(SIGXFSZ, SIG_IGN)

/// runc's verbs over the runtime that minictl has, for engines that speak to an OCI runtime.
let program = Program<Globals>(
    name: "minirun", summary: "run containers from OCI bundles, as runc does", version: "0.1.0\nspec: 1.2.0",
    [
        .heading("A container's life"),
        .command(Create.self),
        .command(Start.self),
        .command(Run.self),
        .command(Exec.self),
        .command(Kill.self),
        .command(Delete.self),
        .heading("Looking at containers"),
        .command(ShowState.self),
        .command(List.self),
        .command(Processes.self),
        .command(Events.self),
        .heading("Changing running containers"),
        .command(Pause.self),
        .command(Resume.self),
        .command(Update.self),
        .heading("The runtime itself"),
        .command(WriteSpec.self),
        .command(ShowFeatures.self),
    ])

Process.exit(program.main(Process.arguments) { sentence, globals in globals.log(sentence) })
