// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Debug: Command {
    static let name: StaticString = "debug"
    static let summary: StaticString = "look into a running container with the tools of another image"
    static let operands: Operands = "CONTAINER [COMMAND] [ARG...]"
    static let isInterspersed = false
    static let failureStatus: Int32 = 125
    static let examples = [
        Example("minictl debug web", "a shell that sees its processes and network, with its files at /container"),
        Example("minictl debug --image tools web strace -p 1", "one command, from an image that has it"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text("--image IMAGE", "where the tools come from (default base)") { $0.image = $1 },
            .text("--cap-add NAME", "a capability more than those of the container and SYS_PTRACE; may be repeated") {
                $0.added.append($1)
            },
            .flag("--privileged", "with all capabilities and no filter") { $0.isPrivileged = $1 },
        ]
    }

    var image = "base"
    var added: [String] = []
    var isPrivileged = false

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        var request = try home.debugRequest(of: arguments[0], image: image, command: Array(arguments.dropFirst()))
        request.addedCapabilities += added
        request.isPrivileged = isPrivileged
        request.interactive = true
        request.terminal = FileDescriptor.isTerminal(0) && FileDescriptor.isTerminal(1)
        var attach = AttachOptions()
        attach.takesInput = true
        let outcome = try home.run(request, attach, progress: Progress().show) { _ in }
        try outcome.report()
        return outcome.exitCode
    }
}
