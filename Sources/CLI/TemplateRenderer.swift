// SPDX-License-Identifier: Apache-2.0
import JSON

/// Walks a template's tree and writes what it says.
struct TemplateRenderer {
    private let root: JSONValue
    private let isStrict: Bool
    private let isHeader: Bool
    private var variables: [(name: String, value: JSONValue)]
    private var steps = 0
    private(set) var out = ""

    init(root: JSONValue, isStrict: Bool, isHeader: Bool) {
        self.root = root
        self.isStrict = isStrict
        self.isHeader = isHeader
        variables = [("", root)]
    }

    /// How a body ended.
    enum Flow { case through, stop, next }

    mutating func render(_ nodes: [Template.Node], dot: JSONValue) throws(UsageError) -> Flow {
        let outer = variables.count
        defer { variables.removeLast(variables.count - outer) }
        for node in nodes {
            let flow = try render(node, dot: dot)
            if flow != .through { return flow }
        }
        return .through
    }

    private mutating func render(_ node: Template.Node, dot: JSONValue) throws(UsageError) -> Flow {
        switch node {
        case .text(let text): try write(text)
        case .output(let pipeline):
            let value = try evaluate(pipeline, dot: dot)
            guard pipeline.variables.isEmpty else {
                bind(pipeline, [value])
                break
            }
            if isStrict, value == .null, let name = pipeline.lastField, let text = TemplateFields.emptyText(name) {
                try write(text)
            } else {
                try write(value.templateText)
            }
        case .choice(let pipeline, let then, let otherwise):
            return try scoped { me throws(UsageError) in
                let value = try me.evaluate(pipeline, dot: dot)
                me.bind(pipeline, [value])
                return try me.render(value.isTruthful ? then : otherwise, dot: dot)
            }
        case .with(let pipeline, let then, let otherwise):
            return try scoped { me throws(UsageError) in
                let value = try me.evaluate(pipeline, dot: dot)
                me.bind(pipeline, [value])
                return value.isTruthful ? try me.render(then, dot: value) : try me.render(otherwise, dot: dot)
            }
        case .range(let pipeline, let each, let otherwise): return try loop(pipeline, each, otherwise, dot: dot)
        case .stop: return .stop
        case .next: return .next
        }
        return .through
    }

    private mutating func loop(
        _ pipeline: Template.Pipeline, _ each: [Template.Node], _ otherwise: [Template.Node], dot: JSONValue
    ) throws(UsageError) -> Flow {
        let entries: [(key: JSONValue, value: JSONValue)]
        let value = try evaluate(pipeline, dot: dot)
        switch value {
        case .null: entries = []
        case .array(let elements): entries = elements.enumerated().map { (.int(Int64($0.offset)), $0.element) }
        case .object(let object): entries = object.sortedMembers.map { (.string($0.name), $0.value) }
        default: throw .template(pipeline.position, "range over \(value.kind), which has no elements")
        }
        if entries.isEmpty { return try render(otherwise, dot: dot) }
        for entry in entries {
            let flow = try scoped { me throws(UsageError) in
                me.bind(pipeline, pipeline.variables.count == 2 ? [entry.key, entry.value] : [entry.value])
                return try me.render(each, dot: entry.value)
            }
            if flow == .stop { break }
        }
        return .through
    }

    /// Runs `body`, then forgets the variables it declared.
    private mutating func scoped(_ body: (inout Self) throws(UsageError) -> Flow) throws(UsageError) -> Flow {
        let outer = variables.count
        defer { variables.removeLast(variables.count - outer) }
        return try body(&self)
    }

    private mutating func bind(_ pipeline: Template.Pipeline, _ values: [JSONValue]) {
        for (name, value) in zip(pipeline.variables, values) {
            if !pipeline.isDeclaration, let place = variables.lastIndex(where: { $0.name == name }) {
                variables[place].value = value
            } else {
                variables.append((name, value))
            }
        }
    }

    private mutating func write(_ text: String) throws(UsageError) {
        guard out.utf8.count + text.utf8.count <= TemplateLimits.output else {
            throw UsageError("format: more than \(TemplateLimits.output >> 20) MiB of output")
        }
        out += text
    }
}

// MARK: - Values

extension TemplateRenderer {
    private mutating func evaluate(_ pipeline: Template.Pipeline, dot: JSONValue) throws(UsageError) -> JSONValue {
        var value: JSONValue?
        for command in pipeline.commands { value = try evaluate(command, dot: dot, piped: value) }
        return value ?? .null
    }

    private mutating func evaluate(_ command: Template.Command, dot: JSONValue, piped: JSONValue?) throws(UsageError) -> JSONValue {
        steps += 1
        guard steps <= TemplateLimits.steps else { throw .template(command.position, "more than \(TemplateLimits.steps) steps") }
        guard let first = command.operands.first else { return .null }
        guard case .function(let name) = first else {
            let value = try evaluate(first, dot: dot, at: command.position)
            guard command.operands.count > 1 || piped != nil else { return value }
            return try lookUp(in: value, command, dot: dot, piped: piped)
        }
        guard let function = TemplateFunction(name) else { throw .template(command.position, TemplateFunction.unknown(name)) }
        if function == .and || function == .or { return try choose(function, command, dot: dot, piped: piped) }
        var arguments: [JSONValue] = []
        for operand in command.operands.dropFirst() { arguments.append(try evaluate(operand, dot: dot, at: command.position)) }
        if let piped { arguments.append(piped) }
        if isHeader, function.isCosmetic, let title = arguments.first(where: { $0.string != nil }) { return title }
        let value: JSONValue
        do { value = try function.call(arguments) } catch { throw .template(command.position, "\(name): \(error.message)") }
        // A variable printed twice into itself doubles each time round a loop.
        if case .string(let text) = value, text.utf8.count > TemplateLimits.output {
            throw .template(command.position, "\(name): more than \(TemplateLimits.output >> 20) MiB of text")
        }
        return value
    }

    /// `.Label "key"`: a field that holds an object answers for one of its names, as docker's rows do.
    private mutating func lookUp(
        in value: JSONValue, _ command: Template.Command, dot: JSONValue, piped: JSONValue?
    ) throws(UsageError) -> JSONValue {
        guard command.operands.count == 2, piped == nil,
            case .string(let key) = try evaluate(command.operands[1], dot: dot, at: command.position)
        else { throw .template(command.position, "a value that is no function has arguments") }
        if case .object(let object) = value { return object[key] ?? .string("") }
        guard isHeader else { throw .template(command.position, "\(value.kind) cannot be looked up in") }
        return .string(key.uppercased())
    }

    /// `and` and `or` give the value that decided, and look no further.
    private mutating func choose(
        _ function: TemplateFunction, _ command: Template.Command, dot: JSONValue, piped: JSONValue?
    ) throws(UsageError) -> JSONValue {
        var last = piped
        for operand in command.operands.dropFirst() {
            let value = try evaluate(operand, dot: dot, at: command.position)
            if value.isTruthful == (function == .or) { return value }
            last = piped ?? value
        }
        guard let last else { throw .template(command.position, "needs a value") }
        return last
    }

    private mutating func evaluate(_ operand: Template.Operand, dot: JSONValue, at position: Int) throws(UsageError) -> JSONValue {
        switch operand {
        case .literal(let value): return value
        case .dot: return dot
        case .variable(let name):
            guard let variable = variables.last(where: { $0.name == name }) else {
                throw .template(position, "undefined variable $\(escapeVisible(name))")
            }
            return variable.value
        case .function:
            return try evaluate(Template.Command(operands: [operand], position: position), dot: dot, piped: nil)
        case .pipeline(let pipeline): return try evaluate(pipeline, dot: dot)
        case .fields(let base, let names):
            var value = try evaluate(base, dot: dot, at: position)
            // From the top on it is known what there is.
            var isKnown = isStrict && value == root
            for name in names {
                value = try field(name, of: value, isKnown: isKnown, at: position)
                isKnown = isKnown && !TemplateFields.maps.contains { $0.equals(name) }
            }
            return value
        }
    }

    private func field(_ name: String, of value: JSONValue, isKnown: Bool, at position: Int) throws(UsageError) -> JSONValue {
        switch value {
        // As when a struct's optional part is missing: `{{if .State.Health.Status}}` is false.
        case .null: return .null
        case .object(let object):
            if let found = object[name] { return found }
            if value != root, let absent = isStrict ? TemplateFields.absent(name) : nil { return absent }
            guard isKnown else { return .null }
            let near = object.members.map { $0.name }.nearest(to: name).map { " (did you mean .\($0)?)" } ?? ""
            throw .template(position, "no field .\(escapeVisible(name))\(near)")
        default: throw .template(position, "no field .\(escapeVisible(name)) in \(value.kind)")
        }
    }
}
