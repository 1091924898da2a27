// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import OCI

struct Update: Command {
    static let name: StaticString = "update"
    static let summary: StaticString = "change the limits of containers, also while they run"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [
        Example("minictl update -m 512m --cpus 1.5 web", "at once, and at every start from now on"),
        Example("minictl update --pids-limit 100 $(minictl ps -q)", "all that run"),
    ]

    static var options: [CommandOption<Self>] {
        ResourceOptions.changeable.lifted { try $1(&$0.resources) } + [
            .text("--restart POLICY", "no, on-failure[:TIMES], always, or unless-stopped: when it is started again after its end") {
                $0.restart = try RestartPolicy(word: $1) ?? RestartPolicy("no")
            }
        ]
    }

    var resources = ResourceOptions()
    var restart: RestartPolicy?

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let changes = try resources.given()
        guard changes != Spec.Resources() || restart != nil else { throw UsageError("there is nothing to change: give at least one limit") }
        let home = try globals.home()
        try home.sweep()
        return try Each.of(arguments) { try home.update($0, changes, restart: restart) }
    }
}
