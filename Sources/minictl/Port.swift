// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import Network

struct Port: Command {
    static let name: StaticString = "port"
    static let summary: StaticString = "list the published ports of a container, or change them while it runs"
    static let operands: Operands = "[add|rm] CONTAINER [PORT...]"
    static let examples = [
        Example("minictl port web", "all of them"),
        Example("minictl port web 80/tcp", "where this one is to be reached"),
        Example("minictl port add web 8443:443", "publish one more, as -p does"),
        Example("minictl port rm web 8443:443", "and take it away again"),
    ]

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        if arguments.count > 2, arguments[0] == "add" || arguments[0] == "rm" {
            return try change(arguments[0], arguments[1], Array(arguments.dropFirst(2)), home)
        }
        guard arguments.count < 3 else { throw UsageError("port takes a container and one of its ports") }
        try home.sweep()
        let container = try home.container(named: arguments.first ?? "")
        let published = try home.publishedPorts(of: container)
        guard arguments.count == 2 else {
            let lines = published.flatMap { ports in
                ports.pairs.map { "\($0.container)/\(ports.transport.rawValue) -> \(ports.hostDescription(of: $0.host))\n" }
            }
            try Output.standard.write(lines.joined())
            return 0
        }
        guard let wanted = ExposedPorts(arguments[1]), wanted.ports.count == 1 else {
            throw UsageError("'\(arguments[1])' is not PORT[/PROTOCOL]")
        }
        let lines = published.filter { $0.transport == wanted.transport }.flatMap { ports in
            ports.pairs.filter { $0.container == wanted.ports.first }.map { ports.hostDescription(of: $0.host) + "\n" }
        }
        if lines.isEmpty { throw EngineError.refused("no public port '\(arguments[1])' published for \(container.name)") }
        try Output.standard.write(lines.joined())
        return 0
    }

    private func change(_ verb: String, _ container: String, _ words: [String], _ home: borrowing Home) throws -> Int32 {
        let requests = try words.map { try PortRequest(word: $0) }
        try home.sweep()
        if verb == "rm" {
            try home.unpublish(requests, of: container)
        } else {
            for ports in try home.publish(requests, of: container) { try Output.standard.write("\(ports)\n") }
        }
        return 0
    }
}

extension PortRequest {
    init(word text: String) throws(UsageError) {
        do throws(Invalid) { try self.init(text) } catch { throw UsageError(error.description) }
    }
}
