// SPDX-License-Identifier: Apache-2.0
import CLI
import JSON
import Linux
import Network
import OCI

/// `--change`: instructions of a Dockerfile that say how containers of an image run.
struct ImageChanges {
    private(set) var config: ImageConfig.Config?
    private var hasCommand = false

    init(_ config: ImageConfig.Config? = nil) { self.config = config }

    mutating func add(_ text: String) throws(UsageError) {
        let parts = text.split(separator: " ", maxSplits: 1)
        let word = parts.first.map { $0.uppercased() } ?? ""
        let rest = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        guard !rest.isEmpty else { throw UsageError("'\(text)' is no instruction with a value, for example CMD [\"/bin/sh\"]") }
        var changed = config ?? ImageConfig.Config()
        switch word {
        case "CMD":
            changed.cmd = try Self.command(rest)
            hasCommand = true
        case "ENTRYPOINT":
            changed.entrypoint = try Self.command(rest)
            // What it was given by whoever knew of another one.
            if !hasCommand { changed.cmd = nil }
        case "ENV": try Self.set(&changed.env, rest)
        case "LABEL": for pair in try Self.pairs(rest) { changed.labels.add(pair) }
        case "EXPOSE":
            for word in rest.split(separator: " ").map(String.init) {
                guard let ports = ExposedPorts(word) else { throw UsageError("'\(word)' is no port from 1 to 65535, or range of them") }
                changed.exposedPorts = Self.inserting(ports.description, changed.exposedPorts)
            }
        case "VOLUME":
            for path in rest.hasPrefix("[") ? try Self.command(rest) : rest.split(separator: " ").map(String.init) {
                guard path.isAbsolutePath else { throw UsageError("the volume '\(path)' is not an absolute path") }
                changed.volumes = Self.inserting(path, changed.volumes)
            }
        case "USER": changed.user = rest
        case "WORKDIR":
            // Below the one before, as in a Dockerfile.
            let base = changed.workingDir.flatMap { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? "/"
            changed.workingDir = rest.isAbsolutePath ? rest : base + rest
        case "STOPSIGNAL":
            guard let signal = Signal(rest) else { throw UsageError("'\(rest)' is no signal") }
            changed.stopSignal = signal.description
        case "HEALTHCHECK": changed.healthcheck = try Self.healthCheck(rest)
        case "ONBUILD": changed.onBuild = (changed.onBuild ?? []) + [rest]
        default:
            throw UsageError(
                "there is no change '\(word)'; there are CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR"
            )
        }
        config = changed
    }

    /// A list in JSON, or words for the shell.
    private static func command(_ text: String) throws(UsageError) -> [String] {
        guard text.hasPrefix("[") else { return ["/bin/sh", "-c", text] }
        do { return try JSONDecoder().decode([String].self, from: Array(text.utf8)) } catch {
            throw UsageError("'\(text)' is no list of texts in JSON")
        }
    }

    /// `NONE`, or `[--interval=TIME ...] CMD COMMAND`.
    private static func healthCheck(_ text: String) throws(UsageError) -> ImageConfig.Healthcheck {
        var check = ImageConfig.Healthcheck()
        var rest = text[...]
        while rest.hasPrefix("--") {
            let pair = try KeyValue(String(rest.prefix { $0 != " " }), requiresValue: true)
            let value = pair.value ?? ""
            switch pair.key {
            case "--interval": check.interval = try Self.nanoseconds(value)
            case "--timeout": check.timeout = try Self.nanoseconds(value)
            case "--start-period": check.startPeriod = try Self.nanoseconds(value)
            case "--start-interval": check.startInterval = try Self.nanoseconds(value)
            case "--retries": check.retries = Int(try Int32(word: value, in: 1...Int32.max))
            default: throw UsageError("there is no '\(pair.key)' in HEALTHCHECK")
            }
            rest = rest.drop { $0 != " " }.drop { $0 == " " }
        }
        let word = rest.prefix { $0 != " " }.uppercased()
        let command = String(rest.drop { $0 != " " }.drop { $0 == " " })
        guard word == "NONE" ? command.isEmpty : word == "CMD" && !command.isEmpty else {
            throw UsageError("'\(text)' is neither NONE nor CMD and a command")
        }
        if word == "NONE" {
            check.test = ["NONE"]
        } else {
            check.test = command.hasPrefix("[") ? ["CMD"] + (try Self.command(command)) : ["CMD-SHELL", command]
        }
        return check
    }

    private static func nanoseconds(_ text: String) throws(UsageError) -> Int64 {
        let (seconds, attoseconds) = try Duration(word: text).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    private static func inserting(_ name: String, _ set: [String: ImageConfig.Empty]?) -> [String: ImageConfig.Empty] {
        (set ?? [:]).merging([name: ImageConfig.Empty()]) { $1 }
    }

    private static func set(_ environment: inout [String]?, _ text: String) throws(UsageError) {
        var entries = environment ?? []
        for pair in try pairs(text) {
            entries.removeAll { $0.hasPrefix(pair.key + "=") }
            entries.append("\(pair.key)=\(pair.value ?? "")")
        }
        environment = entries
    }

    /// `NAME=VALUE NAME="A VALUE"`, or the old `NAME VALUE`.
    private static func pairs(_ text: String) throws(UsageError) -> [KeyValue] {
        let words = try words(text)
        if let first = words.first, !first.contains("="), words.count > 1 {
            return [try KeyValue("\(first)=\(text.drop { $0 != " " }.drop { $0 == " " })")]
        }
        return try words.map { (word) throws(UsageError) in try KeyValue(word, requiresValue: true) }
    }

    /// Words as a shell parts them: quotes keep spaces, a backslash the next character.
    private static func words(_ text: String) throws(UsageError) -> [String] {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open { quote = nil } else { word = (word ?? "") + String(character) }
            } else if character == "\"" || character == "'" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\t" {
                if let word { words.append(word) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { throw UsageError("'\(text)' ends within a quotation") }
        if let word { words.append(word) }
        return words
    }
}
