// SPDX-License-Identifier: Apache-2.0
import CLI
import Engine
import JSON
import Linux

struct Version: Command {
    static let name: StaticString = "version"
    static let summary: StaticString = "show the versions of this program, its formats and the kernel"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] { InspectOptions.options.lifted { try $1(&$0.inspect) } }

    var inspect = InspectOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let facts = Home.versions(program: "\(programVersion)")
        if inspect.template != nil || inspect.isCompact { return try inspect.show(Self.asTwo(facts)) }
        try Output.standard.write(facts.lines())
        return 0
    }

    /// Scripts ask docker for the versions of two programs, by `.Client.Version` and `.Server.Version`: here one is both.
    private static func asTwo(_ facts: JSONValue) -> JSONValue {
        guard case .object(var object) = facts else { return facts }
        object["Client"] = facts
        object["Server"] = facts
        return .object(object)
    }
}

struct Info: Command {
    static let name: StaticString = "info"
    static let summary: StaticString = "show what this machine offers and what is kept on it"
    static let operands: Operands = ""
    static var options: [CommandOption<Self>] { InspectOptions.options.lifted { try $1(&$0.inspect) } }

    var inspect = InspectOptions()

    func run(_ arguments: [String], in globals: Globals) throws -> Int32 {
        let home = try globals.home()
        try home.sweep()
        let facts = try home.facts(program: "\(programVersion)")
        if inspect.template != nil || inspect.isCompact { return try inspect.show(facts) }
        try Output.standard.write(facts.lines())
        return 0
    }
}

extension InspectOptions {
    /// Prints one value as it was asked for.
    func show(_ value: JSONValue) throws -> Int32 {
        guard let template else {
            try Output.standard.write(value.jsonText() + "\n")
            return 0
        }
        try Output.standard.write(template.shown(value) + "\n")
        return 0
    }
}

extension JSONValue {
    /// For people: a line for each member, what belongs together indented.
    fileprivate func lines(indentation: String = "") -> String {
        guard case .object(let object) = self else { return "" }
        var text = ""
        for member in object.members {
            let name = escapeVisible(member.name)
            switch member.value {
            case .object: text += "\(indentation)\(name):\n" + member.value.lines(indentation: indentation + " ")
            case .array(let elements):
                text += "\(indentation)\(name): \(elements.map { escapeVisible($0.plainText) }.joined(separator: " "))\n"
            case let value: text += "\(indentation)\(name): \(escapeVisible(value.plainText))\n"
            }
        }
        return text
    }

    private var plainText: String {
        switch self {
        case .string(let text): text
        case .int(let number): "\(number)"
        case .bool(let flag): "\(flag)"
        default: ""
        }
    }
}
