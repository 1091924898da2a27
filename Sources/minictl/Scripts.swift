// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct CompletionScript: Command {
    static let name: StaticString = "completion"
    static let summary: StaticString = "print a script that completes command lines in a shell"
    static let operands: Operands = "bash|zsh|fish"
    static let examples = [Example("source <(minictl completion bash)", "for this shell")]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        try Output.standard.write(minictl.completion(for: Shell(arguments.first ?? "")))
        return 0
    }
}

/// For `make install`.
struct Manual: Command {
    static let name: StaticString = "manual"
    static let summary: StaticString = "write the manual pages into a directory"
    static let operands: Operands = "DIR"

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let path = arguments.first ?? ""
        do throws(SystemError) {
            try Directory.makeAll(path, mode: 0o755)
            let directory = try FileDescriptor(opening: path, [.directory])
            for page in minictl.manuals(date: String(Timestamp.now.description.prefix(10))) {
                try File.replace(page.file, at: directory.place, with: Array(page.text.utf8), mode: 0o644)
            }
        } catch { throw EngineError.system(doing: "write the manual pages", error) }
        return 0
    }
}
