// SPDX-License-Identifier: Apache-2.0

/// Builds the tree of a template from its pieces.
struct TemplateParser {
    private let pieces: [TemplatePiece]
    private var next = 0
    private var loops = 0

    init(pieces: [TemplatePiece]) { self.pieces = pieces }

    mutating func parse() throws(UsageError) -> [Template.Node] {
        let body = try parseBody(depth: 0)
        if let end = body.end { throw .template(end.position, "'\(end.word)' without a beginning") }
        return body.nodes
    }

    /// What closed a body, `end` or `else`, with the tokens that followed.
    private struct End {
        let word: String
        let tokens: ArraySlice<TemplateToken.Placed>
        let position: Int
    }

    private mutating func parseBody(depth: Int) throws(UsageError) -> (nodes: [Template.Node], end: End?) {
        var nodes: [Template.Node] = []
        while next < pieces.count {
            let piece = pieces[next]
            next += 1
            guard case .action(let tokens, let position) = piece else {
                if case .text(let text) = piece { nodes.append(.text(text)) }
                continue
            }
            guard case .word(let word)? = tokens.first?.token else {
                nodes.append(.output(try pipeline(tokens[...], position)))
                continue
            }
            switch word {
            case "end", "else": return (nodes, End(word: word, tokens: tokens.dropFirst(), position: position))
            case "if", "with", "range":
                nodes.append(try parseBlock(word, tokens.dropFirst(), position, depth: depth + 1))
            case "break", "continue":
                guard loops > 0 else { throw .template(position, "'\(word)' outside of 'range'") }
                nodes.append(word == "break" ? .stop : .next)
            case "define", "template", "block": throw .template(position, "'\(word)' is not supported")
            default: nodes.append(.output(try pipeline(tokens[...], position)))
            }
        }
        return (nodes, nil)
    }

    /// `if`, `with` or `range` up to its `end`; `else if` is a block of its own inside the `else`.
    private mutating func parseBlock(
        _ word: String, _ tokens: ArraySlice<TemplateToken.Placed>, _ position: Int, depth: Int
    ) throws(UsageError) -> Template.Node {
        guard depth <= TemplateLimits.depth else { throw .template(position, "more than \(TemplateLimits.depth) levels deep") }
        let condition = try pipeline(tokens, position)
        guard condition.variables.count < 2 || word == "range" else { throw .template(position, "two variables outside of 'range'") }
        if word == "range" { loops += 1 }
        let (then, end) = try parseBody(depth: depth)
        if word == "range" { loops -= 1 }
        guard let end else { throw .template(position, "'\(word)' without 'end'") }
        let otherwise = end.word == "else" ? try parseElse(end, of: word, depth: depth) : []
        return switch word {
        case "range": .range(condition, each: then, otherwise: otherwise)
        case "with": .with(condition, then: then, otherwise: otherwise)
        default: .choice(condition, then: then, otherwise: otherwise)
        }
    }

    private mutating func parseElse(_ start: End, of word: String, depth: Int) throws(UsageError) -> [Template.Node] {
        if case .word(let inner)? = start.tokens.first?.token, inner == word, word != "range" {
            return [try parseBlock(word, start.tokens.dropFirst(), start.position, depth: depth + 1)]
        }
        guard start.tokens.isEmpty else { throw .template(start.position, "unexpected words after 'else'") }
        let (nodes, end) = try parseBody(depth: depth)
        guard let end, end.word == "end" else { throw .template(start.position, "'else' without 'end'") }
        return nodes
    }
}

// MARK: - Pipelines

extension TemplateParser {
    private func pipeline(_ tokens: ArraySlice<TemplateToken.Placed>, _ position: Int) throws(UsageError) -> Template.Pipeline {
        var rest = tokens
        let pipeline = try Self.pipeline(&rest, position, depth: 0)
        if let token = rest.first { throw .template(token.position, "unexpected word") }
        return pipeline
    }

    private static func pipeline(
        _ tokens: inout ArraySlice<TemplateToken.Placed>, _ position: Int, depth: Int
    ) throws(UsageError) -> Template.Pipeline {
        guard depth <= TemplateLimits.depth else { throw .template(position, "more than \(TemplateLimits.depth) levels deep") }
        var pipeline = Template.Pipeline(position: position)
        takeVariables(&tokens, into: &pipeline)
        repeat {
            var operands: [Template.Operand] = []
            let start = tokens.first?.position ?? position
            while let operand = try operand(&tokens, depth: depth) { operands.append(operand) }
            guard !operands.isEmpty else { throw .template(start, "a value is missing") }
            pipeline.commands.append(Template.Command(operands: operands, position: start))
        } while take(.pipe, &tokens)
        return pipeline
    }

    /// Takes `$x :=`, `$x =` or `$k, $v :=` where the tokens begin so.
    private static func takeVariables(_ tokens: inout ArraySlice<TemplateToken.Placed>, into pipeline: inout Template.Pipeline) {
        var rest = tokens
        var names: [String] = []
        repeat {
            guard case .variable(let name)? = rest.popFirst()?.token else { return }
            names.append(name)
        } while names.count < 2 && take(.comma, &rest)
        let isDeclaration = take(.declare, &rest)
        guard isDeclaration || take(.assign, &rest) else { return }
        pipeline.variables = names
        pipeline.isDeclaration = isDeclaration
        tokens = rest
    }

    private static func take(_ token: TemplateToken, _ tokens: inout ArraySlice<TemplateToken.Placed>) -> Bool {
        guard tokens.first?.token == token else { return false }
        tokens.removeFirst()
        return true
    }

    /// One value with the fields that follow it without a space; nil where the command ends.
    private static func operand(
        _ tokens: inout ArraySlice<TemplateToken.Placed>, depth: Int
    ) throws(UsageError) -> Template.Operand? {
        guard let first = tokens.first else { return nil }
        var operand: Template.Operand
        switch first.token {
        case .pipe, .close: return nil
        case .comma, .declare, .assign: throw .template(first.position, "unexpected word")
        case .literal(let value): operand = .literal(value)
        case .variable(let name): operand = .variable(name)
        case .word(let name):
            guard TemplateFunction(name) != nil else { throw .template(first.position, TemplateFunction.unknown(name)) }
            operand = .function(name)
        case .field(let name): operand = name.isEmpty ? .dot : .fields(.dot, [name])
        case .open:
            tokens.removeFirst()
            operand = .pipeline(try pipeline(&tokens, first.position, depth: depth + 1))
            guard tokens.first?.token == .close else { throw .template(first.position, "'(' without ')'") }
        }
        tokens.removeFirst()
        var names: [String] = []
        while let token = tokens.first, !token.isSpaced, case .field(let name) = token.token, !name.isEmpty {
            names.append(name)
            tokens.removeFirst()
        }
        if !names.isEmpty {
            if case .fields(let base, let first) = operand {
                operand = .fields(base, first + names)
            } else {
                operand = .fields(operand, names)
            }
        }
        return operand
    }
}
