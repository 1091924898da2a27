// SPDX-License-Identifier: Apache-2.0
import CLI
import Runtime

struct Pause: Command {
    static let name: StaticString = "pause"
    static let summary: StaticString = "hold all processes of a container still"
    static let operands: Operands = "CONTAINER"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try globals.directory().container(RuntimeID(arguments[0]), locked: true).pause()
        return 0
    }
}

struct Resume: Command {
    static let name: StaticString = "resume"
    static let summary: StaticString = "let a paused container go on"
    static let operands: Operands = "CONTAINER"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try globals.directory().container(RuntimeID(arguments[0]), locked: true).resume()
        return 0
    }
}
