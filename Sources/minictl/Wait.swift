// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Wait: Command {
    static let name: StaticString = "wait"
    static let summary: StaticString = "wait for containers to end, and print their exit codes"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl wait job && echo over", "until it ends; its exit code is printed")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
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
