// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine

struct Pause: Command {
    static let name: StaticString = "pause"
    static let summary: StaticString = "make every process of containers stand still"
    static let operands: Operands = "CONTAINER [CONTAINER...]"
    static let examples = [Example("minictl pause web && minictl unpause web", "it does not notice, but for the time")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        return try Each.of(arguments) { word in
            var container = try home.container(named: word)
            try container.pause()
        }
    }
}

struct Unpause: Command {
    static let name: StaticString = "unpause"
    static let summary: StaticString = "let paused containers go on"
    static let operands: Operands = "CONTAINER [CONTAINER...]"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        return try Each.of(arguments) { word in
            var container = try home.container(named: word)
            try container.resume()
        }
    }
}
