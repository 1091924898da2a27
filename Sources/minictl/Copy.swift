// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Linux

struct Copy: Command {
    static let name: StaticString = "cp"
    static let summary: StaticString = "copy files between a container and this machine"
    static let operands: Operands = "CONTAINER:PATH|PATH|- PATH|CONTAINER:PATH|-"
    static let examples = [
        Example("minictl cp web:/etc/hosts .", "out of a container"),
        Example("minictl cp ./site/. web:/srv", "the contents of a folder, into one"),
        Example("minictl cp web:/var/log - | tar -t", "as a tar"),
    ]

    static var options: [CommandOption<Self>] {
        [
            .flag("-a, --archive", "keep owners, by number") { $0.request.keepsOwners = $1 },
            .flag("-L, --follow-link", "copy what a link points to") { $0.request.followsLink = $1 },
            .flag("-q, --quiet", "do not show how far it is") { $0.isQuiet = $1 },
        ]
    }

    var request = CopyRequest()
    var isQuiet = false

    /// One end of the copy.
    private enum End {
        case stream
        case host(String)
        case container(String, String)

        /// `NAME:PATH`; a path of this machine that has a colon in it begins with `/` or `.`.
        init(_ text: String) throws(UsageError) {
            if text == "-" {
                self = .stream
            } else if !text.isAbsolutePath, !text.hasPrefix("."), let colon = text.firstIndex(of: ":") {
                let path = String(text[text.index(after: colon)...])
                guard colon != text.startIndex, !path.isEmpty else { throw UsageError("'\(text)' is not CONTAINER:PATH") }
                self = .container(String(text[..<colon]), path)
            } else {
                guard !text.isEmpty else { throw UsageError("a path is empty") }
                self = .host(text)
            }
        }
    }

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let ends = try arguments.map { (text) throws(UsageError) in try End(text) }
        guard ends.count == 2 else { return 125 }
        let home = try globals.home()
        let line = ProgressLine("copying \(arguments[0])")
        defer { line.end() }
        let meter = isQuiet ? nil : line.meter
        switch (ends[0], ends[1]) {
        case (.container, .container): throw UsageError("copying between containers is not supported; copy to this machine first")
        case (.container(let name, let source), .host(let target)): try home.copy(from: name, source, to: target, request, meter: meter)
        case (.container(let name, let source), .stream):
            if Output.standard.isTerminal { throw UsageError("a tar is not for a terminal; send it into a pipe or a file") }
            try home.copy(from: name, source, to: FileDescriptor.standardOutput(), request, meter: meter)
        case (.host(let source), .container(let name, let target)): try home.copy(source, to: name, target, request, meter: meter)
        case (.stream, .container(let name, let target)):
            try home.copy(FileDescriptor.standardInput(), to: name, target, request, meter: meter)
        default: throw UsageError("one of the two must be in a container, as CONTAINER:PATH")
        }
        return 0
    }
}
