// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Kill: Command {
    static let name: StaticString = "kill"
    static let summary: StaticString = "send a signal to running containers"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl kill -s HUP web", "to have it read its configuration again")]
    static var options: [CommandOption<Self>] {
        [.text("-s, --signal SIGNAL", "what to send (default KILL)") { $0.signal = try Signal(word: $1) }]
    }

    var signal = Signal.kill

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        return try Each.of(arguments) { word in
            var container = try home.container(named: word)
            // After a kill it is over when this returns, as with docker.
            if signal == .kill { try home.kill(container) } else { try container.signal(signal) }
        }
    }
}
