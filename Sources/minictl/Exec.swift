// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Exec: Command {
    static let name: StaticString = "exec"
    static let summary: StaticString = "run another command in a running container"
    static let operands: Operands = "CONTAINER COMMAND [ARG...]"
    static let isInterspersed = false
    static let failureStatus: Int32 = 125
    static let examples = [
        Example("minictl exec -it web sh", "a shell inside"),
        Example("minictl exec -u nobody -w /tmp web id", "as another user, somewhere else"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-d, --detach", "do not wait for it") { $0.isDetached = $1 },
            .text("--detach-keys KEYS", "keys that leave its terminal (default ctrl-p,ctrl-q); empty for none") {
                $0.keys = try DetachKeys(word: $1)
            },
            .flag("-i, --interactive", "keep standard input open") { $0.interactive = $1 },
            .flag("-t, --tty", "give it a terminal") { $0.terminal = $1 },
            .text("-e, --env NAME[=VALUE]", "an environment variable; may be repeated") {
                $0.environment.append(try Environment.entry($1))
            },
            .text("--env-file FILE", "environment variables, one a line; may be repeated") {
                $0.fileEnvironment += try Environment.file($1)
            },
            .text("-u, --user USER[:GROUP]", "who runs it, by name or number") { $0.user = $1 },
            .text("-w, --workdir DIR", "the working directory") { $0.workingDirectory = $1.isEmpty ? nil : $1 },
            .flag("--privileged", "with all capabilities and no filter") { $0.isPrivileged = $1 },
        ]
    }

    var isDetached = false
    var interactive = false
    var terminal = false
    var environment: [String] = []
    /// Comes first, wherever it stands: `-e` counts more, as under docker.
    var fileEnvironment: [String] = []
    var user: String?
    var workingDirectory: String?
    var isPrivileged = false
    var keys: DetachKeys? = .standard

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        let container = try home.container(named: arguments.first ?? "")
        var request = ExecRequest(Array(arguments.dropFirst()))
        request.detached = isDetached
        request.interactive = interactive
        request.terminal = terminal
        request.environment = fileEnvironment + environment
        request.user = user
        request.workingDirectory = workingDirectory
        request.isPrivileged = isPrivileged
        request.keys = keys
        let outcome = try home.exec(request, in: container)
        try outcome.report()
        return outcome.exitCode
    }
}
