// SPDX-License-Identifier: Apache-2.0
package import JSON

/// The text of `--format`: the part of Go's text/template that docker's users write, over JSON values.
package struct Template {
    let nodes: [Node]

    /// - Throws: a sentence with the byte at which the template stops making sense.
    package init(_ text: String) throws(UsageError) {
        guard text.utf8.count <= TemplateLimits.source else { throw .template(1, "longer than \(TemplateLimits.source) bytes") }
        var lexer = TemplateLexer(text)
        var parser = TemplateParser(pieces: try lexer.pieces())
        nodes = try parser.parse()
    }

    /// The template filled in with `value`.
    /// - Parameter isStrict: Whether a field that is not there, named from the top, is an error, rather than `<no value>`.
    package func text(of value: JSONValue, isStrict: Bool = false) throws(UsageError) -> String {
        var renderer = TemplateRenderer(root: value, isStrict: isStrict, isHeader: false)
        _ = try renderer.render(nodes, dot: value)
        return renderer.out
    }

    /// The line of titles above a table: `titles` has each field's title in place of its value.
    func header(_ titles: JSONObject) throws(UsageError) -> String {
        var renderer = TemplateRenderer(root: .object(titles), isStrict: false, isHeader: true)
        _ = try renderer.render(nodes, dot: .object(titles))
        return renderer.out
    }

    /// One part of a template's body.
    indirect enum Node {
        case text(String)
        case output(Pipeline)
        case choice(Pipeline, then: [Node], otherwise: [Node])
        /// `with`: a choice that also makes the value the dot.
        case with(Pipeline, then: [Node], otherwise: [Node])
        case range(Pipeline, each: [Node], otherwise: [Node])
        case stop, next
    }

    /// Commands whose values flow into each other, perhaps into variables.
    struct Pipeline {
        /// The variables on the left of `:=` or `=`; two only for `range`.
        var variables: [String] = []
        var isDeclaration = false
        var commands: [Command] = []
        let position: Int

        /// The name at the end, if it is a field and nothing else.
        var lastField: String? {
            guard commands.count == 1, commands[0].operands.count == 1, case .fields(_, let names) = commands[0].operands[0] else {
                return nil
            }
            return names.last
        }
    }

    /// A function with its arguments, or a lone value.
    struct Command {
        let operands: [Operand]
        let position: Int
    }

    indirect enum Operand {
        case literal(JSONValue)
        case dot
        case variable(String)
        case function(String)
        case pipeline(Pipeline)
        case fields(Operand, [String])
    }
}

/// What a template may cost: it is typed by the one who runs it, but the values come from strangers.
enum TemplateLimits {
    static let source = 64 << 10
    static let depth = 32
    static let steps = 1_000_000
    static let output = 16 << 20
    static let padding: Int64 = 4096
}
