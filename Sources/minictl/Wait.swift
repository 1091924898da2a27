// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Wait: Command {
    static let name: StaticString = "wait"
    static let summary: StaticString = "wait for containers to end, and print their exit codes"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [
        Example("minictl wait job && echo over", "until it ends; its exit code is printed"),
        Example("minictl wait --condition healthy db", "until a health check has succeeded"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .text(
                "--condition WHAT",
                "something else to wait for: created, running, paused, restarting, exited, next-exit, removed, healthy, unhealthy, starting; may be repeated"
            ) {
                guard let condition = WaitCondition($1) else {
                    throw UsageError("'\($1)' is none of \(WaitCondition.words.joined(separator: ", "))")
                }
                $0.conditions.append(condition)
            }
        ]
    }

    var conditions: [WaitCondition] = []

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        guard conditions.isEmpty else {
            return try Each.of(arguments, prints: false) { word in
                try Output.standard.write("\(home.wait(for: conditions, word))\n")
            }
        }
        // All are looked at before any is waited for: the second may be gone when the first has ended.
        let waiters = arguments.map { word in Result { try Waiter(word, in: home) } }
        var each = Each()
        for (word, waiter) in zip(arguments, waiters) {
            do {
                let end = try waiter.get().wait(in: home)
                guard let code = end.exitCode else {
                    throw EngineError.refused("the exit code of \(word) is lost: \(end.reason ?? "nobody saw its end")")
                }
                try Output.standard.write("\(code)\n")
            } catch { each.failed(error) }
        }
        return each.status
    }
}
